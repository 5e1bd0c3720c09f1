"""Columns that come with a type of their own (Parquet): kept where that is exact, else read as the text they would show."""

import polars as pl

from sluice.contracts import Dialect, Field, FieldType
from sluice_engine.parsing.plain import INSTANT, TYPES, finite, in_calendar
from sluice_engine.parsing.text import Parsed, midnights, parse

BOOLEANS = pl.Enum(["true", "false"])
"""Text in Parquet, too; but nobody has to find out which words a column has, row by row."""


def typed(cells: pl.Series, field: Field, dialect: Dialect) -> Parsed:
    """The column in the field's type, whatever it came as."""
    if cells.dtype != pl.String and (values := _directly(cells, field)) is not None:
        return Parsed(values.alias(field.name), (cells.is_not_null() & values.is_null()))
    return parse(as_text(cells), field, dialect)


def _directly(cells: pl.Series, field: Field) -> pl.Series | None:
    """Values of the same family, cast; null where that would change them. None: not of the family."""
    own, values = cells.dtype, None
    match field.type:
        case FieldType.INTEGER if own.is_integer():
            values = cells.cast(pl.Int64, strict=False)
        case FieldType.NUMBER if own.is_numeric():
            values = finite(cells.cast(pl.Float64, strict=False))
        case FieldType.TIMESTAMP if own == pl.Date or isinstance(own, pl.Datetime):
            values = _instants(cells)
        case FieldType.DATE if isinstance(own, pl.Datetime):
            values = midnights(_instants(cells))
        case FieldType.BOOLEAN | FieldType.DATE if own == TYPES[field.type]:
            values = cells
        case _:
            pass
    return values


def _instants(cells: pl.Series) -> pl.Series:
    """Microseconds, UTC; a time without a zone is UTC already, a date is its midnight."""
    aware = (
        cells if getattr(cells.dtype, "time_zone", None) else cells.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    )
    return in_calendar(aware.cast(INSTANT))


def as_text(cells: pl.Series) -> pl.Series:
    """The column as text; whole floats without `.0`, as spreadsheets show them, times in ISO 8601."""
    if isinstance(cells.dtype, pl.Datetime):
        return _instants(cells).dt.to_string("iso:strict").str.replace(r"\.000000", "")
    if cells.dtype.is_float():
        return cells.cast(pl.String).str.replace(r"\.0$", "")
    return cells.cast(pl.String)


def canonical(contract_field: Field) -> pl.Expr:
    """A typed column as Druid reads it safely: booleans, dates and times as text."""
    column = pl.col(contract_field.name)
    match contract_field.type:
        case FieldType.BOOLEAN:
            true, false = (pl.lit(word, dtype=BOOLEANS) for word in BOOLEANS.categories)
            return pl.when(column).then(true).when(~column).then(false).alias(contract_field.name)
        case FieldType.TIMESTAMP:
            return column.dt.to_string("iso:strict").str.replace(r"\.0+([+Z])", "${1}").str.replace(r"\+00:00$", "Z")
        case FieldType.DATE:
            return column.dt.to_string("iso")
        case _:
            return column.cast(TYPES[contract_field.type])
