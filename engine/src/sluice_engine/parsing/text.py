"""The one typed parse: text cells in, typed columns out. What cannot be parsed is null and marked, so its place is known.

All formats meet here. Text is trimmed except in string columns; null words of the dialect become null.

    integer     optional sign and digits, within 64 bits
    number      the dialect's decimal mark, optional exponent; finite
    boolean     the dialect's words, true, false, 1, 0 unless it has others; case does not matter
    timestamp   the contract's format, or ISO 8601 with T or a space, seconds and fraction optional, offset optional (none = UTC)
    date        the contract's format, or an ISO date, or an ISO timestamp at midnight
    any type    no word that a spreadsheet shows for a failed formula, such as #N/A; years from 1 to 9999

`plain` reads the usual spelling of a whole column at once; what it leaves is read here, with care. What both take is one and the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import assert_never

import polars as pl

from sluice.contracts import Dialect, Field, FieldType
from sluice_engine.parsing.plain import INSTANT, TYPES, finite, in_calendar, plain

NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
ISO = (
    r"^(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?P<minute>[0-9]{2}:[0-9]{2})(?P<second>:[0-9]{2})?(?:\.(?P<fraction>[0-9]{1,9}))?"
    r" ?(?:[Zz]|(?P<sign>[+-])(?P<hours>[01][0-9]|2[0-3]):?(?P<minutes>[0-5][0-9]))?)?$"
)
NOT = pl.Series([False])
FORMULA_ERRORS = ("#N/A", "#DIV/0!", "#REF!", "#NAME?", "#VALUE!", "#NUM!", "#NULL!", "#GETTING_DATA")


@dataclass(frozen=True, slots=True)
class Parsed:
    """`values` in the field's type; `failed` is true where there was text that is no such value (never null)."""

    values: pl.Series
    failed: pl.Series


def parse(cells: pl.Series, field: Field, dialect: Dialect) -> Parsed:
    """Parse a String column."""
    return with_care(cells, plain(cells, field, dialect), field, dialect)


def with_care(cells: pl.Series, values: pl.Series, field: Field, dialect: Dialect) -> Parsed:
    """`values` is what `plain` made of `cells`; the cells that it left are read again."""
    failed = NOT.new_from_index(0, len(cells))
    if values.null_count() > cells.null_count():
        left = values.is_null() & cells.is_not_null() if cells.null_count() else values.is_null()
        at, rest = left.arg_true(), carefully(cells.filter(left), field, dialect)
        if rest.values.null_count() < len(at):
            values = values.scatter(at, rest.values)
        failed = failed.scatter(at, rest.failed) if rest.failed.any() else failed
    return Parsed(values.alias(field.name), failed)


def carefully(cells: pl.Series, field: Field, dialect: Dialect) -> Parsed:
    """The whole grammar, cell by cell."""
    said = cells if field.type is FieldType.STRING else cells.str.strip_chars()
    text = _each(said, lambda cell: pl.when(~cell.is_in(list(dialect.null_words))).then(cell))
    values = _typed(text, field, dialect).cast(TYPES[field.type])
    failed = text.is_not_null() & values.is_null() if text.null_count() else values.is_null()
    return Parsed(values.alias(field.name), failed)


def _typed(text: pl.Series, field: Field, dialect: Dialect) -> pl.Series:
    match field.type:
        case FieldType.STRING:
            return _each(text, lambda cell: pl.when(~cell.is_in(list(FORMULA_ERRORS))).then(cell))
        case FieldType.INTEGER:
            return text.cast(pl.Int64, strict=False)
        case FieldType.NUMBER:
            return finite(_each(text, partial(_number, dialect)).cast(pl.Float64, strict=False))
        case FieldType.BOOLEAN:
            # the words of one list; a word that is in both is true, as in `plain`
            words = {word.lower(): value for value in (False, True) for word in _words(dialect, value=value)}
            return _each(
                text, lambda cell: cell.str.to_lowercase().replace_strict(words, default=None, return_dtype=pl.Boolean)
            )
        case FieldType.TIMESTAMP:
            return in_calendar(_instants(text, field.format))
        case FieldType.DATE:
            return in_calendar(_dates(text, field.format))
        case _:
            assert_never(field.type)


def _each(text: pl.Series, made: Callable[[pl.Expr], pl.Expr]) -> pl.Series:
    return text.to_frame().select(made(pl.col(text.name))).to_series()


def _words(dialect: Dialect, *, value: bool) -> tuple[str, ...]:
    return dialect.true_words if value else dialect.false_words


def _number(dialect: Dialect, cell: pl.Expr) -> pl.Expr:
    """The cell with a decimal point, where it is a number."""
    if dialect.decimal != ".":
        pointed = cell.str.contains(".", literal=True)
        cell = pl.when(~pointed).then(cell.str.replace(dialect.decimal, ".", literal=True))
    return pl.when(cell.str.contains(NUMBER)).then(cell)


def _instants(text: pl.Series, pattern: str | None) -> pl.Series:
    own = text.str.to_datetime(pattern, strict=False, time_unit="us").cast(INSTANT) if pattern else None
    return _filled(own, text, iso_instants)


def _dates(text: pl.Series, pattern: str | None) -> pl.Series:
    own = text.str.to_date(pattern, strict=False) if pattern else None
    return _filled(own, text, lambda rest: midnights(iso_instants(rest)))


def _filled(own: pl.Series | None, text: pl.Series, iso: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """ISO 8601 where the contract's own format did not fit."""
    if own is None:
        return iso(text)
    return own.zip_with(own.is_not_null(), iso(text)) if own.null_count() > text.null_count() else own


def _where(values: pl.Series, holds: pl.Series) -> pl.Series:
    holds = holds.fill_null(value=False) if holds.null_count() else holds
    return values.set(~holds, None)


def iso_instants(text: pl.Series) -> pl.Series:
    """ISO 8601 in every spelling we take: read in one form, then moved by fraction and offset."""
    whole = _where(text, text.str.contains(ISO))
    if whole.null_count() == len(whole):
        return pl.repeat(None, len(whole), dtype=INSTANT, eager=True)
    parts = whole.str.extract_groups(ISO).struct.unnest()
    minutes = pl.col("hours").cast(pl.Int64) * 60 + pl.col("minutes").cast(pl.Int64)
    instants = parts.select(
        pl.concat_str("day", pl.lit("T"), pl.col("minute").fill_null("00:00"), pl.col("second").fill_null(":00"))
        .str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False, time_unit="us")
        .cast(INSTANT)
        + pl.duration(microseconds=pl.col("fraction").str.pad_end(6, "0").str.head(6).cast(pl.Int64).fill_null(0))
        - pl.duration(
            minutes=pl.when(pl.col("sign") == "-").then(-minutes).otherwise(minutes).fill_null(0), time_unit="us"
        )
    )
    return instants.to_series()


def midnights(instants: pl.Series) -> pl.Series:
    """Dates of the instants that are midnight UTC; null for the others."""
    dates = instants.dt.date()
    return _where(dates, dates.cast(pl.Datetime("us")).dt.replace_time_zone("UTC") == instants)
