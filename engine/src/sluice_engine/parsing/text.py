"""The one typed parse: text cells in, typed columns out. What cannot be parsed is null and marked, so its place is known.

All formats meet here. Text is trimmed except in string columns; null words of the dialect become null.

    integer     optional sign and digits, within 64 bits
    number      decimal point, optional exponent; finite
    boolean     true, false, 1, 0; case does not matter
    timestamp   the contract's format, or ISO 8601 with T or a space, seconds and fraction optional, offset optional (none = UTC)
    any type    no word that a spreadsheet shows for a failed formula, such as #N/A
    date        the contract's format, or an ISO date, or an ISO timestamp at midnight
"""

from dataclasses import dataclass
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
NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
ISO = r"^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2}(?:\.[0-9]{1,9})?)? ?(Z|z|[+-][0-9]{2}:?[0-9]{2})?)?$"
FORMULA_ERRORS = ("#N/A", "#DIV/0!", "#REF!", "#NAME?", "#VALUE!", "#NUM!", "#NULL!", "#GETTING_DATA")
PLAIN = "%Y-%m-%dT%H:%M:%S%.f"


@dataclass(frozen=True, slots=True)
class Parsed:
    """`values` in the field's type; `failed` is true where there was text that is no such value (never null)."""

    values: pl.Series
    failed: pl.Series


def parse(cells: pl.Series, field: Field, dialect: Dialect) -> Parsed:
    """Parse a String column."""
    text = cells if field.type is FieldType.STRING else cells.str.strip_chars()
    present = text.is_not_null() & ~text.is_in(list(dialect.null_words)).fill_null(value=False)
    text = text.zip_with(present, pl.Series([None], dtype=pl.String))
    values = _typed(text, field).cast(TYPES[field.type])
    return Parsed(values.alias(field.name), (present & values.is_null()).fill_null(value=False))


def _typed(text: pl.Series, field: Field) -> pl.Series:
    match field.type:
        case FieldType.STRING:
            return text.set(text.is_in(list(FORMULA_ERRORS)).fill_null(value=False), None)
        case FieldType.INTEGER:
            return text.cast(pl.Int64, strict=False)
        case FieldType.NUMBER:
            numbers = _matching(text, NUMBER).cast(pl.Float64, strict=False)
            return numbers.set(~numbers.is_finite().fill_null(value=True), None)
        case FieldType.BOOLEAN:
            words = {"true": True, "1": True, "false": False, "0": False}
            return text.str.to_lowercase().replace_strict(words, default=None, return_dtype=pl.Boolean)
        case FieldType.TIMESTAMP:
            return _instants(text, field.format)
        case FieldType.DATE:
            return _dates(text, field.format)
        case _:
            assert_never(field.type)


def _matching(text: pl.Series, pattern: str) -> pl.Series:
    return text.set(~text.str.contains(pattern).fill_null(value=True), None)


def _instants(text: pl.Series, pattern: str | None) -> pl.Series:
    # Z says what no offset says
    plain = (
        (text if pattern else text.str.strip_suffix("Z"))
        .str.to_datetime(pattern or PLAIN, strict=False, time_unit="us")
        .cast(INSTANT, strict=False)
    )
    if plain.null_count() > text.null_count():
        plain = plain.zip_with(plain.is_not_null(), _iso_instants(text))
    return plain.set(~plain.dt.year().is_between(1, 9999).fill_null(value=True), None)


def _iso_instants(text: pl.Series) -> pl.Series:
    """ISO 8601 in every spelling we take: its pieces are put into one form first."""
    parts = pl.DataFrame({"text": text}).select(
        day=pl.col("text").str.extract(ISO, 1),
        minute=pl.col("text").str.extract(ISO, 2).fill_null("00:00"),
        second=pl.col("text").str.extract(ISO, 3).fill_null(":00"),
        offset=pl.col("text").str.extract(ISO, 4).str.to_uppercase().replace("Z", "+00:00").fill_null("+00:00"),
    )
    whole = pl.col("day") + "T" + pl.col("minute") + pl.col("second") + pl.col("offset").str.replace(":", "")
    parsed = parts.select(whole.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%z", strict=False, time_unit="us"))
    return parsed.to_series().cast(INSTANT, strict=False)


def _dates(text: pl.Series, pattern: str | None) -> pl.Series:
    dates = text.str.to_date(pattern or "%Y-%m-%d", strict=False)
    if dates.null_count() > text.null_count():
        dates = dates.zip_with(dates.is_not_null(), midnights(_iso_instants(text)))
    return dates.set(~dates.dt.year().is_between(1, 9999).fill_null(value=True), None)


def midnights(instants: pl.Series) -> pl.Series:
    """Dates of the instants that are midnight UTC; null for the others."""
    dates = instants.dt.date()
    return dates.set(
        (dates.cast(pl.Datetime("us")).dt.replace_time_zone("UTC") != instants).fill_null(value=False), None
    )
