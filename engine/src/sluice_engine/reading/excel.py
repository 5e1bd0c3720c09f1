"""Spreadsheets: one sheet, cells by their own type, rendered to text exactly; the typed parse is then the same as for CSV."""

import datetime as dt
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError

from sluice.contracts import Contract
from sluice.events import FileFormat
from sluice.reports import Note
from sluice_engine.errors import FileRejected
from sluice_engine.reading.sheetxml import column_letters, error_cells
from sluice_engine.reading.table import Batch, Column, Place, check_header

ROWS = 20_000
MAX_ENTRIES = 10_000
MAX_RATIO = 200
SMALL = 10_000_000
"""Bytes; below it a high ratio of compression is no danger."""

NOTHING: list[str | None] = [None]
Cell = int | float | str | bool | dt.time | dt.date | dt.datetime | dt.timedelta


@dataclass(slots=True)
class ExcelTable:
    """The first sheet, or the one that the contract names. The header is the first row that is not empty."""

    path: Path
    contract: Contract
    format: FileFormat
    max_unpacked: int
    _sheet: str = ""
    _errors: dict[tuple[int, int], str] = field(default_factory=dict)
    _names: list[str] = field(default_factory=list)
    _first_row: int = 0
    _first_column: int = 0

    @property
    def columns(self) -> tuple[Column, ...]:
        return tuple(Column(name, name) for name in self._names)

    @property
    def notes(self) -> tuple[Note, ...]:
        return ()

    def again(self, rows: pl.Series) -> Iterator[Batch]:  # noqa: ARG002 - all of them hold these
        return ExcelTable(self.path, self.contract, self.format, self.max_unpacked).batches()

    def place(self, row: int, column: str | None) -> Place:
        """Rows of the sheet follow each other without gaps, so a cell's name can be computed."""
        if column is None or column not in self._names:
            return Place()
        letters = column_letters(self._first_column + self._names.index(column))
        return Place(cell=f"{self._sheet}!{letters}{self._first_row + row}")

    def batches(self) -> Iterator[Batch]:
        if self.format is FileFormat.XLSX:
            check_archive(self.path, self.max_unpacked)
        try:
            yield from self._batches(self._open())
        except PasswordError as error:
            raise FileRejected("unreadable-file", "The workbook has a password. Save it without one.") from error
        except (CalamineError, zipfile.BadZipFile, zlib.error) as error:
            raise self._unreadable() from error
        except BaseException as error:
            # the reader panics on some cut-off files; its class of panic cannot be imported
            if type(error).__name__ != "PanicException":
                raise
            raise self._unreadable() from error

    def _unreadable(self) -> FileRejected:
        return FileRejected(
            "unreadable-file", f"This is no {self.format.upper()} workbook that can be read. Save it anew."
        )

    def _open(self) -> CalamineSheet:
        book = CalamineWorkbook.from_path(self.path)
        wanted = self.contract.dialect.sheet
        if not book.sheet_names or (wanted and wanted not in book.sheet_names):
            raise FileRejected("missing-sheet", f"The workbook has no sheet {wanted or ''}.")
        self._sheet = wanted or book.sheet_names[0]
        return book.get_sheet_by_name(self._sheet)

    def _batches(self, sheet: CalamineSheet) -> Iterator[Batch]:
        if sheet.start is None:
            raise FileRejected("empty-file", "The sheet is empty.")
        self._first_column = sheet.start[1]
        if self.format is FileFormat.XLSX:
            self._errors = error_cells(self.path, self._sheet)
        seen = 0
        waiting: list[list[str | None]] = []
        empty = 0
        for number, cells in enumerate(sheet.iter_rows(), start=1):
            values = self._texts(number, cells)
            if not any(values):
                empty += bool(self._names)
                continue
            if not self._names:
                self._read_header(values, number)
                continue
            # empty rows count only where a row with a value follows
            waiting += [*([NOTHING] * empty), values]
            empty = 0
            if len(waiting) >= ROWS:
                yield self._batch(waiting, seen)
                seen, waiting = seen + len(waiting), []
        if waiting:
            yield self._batch(waiting, seen)

    def _texts(self, number: int, cells: list[Cell]) -> list[str | None]:
        if not self._errors:
            return [render(cell) for cell in cells]
        errors, first = self._errors, self._first_column
        return [errors.get((number, first + at)) or render(cell) for at, cell in enumerate(cells)]

    def _read_header(self, values: list[str | None], number: int) -> None:
        names = [(value or "").strip() for value in values]
        while names and not names[-1]:
            names.pop()
        self._names, self._first_row = names, number
        check_header(names, self.contract)

    def _batch(self, rows: list[list[str | None]], seen: int) -> Batch:
        schema, width = dict.fromkeys(self._names, pl.String()), len(self._names)
        frame = pl.DataFrame([row[:width] + NOTHING * (width - len(row)) for row in rows], schema=schema, orient="row")
        return Batch(frame, pl.Series(range(seen + 1, seen + len(rows) + 1), dtype=pl.UInt64))


def render(cell: Cell) -> str | None:
    """A cell as text, without loss: whole numbers without `.0`, times in ISO 8601, an empty cell as None."""
    match cell:
        case bool():
            return "true" if cell else "false"
        case float() if cell.is_integer():
            return str(int(cell))
        case dt.datetime() | dt.date() | dt.time():
            return cell.isoformat()
        case "":
            return None
        case _:
            return str(cell)


def check_archive(path: Path, max_unpacked: int) -> None:
    """Look at the ZIP directory before anything is unpacked. Raises FileRejected."""
    if not zipfile.is_zipfile(path):
        encrypted = path.read_bytes()[:8] == bytes.fromhex("d0cf11e0a1b11ae1")
        said = "The workbook has a password, or is an old XLS." if encrypted else "This is no XLSX workbook."
        raise FileRejected("unreadable-file", f"{said} Save it as XLSX.")
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    names = {entry.filename for entry in entries}
    if "[Content_Types].xml" not in names or not any(name.startswith("xl/workbook.") for name in names):
        raise FileRejected("unreadable-file", "This is a ZIP archive, but no XLSX workbook. Save it as XLSX.")
    unpacked, packed = sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
    bomb = unpacked > SMALL and unpacked > MAX_RATIO * max(packed, 1)
    if unpacked > max_unpacked or len(entries) > MAX_ENTRIES or bomb:
        said = f"Unpacked, the workbook has {unpacked} bytes in {len(entries)} entries; at most {max_unpacked} can be read."
        raise FileRejected("resource-limit", f"{said} Split it, or send CSV.")
