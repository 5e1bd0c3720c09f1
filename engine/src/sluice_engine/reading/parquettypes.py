"""Types of Parquet columns, held against the contract's; and columns made such that nothing is lost in the comparison."""

from collections.abc import Iterator, Sequence

import polars as pl

from sluice.contracts import Contract, ExtraColumns, Field, FieldType
from sluice_engine.errors import Fault, FileRejected
from sluice_engine.parsing.plain import DATES, DAY
from sluice_engine.reading.table import Column

NESTED = (pl.List, pl.Array, pl.Struct, pl.Object, pl.Binary, pl.Duration)
WIDEST_DECIMAL = 38
PER_DAY = {"ms": DAY // 1000, "us": DAY}
"""Nanoseconds of 64 bits cannot leave the calendar."""


def check_types(schema: pl.Schema, columns: Sequence[Column], contract: Contract) -> None:
    """Raises FileRejected with one fault for each column that can never hold what its field asks for."""
    unsupported = list(_unsupported(schema, columns, contract))
    if unsupported:
        names = ", ".join(fault.column or "" for fault in unsupported)
        said = f"Columns of a type that cannot be read: {names}"
        raise FileRejected("unsupported-type", f"{said}."[:1000], *unsupported)
    wrong = list(_wrong(schema, columns, contract))
    if wrong:
        names = ", ".join(fault.column or "" for fault in wrong)
        said = f"Columns of another type than the contract's: {names}"
        raise FileRejected("wrong-type", f"{said}."[:1000], *wrong)


def _unsupported(schema: pl.Schema, columns: Sequence[Column], contract: Contract) -> Iterator[Fault]:
    for each in columns:
        own = schema[each.name]
        if each.field is None and contract.policy.extra_columns is not ExtraColumns.KEEP:
            continue
        if isinstance(own, NESTED):
            hint = f"The column is {_shown(own)}; write one plain value in each cell."
            yield Fault("unsupported-type", "plain values", hint, each.field or each.name[:100])
        elif isinstance(own, pl.Decimal) and (own.precision or 0) > WIDEST_DECIMAL:
            hint = f"The column is {_shown(own)}; write at most {WIDEST_DECIMAL} digits, or text."
            yield Fault("unsupported-type", f"decimals of {WIDEST_DECIMAL} digits", hint, each.field or each.name[:100])


def _wrong(schema: pl.Schema, columns: Sequence[Column], contract: Contract) -> Iterator[Fault]:
    for each in columns:
        if each.field and not can_hold(schema[each.name], contract.field(each.field).type):
            wanted = contract.field(each.field).type
            hint = f"The column is {_shown(schema[each.name])}; write it as {wanted}, or as text."
            yield Fault("wrong-type", f"a column of {wanted} values", hint, each.field)


def can_hold(own: pl.DataType, wanted: FieldType) -> bool:
    """May values of the type be values of the field? Text may always: it is parsed."""
    if isinstance(own, (pl.String, pl.Categorical, pl.Enum, pl.Null)):
        return True
    match wanted:
        case FieldType.STRING:
            return True
        case FieldType.INTEGER | FieldType.NUMBER:
            return own.is_numeric()
        case FieldType.BOOLEAN:
            return own == pl.Boolean or own.is_integer()
        case FieldType.TIMESTAMP | FieldType.DATE:
            return isinstance(own, (pl.Date, pl.Datetime))


def comparable(cells: pl.Series, field: Field) -> pl.Series:
    """The column by its own type where that can be compared, else as the exact text of each value."""
    own = cells.dtype
    if isinstance(own, (pl.Categorical, pl.Enum, pl.Null)):
        return cells.cast(pl.String)
    if isinstance(own, (pl.Date, pl.Datetime)) and not _within_calendar(cells):
        return _far_away(cells)
    if field.type is FieldType.INTEGER and isinstance(own, pl.Decimal):
        return cells.cast(pl.String).str.replace(r"\.0+$", "")
    if field.type is FieldType.INTEGER and own.is_float():
        return _whole(cells)
    return cells


def _whole(cells: pl.Series) -> pl.Series:
    """Floats as integers where all of them are, else as text: 1.5, but 10000000000000000 and not 1e16."""
    numbers = cells.cast(pl.Int64, strict=False)
    whole = (numbers.cast(pl.Float64) == cells.cast(pl.Float64)).fill_null(value=False) & (cells.abs() < 2.0**63)
    if (whole | cells.is_null()).all():
        return numbers
    return cells.cast(pl.String).zip_with(~whole.fill_null(value=False), numbers.cast(pl.String))


def _bounds(own: pl.DataType) -> tuple[int, int]:
    per_day = PER_DAY[own.time_unit] if isinstance(own, pl.Datetime) else 1
    return DATES[0] * per_day, (DATES[1] + 1) * per_day - 1


def _within_calendar(cells: pl.Series) -> bool:
    if getattr(cells.dtype, "time_unit", None) == "ns":
        return True
    counts = cells.to_physical()
    return bool(counts.is_between(*_bounds(cells.dtype)).fill_null(value=True).all())


def _far_away(cells: pl.Series) -> pl.Series:
    """As text: ISO 8601 within the years 1 to 9999, and beyond them the count that stands in the file."""
    counts = cells.to_physical()
    near = counts.is_between(*_bounds(cells.dtype)).fill_null(value=False)
    written = cells.set(~near, None).dt.to_string("iso:strict" if isinstance(cells.dtype, pl.Datetime) else "iso")
    unit = cells.dtype.time_unit if isinstance(cells.dtype, pl.Datetime) else "days"
    return written.zip_with(near, counts.cast(pl.String) + f" {unit} since 1970")


def as_string(cells: pl.Series) -> pl.Series:
    """Any column as text; nested values as Python shows them, bytes as hexadecimal digits."""
    match cells.dtype:
        case pl.Binary():
            return cells.bin.encode("hex")
        case pl.Duration():
            return cells.dt.to_string("iso")
        case pl.List() | pl.Array() | pl.Struct() | pl.Object():
            texts = [None if value is None else str(value) for value in cells.to_list()]
            return pl.Series(cells.name, texts, dtype=pl.String)
        case pl.Date() | pl.Datetime() if not _within_calendar(cells):
            return _far_away(cells)
        case _:
            return cells.cast(pl.String)


def _shown(own: pl.DataType) -> str:
    return str(own)[:100]
