"""Cells of an XLS sheet, errors of formulas among them."""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import xlrd

from sluice_engine.errors import FileRejected
from sluice_engine.reading.sheetxml import CELLS, MOST_RANGES, column_letters
from sluice_engine.reading.workbook import Kind, Sheet, kind_of

ROWS = 8_192
EXACT = 1e15
ERRORS: dict[int, str] = xlrd.error_text_from_code
DAMAGES = (
    xlrd.XLRDError,
    xlrd.compdoc.CompDocError,
    struct.error,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    TypeError,
    ValueError,
)
"""What the library raises for a file that is cut off or damaged."""


@dataclass(slots=True)
class XlsBook:
    """An open XLS."""

    _book: Any

    @property
    def sheets(self) -> tuple[Sheet, ...]:
        names, states = self._book.sheet_names(), self._book._sheet_visibility  # noqa: SLF001 - known before a sheet is read
        return tuple(Sheet(name, name, state != 0) for name, state in zip(names, states, strict=True))

    @property
    def epoch_1904(self) -> bool:
        return bool(self._book.datemode)

    def cells(self, sheet: Sheet) -> "XlsCells":
        return XlsCells(self._book, self._book.sheet_by_name(sheet.name))


def open_xls(path: Path) -> XlsBook:
    """Raises FileRejected and DAMAGES."""
    try:
        return XlsBook(
            xlrd.open_workbook(path, logfile=io.StringIO(), on_demand=True, formatting_info=True, ragged_rows=True)
        )
    except xlrd.XLRDError as error:
        if "encrypted" in str(error):
            raise FileRejected("unreadable-file", "The workbook has a password. Save it without one.") from error
        raise


@dataclass(slots=True)
class XlsCells:
    """One sheet; what is hidden and merged is known at once."""

    _book: Any
    _sheet: Any
    hidden_rows: int = 0
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.hidden_rows = sum(1 for each in self._sheet.rowinfo_map.values() if each.hidden)
        self.hidden_columns = [(at, at) for at, each in self._sheet.colinfo_map.items() if each.hidden]
        self.merged = [
            f"{column_letters(left)}{top + 1}:{column_letters(right - 1)}{bottom}"
            for top, bottom, left, right in self._sheet.merged_cells[:MOST_RANGES]
        ]

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Frames of CELLS, whole rows, ascending. Raises DAMAGES."""
        found: list[tuple[int, int, int, str]] = []
        for row in range(self._sheet.nrows):
            types, values = self._sheet.row_types(row), self._sheet.row_values(row)
            for column, (type_, value) in enumerate(zip(types, values, strict=True)):
                if value not in {"", None} or type_ == xlrd.XL_CELL_ERROR:
                    found.append((row + 1, column, *self._cell(row, column, type_, value)))
            if row % ROWS == ROWS - 1 and found:
                yield pl.DataFrame(found, schema=CELLS, orient="row")
                found = []
        if found:
            yield pl.DataFrame(found, schema=CELLS, orient="row")

    def _cell(self, row: int, column: int, type_: int, value: Any) -> tuple[int, str]:
        match type_:
            case xlrd.XL_CELL_NUMBER:
                return Kind.NUMBER, digits(value)
            case xlrd.XL_CELL_DATE:
                style = self._book.xf_list[self._sheet.cell_xf_index(row, column)]
                shown = self._book.format_map[style.format_key].format_str
                return max(kind_of(shown), Kind.MOMENT), digits(value)
            case xlrd.XL_CELL_BOOLEAN:
                return Kind.BOOLEAN, str(int(value))
            case xlrd.XL_CELL_ERROR:
                return Kind.TEXT, ERRORS.get(value, "#VALUE!")
            case _:
                return Kind.TEXT, str(value)


def digits(number: float) -> str:
    """As short as exact, whole numbers without `.0`."""
    return str(int(number)) if number.is_integer() and abs(number) < EXACT else repr(number)
