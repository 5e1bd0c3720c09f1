"""CSV files, in blocks of whole records: bounded memory, and a physical line for every row."""

import bisect
import codecs
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from sluice.contracts import Contract, Dialect
from sluice.reports import Note
from sluice_engine.errors import Fault, FileRejected
from sluice_engine.reading.lines import Bits, Ints, Records, StrayQuote, keep, split
from sluice_engine.reading.table import FAULTS, Batch, Column, Place, check_header

BLOCK = 4_194_304
"""Bytes read at a time; what a batch holds in memory is a small multiple of it."""

LONGEST_RECORD = 33_554_432
C1 = re.compile(rb"[\x80-\x9f]")
"""Control characters in ISO-8859-1, but letters and quotation marks in Windows-1252."""

UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(slots=True)
class LineIndex:
    """Physical line of each row, kept as the rows at which the distance between the two changes."""

    rows: list[int] = field(default_factory=list)
    distances: list[int] = field(default_factory=list)

    def add(self, rows: Ints, lines: Ints) -> None:
        distances = lines - rows
        last = self.distances[-1] if self.distances else None
        for at in np.flatnonzero(np.diff(distances, prepend=np.int64(-1) if last is None else last)).tolist():
            self.rows.append(int(rows[at]))
            self.distances.append(int(distances[at]))

    def line(self, row: int) -> int | None:
        at = bisect.bisect_right(self.rows, row) - 1
        return row + self.distances[at] if at >= 0 else None


@dataclass(slots=True)
class CsvTable:
    """A CSV file as RFC 4180 has it, UTF-8, with the contract's delimiter and quote."""

    path: Path
    contract: Contract
    _index: LineIndex = field(default_factory=LineIndex)
    _names: list[str] = field(default_factory=list)
    _rows: int = 0

    @property
    def dialect(self) -> Dialect:
        return self.contract.dialect

    @property
    def columns(self) -> tuple[Column, ...]:
        return tuple(Column(name, name) for name in self._names)

    @property
    def notes(self) -> tuple[Note, ...]:
        return ()

    def again(self, rows: pl.Series) -> Iterator[Batch]:  # noqa: ARG002 - all of them hold these
        return CsvTable(self.path, self.contract).batches()

    def place(self, row: int, column: str | None) -> Place:  # noqa: ARG002 - a line is all that text knows
        return Place(line=self._index.line(row))

    def batches(self) -> Iterator[Batch]:
        for block, records, line, offset in self._blocks():
            _check_text(block, line, offset)
            kept = _not_blank(block, records)
            if not self._names and kept.any():
                header = int(np.flatnonzero(kept)[0])
                self._read_header(block[records.starts[header] : records.ends[header]])
                kept[header] = False
            if kept.any():
                yield self._batch(block, records, kept, line)

    def _blocks(self) -> Iterator[tuple[bytes, Records, int, int]]:
        """Whole records, with the physical line and the offset at which they begin."""
        line, offset, rest = 1, 0, b""
        with self.path.open("rb") as file:
            if (mark := file.read(3)) != codecs.BOM_UTF8:
                file.seek(0)
            if mark[:2] in UTF16:
                raise FileRejected("invalid-encoding", "The file is UTF-16. Save it as UTF-8.")
            while True:
                piece = file.read(BLOCK)
                if not piece and rest and not rest.endswith(b"\n"):
                    rest += b"\n"
                records = split(rest + piece, ord(self.dialect.delimiter), ord(self.dialect.quote))
                block = rest + piece
                if isinstance(records, StrayQuote):
                    _check_text(block, line, offset)
                    raise _unclosed(line + records.opened, line + records.line)
                end = int(records.ends[-1]) if len(records.ends) else 0
                if end:
                    yield block[:end], records, line, offset
                line, offset, rest = line + records.newlines, offset + end, block[end:]
                if (not piece and rest.strip()) or len(rest) > LONGEST_RECORD:
                    raise _unclosed(line + rest[: max(rest.find(self.dialect.quote.encode()), 0)].count(b"\n"), None)
                if not piece:
                    return

    def _read_header(self, record: bytes) -> None:
        text = record.decode().splitlines()
        try:
            names = next(csv.reader(text, delimiter=self.dialect.delimiter, quotechar=self.dialect.quote))
        except csv.Error as error:
            said = f"A name in the header has more than {csv.field_size_limit()} characters."
            raise FileRejected("wrong-columns", f"{said} Send exactly the columns of the contract.") from error
        self._names = [name.strip() for name in names]
        check_header(self._names, self.contract)

    def _batch(self, block: bytes, records: Records, kept: Bits, line: int) -> Batch:
        rows = np.cumsum(kept) + self._rows
        self._rows += int(kept.sum())
        self._index.add(rows[kept], records.lines[kept] + line)
        sound = kept & (records.fields == len(self._names))
        wrong = np.flatnonzero(kept & ~sound)
        faults = pl.DataFrame(
            {
                "row": rows[wrong],
                "rule": ["ragged-row"] * len(wrong),
                "found": records.fields[wrong],
                "cells": [self._split(block[records.starts[at] : records.ends[at]]) for at in wrong],
            },
            schema=FAULTS,
        )
        cells = self._cells(keep(block, records, sound), int(sound.sum()))
        return Batch(cells, pl.Series(rows[sound]).cast(pl.UInt64), faults)

    def _split(self, record: bytes) -> list[str]:
        text = record.decode().splitlines()
        return next(csv.reader(text, delimiter=self.dialect.delimiter, quotechar=self.dialect.quote), [])

    def _cells(self, text: bytes, height: int) -> pl.DataFrame:
        schema = dict.fromkeys(self._names, pl.String())
        if not height:
            return pl.DataFrame(schema=schema)
        frame = pl.read_csv(
            text,
            has_header=False,
            schema=schema,
            separator=self.dialect.delimiter,
            quote_char=self.dialect.quote,
            empty_string_is_null=False,
        )
        if frame.height != height:
            raise RuntimeError(f"{height} records became {frame.height} rows")
        return frame


def _not_blank(block: bytes, records: Records) -> Bits:
    sizes = records.ends - records.starts
    data = np.frombuffer(block, np.uint8)
    blank = (sizes == 1) | ((sizes == 2) & (data[records.starts] == ord("\r")))  # noqa: PLR2004 - bytes of \r\n
    kept: Bits = ~blank
    return kept


def _check_text(block: bytes, line: int, offset: int) -> None:
    """UTF-8, and text at all. Raises FileRejected with line and byte."""
    if (at := block.find(b"\0")) >= 0:
        where = line + block.count(b"\n", 0, at)
        said = f"Line {where} holds a NUL byte. Save the file as text, in UTF-8."
        raise FileRejected("invalid-encoding", said, Fault("encoding", "text", said, line=where))
    try:
        block.decode()
    except UnicodeDecodeError as error:
        where = line + block.count(b"\n", 0, error.start)
        probable = "Windows-1252" if C1.match(block, error.start) else "ISO-8859-1 (latin-1)"
        said = f"Line {where}, byte {offset + error.start}: not UTF-8, probably {probable}. Save the file as UTF-8."
        raise FileRejected("invalid-encoding", said, Fault("encoding", "UTF-8", said, line=where)) from error


def _unclosed(opened: int, line: int | None) -> FileRejected:
    where = f" (line {line} has a quote in the middle of a cell)" if line else ""
    said = f"Unclosed quote that begins in line {opened}{where}. Close it, or double a quote that belongs to the text."
    return FileRejected("unclosed-quote", said, Fault("unclosed-quote", "quotes in pairs", said, line=opened))
