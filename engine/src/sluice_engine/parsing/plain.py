"""The usual spelling of a column, read at once: a plain cast, and what does not fit is left (null) for the careful parse.

It takes no text that the careful parse would not, and makes the same value of it; that it takes most is what makes it fast.
"""

import datetime as dt
import re
from functools import reduce
from operator import or_
from typing import assert_never

import polars as pl

from sluice.contracts import Dialect, Field, FieldType

INSTANT = pl.Datetime("us", "UTC")
TYPES: dict[FieldType, pl.DataType] = {
    FieldType.STRING: pl.String(),
    FieldType.INTEGER: pl.Int64(),
    FieldType.NUMBER: pl.Float64(),
    FieldType.BOOLEAN: pl.Boolean(),
    FieldType.TIMESTAMP: INSTANT,
    FieldType.DATE: pl.Date(),
}
FIRST = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
LAST = dt.datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=dt.UTC)
SHAPE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z?)", re.ASCII)


def plain(cells: pl.Series, field: Field, dialect: Dialect) -> pl.Series:
    """Values where the cell is spelt in the usual way; null elsewhere."""
    if field.type is FieldType.STRING:
        return _strings(cells, dialect)
    values = cells.to_frame(field.name).with_columns(_expression(cells, field, dialect).alias(field.name)).to_series()
    words = [word for word in dialect.null_words if word]
    if not words:
        return values
    # a word such as -999 is no number, though it reads as one
    return values.set(cells.is_in(words).fill_null(value=False), None)


def _strings(cells: pl.Series, dialect: Dialect) -> pl.Series:
    """Every text but null words, and what begins as a failed formula does."""
    texts = pl.col(cells.name)
    formula = texts.is_between(pl.lit("#"), pl.lit("$"), closed="left")
    odd = cells.to_frame().select(reduce(or_, (texts == word for word in dialect.null_words), formula)).to_series()
    return cells.set(odd, None) if odd.any() else cells


def _expression(cells: pl.Series, field: Field, dialect: Dialect) -> pl.Expr:
    column = pl.col(field.name)
    match field.type:
        case FieldType.INTEGER:
            return column.cast(pl.Int64, strict=False)
        case FieldType.NUMBER:
            return _number(column, dialect)
        case FieldType.BOOLEAN:
            true, false = (
                reduce(or_, (column == word for word in words), pl.lit(False))  # noqa: FBT003 - no word, no match
                for words in (dialect.true_words, dialect.false_words)
            )
            return pl.when(true).then(True).when(false).then(False)  # noqa: FBT003 - the values
        case FieldType.TIMESTAMP:
            return within_calendar(_instant(column, _first(cells), field.format), field.type)
        case FieldType.DATE:
            return within_calendar(_date(column, field.format), field.type)
        case FieldType.STRING:
            return column
        case _:
            assert_never(field.type)


def _number(column: pl.Expr, dialect: Dialect) -> pl.Expr:
    text = column
    if dialect.decimal != ".":
        pointed = column.str.contains(".", literal=True)
        text = pl.when(~pointed).then(column.str.replace(dialect.decimal, ".", literal=True))
    number = text.cast(pl.Float64, strict=False)
    return pl.when(number.is_finite()).then(number)


def _instant(column: pl.Expr, sample: str, pattern: str | None) -> pl.Expr:
    if pattern:
        return column.str.to_datetime(pattern, strict=False, time_unit="us").cast(INSTANT)
    shape = SHAPE.fullmatch(sample)
    if not shape:
        return pl.lit(None, dtype=INSTANT)
    # Polars would take blanks and signs inside; of that many such characters, each has its own place
    exact = (column.str.len_bytes() == len(sample)) & ~column.str.contains(r"[^0-9TZ:-]")
    pattern = f"%Y-%m-%dT%H:%M:%S{shape[1]}"
    return pl.when(exact).then(
        column.str.to_datetime(pattern, strict=False, time_unit="us", cache=False).dt.replace_time_zone("UTC")
    )


def _date(column: pl.Expr, pattern: str | None) -> pl.Expr:
    if pattern:
        return column.str.to_date(pattern, strict=False)
    exact = (column.str.len_bytes() == len("2024-01-31")) & ~column.str.contains(r"[^0-9-]")
    return pl.when(exact).then(column.str.to_date("%Y-%m-%d", strict=False))


def _first(cells: pl.Series) -> str:
    """The first cell that is not empty: its spelling is tried on all."""
    at = (cells.fill_null("") != "").arg_max()
    return cells[at] or "" if at is not None else ""


def within_calendar(values: pl.Expr, kind: FieldType) -> pl.Expr:
    """Years that a date has four digits for, 1 to 9999; null beyond."""
    first, last = (FIRST, LAST) if kind is FieldType.TIMESTAMP else (FIRST.date(), LAST.date())
    return pl.when(values.is_between(pl.lit(first, dtype=TYPES[kind]), pl.lit(last, dtype=TYPES[kind]))).then(values)
