"""Spreadsheets: one sheet, cells by their own type, the same table whatever program wrote it."""

import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from xml.etree import ElementTree as ET

import polars as pl

from sluice.contracts import Contract
from sluice.events import FileFormat
from sluice.reports import Note
from sluice_engine.errors import FileRejected
from sluice_engine.reading.footer import without_footer
from sluice_engine.reading.grid import Grid
from sluice_engine.reading.header import ignored
from sluice_engine.reading.preflight import check_archive, check_xls
from sluice_engine.reading.sheetnotes import Beside, said_of
from sluice_engine.reading.sheetxml import SheetCells, broken, column_letters
from sluice_engine.reading.table import Batch, Column, Place
from sluice_engine.reading.workbook import Book, Sheet
from sluice_engine.reading.xls import DAMAGES, open_xls

KEPT = 64_000_000
"""Bytes of batches that are kept for `again`; a bigger sheet is read anew."""

BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    ET.ParseError,
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    ValueError,
)
"""What reading an archive and its XML raises where it is cut off, damaged or encrypted."""


Damages = tuple[type[Exception], ...]


class Cells(Beside, Protocol):
    """Filled cells of a sheet, row by row; what stands beside them is complete after the last."""

    def __iter__(self) -> Iterator[pl.DataFrame]: ...


@dataclass(slots=True)
class ExcelTable:
    """The first visible sheet, or the one that the contract names; its header is where the contract says, or the first filled row.

    Formulas count by their stored value. A merged cell's value belongs to its first cell.
    """

    path: Path
    contract: Contract
    format: FileFormat
    max_unpacked: int
    correcting: bool = False
    _grid: Grid | None = None
    _sheet: Sheet | None = None
    _notes: tuple[Note, ...] = ()
    _kept: list[Batch] = field(default_factory=list)
    _size: float = 0

    @property
    def columns(self) -> tuple[Column, ...]:
        return self._grid.columns if self._grid else ()

    @property
    def sheet(self) -> str:
        """Name of the sheet that is read; empty until then."""
        return self._sheet.name if self._sheet else ""

    @property
    def outside(self) -> int:
        """Filled cells beside the header's columns, so far."""
        return self._grid.outside if self._grid else 0

    @property
    def notes(self) -> tuple[Note, ...]:
        return (*self._notes, *ignored(self.columns, self.contract))

    def batches(self) -> Iterator[Batch]:
        self._kept, self._size = [], 0
        for batch in without_footer(self._read(), self.contract.dialect.footer_rows):
            self._size += batch.cells.estimated_size() + batch.extra.estimated_size()
            if self._size <= KEPT:
                self._kept.append(batch)
            yield batch

    def again(self, rows: pl.Series) -> Iterator[Batch]:
        if self._size > KEPT:
            table = ExcelTable(self.path, self.contract, self.format, self.max_unpacked, self.correcting)
            batches = without_footer(table._read(), self.contract.dialect.footer_rows)
        else:
            batches = iter(self._kept)
        for batch in batches:
            here = rows.is_between(batch.rows[0], batch.rows[-1])
            if here.any():
                yield batch
            if len(rows) and rows[-1] <= batch.rows[-1]:
                return

    def place(self, row: int, column: str | None) -> Place:
        at = next((at for at, each in enumerate(self.columns) if column is not None and each.field == column), None)
        if at is None or self._grid is None:
            return Place()
        return Place(cell=f"{quoted(self.sheet)}!{column_letters(self._grid.left + at)}{self._grid.first + row - 1}")

    def _read(self) -> Iterator[Batch]:
        if self.format is FileFormat.XLS:
            check_xls(self.path)
            with _translated(DAMAGES):
                book = open_xls(self.path)
                sheet = self._choose(book.sheets)
                cells = book.cells(sheet)
            yield from self._table(
                cells, Grid(self.contract, self.correcting, book.epoch_1904), sheet, book.sheets, DAMAGES
            )
            return
        check_archive(self.path, self.max_unpacked)
        with zipfile.ZipFile(self.path) as archive:
            with _translated(BROKEN):
                parts = Book(archive)
                sheet = self._choose(parts.sheets)
                rows = SheetCells(archive, sheet.part, parts.kinds(), parts.texts())
            yield from self._table(
                rows, Grid(self.contract, self.correcting, parts.epoch_1904), sheet, parts.sheets, BROKEN
            )

    def _choose(self, sheets: Sequence[Sheet]) -> Sheet:
        wanted = self.contract.dialect.sheet
        candidates = [each for each in sheets if each.name == wanted or (wanted is None and not each.hidden)]
        if not candidates:
            said = f"no sheet named {wanted}" if wanted else "no visible sheet with cells"
            raise FileRejected(
                "missing-sheet", f"The workbook has {said}. Name the sheet so, or ask for the contract to be changed."
            )
        self._sheet = candidates[0]
        return candidates[0]

    def _table(
        self, cells: Cells, grid: Grid, sheet: Sheet, sheets: Sequence[Sheet], damages: Damages
    ) -> Iterator[Batch]:
        self._grid = grid
        yield from grid.batches(_guarded(cells, damages))
        self._notes = said_of(cells, grid, sheet, sheets)


@contextmanager
def _translated(damages: Damages) -> Iterator[None]:
    try:
        yield
    except damages as error:
        raise broken() from error


def _guarded(cells: Cells, damages: Damages) -> Iterator[pl.DataFrame]:
    with _translated(damages):
        yield from cells


PLAIN_NAME = re.compile(r"[^\W\d][\w.]*")
REFERENCE = re.compile(r"[A-Z]{1,3}[0-9]+|R[0-9]*(C[0-9]*)?|C[0-9]*", re.IGNORECASE)


def quoted(sheet: str) -> str:
    """A sheet's name as Excel writes it in a reference."""
    plain = PLAIN_NAME.fullmatch(sheet) and not REFERENCE.fullmatch(sheet)
    return sheet if plain else "'" + sheet.replace("'", "''") + "'"
