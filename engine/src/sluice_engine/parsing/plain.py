"""The usual spelling of a column, read at once: a plain cast, and what does not fit is left (null) for the careful parse.

It takes no text that the careful parse would not, and makes the same value of it; that it takes most is what makes it fast.
"""

import datetime as dt
import re
from functools import reduce
from math import isfinite
from operator import or_
from typing import assert_never

import polars as pl

from sluice.contracts import Dialect, Field, FieldType

INSTANT = pl.Datetime("us", "UTC")
DAY = 86_400_000_000
TYPES: dict[FieldType, pl.DataType] = {
    FieldType.STRING: pl.String(),
    FieldType.INTEGER: pl.Int64(),
    FieldType.NUMBER: pl.Float64(),
    FieldType.BOOLEAN: pl.Boolean(),
    FieldType.TIMESTAMP: INSTANT,
    FieldType.DATE: pl.Date(),
}
DATES = tuple((day - dt.date(1970, 1, 1)).days for day in (dt.date.min, dt.date.max))
INSTANTS = DATES[0] * DAY, (DATES[1] + 1) * DAY - 1
"""First and last of the calendar, in days and in microseconds since 1970."""
LOOSE = "+ \t\n\v\f\r"
SHAPE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z?)", re.ASCII)


def plain(cells: pl.Series, field: Field, dialect: Dialect) -> pl.Series:
    """Values where the cell is spelt in the usual way; null elsewhere."""
    if field.type is FieldType.STRING:
        return _strings(cells, dialect)
    values = _values(cells, field, dialect)
    words = [word for word in dialect.null_words if word]
    # a word such as -999 is no number, though it reads as one
    return _unless(values, cells.is_in(words)) if words else values


def in_calendar(values: pl.Series) -> pl.Series:
    """Dates or instants with a year of four digits, 1 to 9999; null beyond."""
    first, last = INSTANTS if values.dtype == INSTANT else DATES
    counts = values.cast(pl.Int64)
    low, high = counts.min(), counts.max()
    if low is None or (first <= low and high <= last):  # type: ignore[operator]  # whole numbers both
        return values
    return _unless(values, ~counts.is_between(first, last))


def finite(numbers: pl.Series) -> pl.Series:
    """Null where one is not."""
    # a sum is finite only where each of them is
    return numbers if isfinite(numbers.sum()) else _unless(numbers, ~numbers.is_finite())


def _values(cells: pl.Series, field: Field, dialect: Dialect) -> pl.Series:
    match field.type:
        case FieldType.INTEGER:
            return cells.cast(pl.Int64, strict=False)
        case FieldType.NUMBER:
            return _numbers(cells, dialect)
        case FieldType.BOOLEAN:
            return _booleans(cells, dialect)
        case FieldType.TIMESTAMP:
            return in_calendar(_instants(cells, field.format))
        case FieldType.DATE:
            return in_calendar(_dates(cells, field.format))
        case FieldType.STRING:
            return cells
        case _:
            assert_never(field.type)


def _strings(cells: pl.Series, dialect: Dialect) -> pl.Series:
    """Every text but null words, and what begins as a failed formula does."""
    least = cells.min()
    if not isinstance(least, str) or least > max("$", *dialect.null_words):
        return cells
    texts = pl.col(cells.name)
    formula = texts.is_between(pl.lit("#"), pl.lit("$"), closed="left")
    odd = cells.to_frame().select(reduce(or_, (texts == word for word in dialect.null_words), formula)).to_series()
    return _unless(cells, odd)


def _numbers(cells: pl.Series, dialect: Dialect) -> pl.Series:
    text = cells
    if dialect.decimal != ".":
        pointed = cells.str.contains(".", literal=True)
        text = _unless(cells, pointed).str.replace(dialect.decimal, ".", literal=True)
    return finite(text.cast(pl.Float64, strict=False))


def _booleans(cells: pl.Series, dialect: Dialect) -> pl.Series:
    nothing = pl.lit(False)  # noqa: FBT003 - no word, no match
    true, false = (
        reduce(or_, (pl.col(cells.name) == word for word in words), nothing)
        for words in (dialect.true_words, dialect.false_words)
    )
    values = pl.when(true).then(True).when(false).then(False)  # noqa: FBT003 - the values
    return cells.to_frame().with_columns(values.alias(cells.name)).to_series()


def _instants(cells: pl.Series, pattern: str | None) -> pl.Series:
    if pattern:
        return cells.str.to_datetime(pattern, strict=False, time_unit="us").cast(INSTANT)
    sample = _first(cells)
    shape = SHAPE.fullmatch(sample)
    if not shape:
        return pl.repeat(None, len(cells), dtype=INSTANT, eager=True)
    pattern = f"%Y-%m-%dT%H:%M:%S{shape[1]}"
    instants = cells.str.to_datetime(pattern, strict=False, time_unit="us", cache=False).cast(INSTANT)
    return _exactly(instants, cells, len(sample))


def _dates(cells: pl.Series, pattern: str | None) -> pl.Series:
    dates = cells.str.to_date(pattern or "%Y-%m-%d", strict=False)
    return dates if pattern else _exactly(dates, cells, len("2024-01-31"))


def _exactly(values: pl.Series, cells: pl.Series, width: int) -> pl.Series:
    """Null where Polars may have taken blanks, signs or missing zeros: none of them leaves the width and keeps to these characters."""
    read = cells.filter(values.is_not_null()) if values.null_count() else cells
    # all of them in one go; cell by cell takes three times as long
    texts = read.str.join("")[0]
    if texts.isascii() and not any(each in texts for each in LOOSE) and (read.str.len_bytes() == width).all():
        return values
    text = pl.col(cells.name)
    exact = (text.str.len_bytes() == width) & (text.str.len_chars() == width) & ~text.str.contains(f"[{LOOSE}]")
    return _unless(values, cells.to_frame().select(~exact).to_series())


def _first(cells: pl.Series) -> str:
    """The first cell that is not empty: its spelling is tried on all."""
    if len(cells) and cells[0]:
        return str(cells[0])
    filled = cells.filter(cells != "")
    return str(filled[0]) if len(filled) else ""


def _unless(values: pl.Series, wrong: pl.Series) -> pl.Series:
    """Null where it is wrong; mostly nothing is."""
    if not wrong.any():
        return values
    return values.set(wrong.fill_null(value=False) if wrong.null_count() else wrong, None)
