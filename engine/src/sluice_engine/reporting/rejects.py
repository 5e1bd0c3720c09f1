"""The rejects file: every rejected row as it came, in the format that came in, with its number and what is wrong with it.

It can be mended and sent back under the same contract: header, skipped rows and footer stand where the dialect has them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

import polars as pl

from sluice.contracts import Dialect
from sluice.events import FileFormat
from sluice.reports import ReportFile
from sluice_engine import paths
from sluice_engine.reading.header import ERRORS, ROW
from sluice_engine.reporting.sheets import XLS_COLUMNS, SheetWriter, XlsSheet, XlsxSheet

FILLER = "(left out)"
"""Stands in rows that the dialect skips or takes for a footer."""

FORMULA = r"^[=+\-@\t\r]"
PLAIN_NUMBER = r"^[+-]?([0-9][0-9.,]*|[.,][0-9]+)([eE][+-]?[0-9]+)?$"
"""Such a text begins like a formula, and is none in any program."""


class RejectsWriter(Protocol):
    """Takes rejected rows in their order. To be closed once, also where nothing was added."""

    def add(self, frame: pl.DataFrame) -> None:
        """Rows with the file's columns by their names in the file, then ROW (UInt64) and ERRORS (String)."""
        ...

    def close(self) -> ReportFile: ...


def open_rejects(run: Path, format: FileFormat, columns: Sequence[str], dialect: Dialect) -> RejectsWriter:  # noqa: A002 - the word of the contract
    """A writer in the folder of the run. `columns` are the file's own, without ROW and ERRORS.

    Rows of an XLS go to an XLSX where two more columns have no room; its rows always have.
    """
    names = [*columns, ROW, ERRORS]
    match format:
        case FileFormat.CSV:
            return CsvRejects(paths.rejects_file(run, "csv"), names, dialect)
        case FileFormat.PARQUET:
            return ParquetRejects(paths.rejects_file(run, "parquet"), names)
        case FileFormat.XLSX:
            return SheetRejects(XlsxSheet(paths.rejects_file(run, "xlsx"), _sheet(dialect)), names, dialect)
        case FileFormat.XLS:
            wide = len(names) > XLS_COLUMNS
            name = _sheet(dialect)
            sheet = (
                XlsxSheet(paths.rejects_file(run, "xlsx"), name)
                if wide
                else XlsSheet(paths.rejects_file(run, "xls"), name)
            )
            return SheetRejects(sheet, names, dialect)


def _sheet(dialect: Dialect) -> str:
    return dialect.sheet or "Rejected rows"


def formula_safe(frame: pl.DataFrame) -> pl.DataFrame:
    """For CSV: a text that a spreadsheet would take for a formula gets a leading apostrophe."""
    text = pl.col(pl.String)
    # by their order alone: most columns have no text that begins with a sign
    signed = frame.select(
        (text.is_between(pl.lit("\t"), pl.lit("0")) | text.is_between(pl.lit(":"), pl.lit("A"))).any()
    )
    return frame.with_columns(_apostrophe(name) for name in signed.columns if signed[name][0])


def _apostrophe(column: str) -> pl.Expr:
    text = pl.col(column)
    formula = text.str.contains(FORMULA) & ~text.str.contains(PLAIN_NUMBER)
    return pl.when(formula).then(pl.concat_str(pl.lit("'"), text)).otherwise(text).alias(column)


def _by_place(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """These columns, called by their places: in expressions a sender's name such as * or ^a$ means other columns."""
    placed = frame[list(columns)]
    placed.columns = [str(at) for at in range(placed.width)]
    return placed


@dataclass(slots=True)
class CsvRejects:
    """UTF-8 with a byte order mark, which goes before the encoding that the contract declares, and which Excel understands."""

    path: Path
    columns: Sequence[str]
    dialect: Dialect
    rows: int = 0
    _file: BinaryIO = field(init=False)

    def __post_init__(self) -> None:
        self._file = self.path.open("wb")
        self._file.write(b"\xef\xbb\xbf" + b"\n" * ((self.dialect.header_row or 1) - 1))
        header = pl.DataFrame([self.columns], schema=[str(at) for at in range(len(self.columns))], orient="row")
        self._write(header)
        self._fill(self.dialect.skip_after_header)

    def add(self, frame: pl.DataFrame) -> None:
        self._write(_by_place(frame, self.columns))
        self.rows += frame.height

    def close(self) -> ReportFile:
        self._fill(self.dialect.footer_rows)
        self._file.close()
        return ReportFile(kind="rejects", name="rejects.csv", rows=self.rows)

    def _fill(self, count: int) -> None:
        for _ in range(count):
            self._file.write(FILLER.encode() + self.dialect.delimiter.encode() * (len(self.columns) - 1) + b"\n")

    def _write(self, frame: pl.DataFrame) -> None:
        formula_safe(frame).write_csv(
            self._file, include_header=False, separator=self.dialect.delimiter, quote_char=self.dialect.quote
        )


@dataclass(slots=True)
class ParquetRejects:
    """Columns of their own types. Each frame is kept as a file until they are put together as row groups of one."""

    path: Path
    columns: Sequence[str]
    rows: int = 0
    _parts: list[Path] = field(default_factory=list)

    def add(self, frame: pl.DataFrame) -> None:
        part = self.path.with_suffix(f".{len(self._parts):06d}")
        # categories differ from frame to frame; their texts do not
        frame = frame[list(self.columns)].with_columns(pl.col(pl.Categorical).cast(pl.String))
        frame.write_parquet(part, compression="zstd", compression_level=1)
        self._parts.append(part)
        self.rows += frame.height

    def close(self) -> ReportFile:
        if self._parts:
            pl.scan_parquet(self._parts, glob=False).sink_parquet(self.path, compression="zstd", compression_level=1)
        else:
            pl.DataFrame(schema=dict.fromkeys(self.columns, pl.String)).write_parquet(self.path)
        for part in self._parts:
            part.unlink()
        return ReportFile(kind="rejects", name="rejects.parquet", rows=self.rows)


@dataclass(slots=True)
class SheetRejects:
    """One sheet, named as the contract names it. Text is written as text, so nothing becomes a formula."""

    sheet: SheetWriter
    columns: Sequence[str]
    dialect: Dialect
    rows: int = 0

    def __post_init__(self) -> None:
        self.sheet.skip((self.dialect.header_row or 1) - 1)
        self._texts(self.columns)
        self._fill(self.dialect.skip_after_header)

    def add(self, frame: pl.DataFrame) -> None:
        self.sheet.add(_by_place(frame, self.columns))
        self.rows += frame.height

    def close(self) -> ReportFile:
        self._fill(self.dialect.footer_rows)
        self.sheet.close()
        return ReportFile(kind="rejects", name=self.sheet.name, rows=self.rows)

    def _fill(self, count: int) -> None:
        for _ in range(count):
            self._texts([FILLER])

    def _texts(self, cells: Sequence[str]) -> None:
        self.sheet.add(pl.DataFrame([cells], schema=[str(at) for at in range(len(cells))], orient="row"))
