"""CSV files in any encoding, packed or not: bounded memory, rows that cannot be split beside those that can, a line for every row."""

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from sluice.contracts import Contract
from sluice.reports import Note
from sluice_engine.reading.blocks import Block, Window, blocks, cut
from sluice_engine.reading.cells import lines_of, to_cells
from sluice_engine.reading.footer import up_to, without_footer
from sluice_engine.reading.header import ignored, resolve
from sluice_engine.reading.lines import Ints, Signs
from sluice_engine.reading.opening import read_header
from sluice_engine.reading.source import Source
from sluice_engine.reading.table import Batch, Column, Place

BLOCK = 8_388_608
"""Bytes read at a time; what a batch holds in memory is a small multiple of it."""

MAX_UNPACKED = 4_000_000_000
"""Bytes that may come out of a packed file, unless the caller says otherwise."""

ESCAPED = r"^'([=+\-@\t\r])"
"""Text that a rejects file keeps from becoming a formula."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows `first` to `last` stand in one block of the text. Where it is `plain`, each of them is one line, from `line` on."""

    first: int
    last: int
    line: int
    offset: int
    size: int
    plain: bool


@dataclass(slots=True)
class CsvTable:
    """A CSV file as RFC 4180 has it, with the contract's encoding, delimiter and quote; a CR alone ends a line, too.

    Blank lines are no rows. Rows with a quote out of place or a NUL byte stand in `faults`, as ragged ones do; where quotes are out of
    place, a row ends with its first physical line. When `correcting`, text is freed from what a rejects file put before it.
    """

    path: Path
    contract: Contract
    max_unpacked: int = MAX_UNPACKED
    correcting: bool = False
    _source: Source = field(init=False)
    _columns: tuple[Column, ...] = ()
    _stretches: list[Stretch] = field(default_factory=list)
    _lines: tuple[int, Ints] = (0, np.empty(0, np.int64))

    def __post_init__(self) -> None:
        self._source = Source(self.path, self.contract.dialect.encoding, self.max_unpacked, BLOCK)

    @property
    def columns(self) -> tuple[Column, ...]:
        return self._columns

    @property
    def notes(self) -> tuple[Note, ...]:
        return (*self._source.notes, *ignored(self._columns, self.contract))

    @property
    def _signs(self) -> Signs:
        return Signs(ord(self.contract.dialect.delimiter), ord(self.contract.dialect.quote))

    def batches(self) -> Iterator[Batch]:
        yield from without_footer(self._all(), self.contract.dialect.footer_rows)

    def again(self, rows: pl.Series) -> Iterator[Batch]:
        last = self._stretches[-1].last if self._stretches else 0
        end = max(0, last - self.contract.dialect.footer_rows)
        numbers = rows.to_numpy()
        for each in self._stretches:
            here = np.searchsorted(numbers, [each.first, each.last + 1])
            block = self._block(each) if here[0] < here[1] else None
            if block:
                yield up_to(self._batch(block, each.first)[0], end)

    def place(self, row: int, column: str | None) -> Place:  # noqa: ARG002 - a line is all that text knows
        at = bisect.bisect_right(self._stretches, row, key=lambda each: each.first) - 1
        if at < 0 or row > self._stretches[at].last:
            return Place()
        here = self._stretches[at]
        if here.plain:
            return Place(line=here.line + row - here.first)
        if self._lines[0] != here.first:
            self._lines = here.first, lines_of(self._text(here), self._signs)
        return Place(line=here.line + int(self._lines[1][row - here.first]))

    def _all(self) -> Iterator[Batch]:
        window = Window(self._source.text(), offset=self._source.mark)
        names = read_header(window, self.contract.dialect, self._signs, len(self.contract.fields))
        names = [re.sub(ESCAPED, r"\1", name) for name in names] if self.correcting else names
        self._columns = resolve(names, self.contract, correcting=self.correcting)
        self._stretches.clear()
        row = 1
        for block in blocks(window, self._signs):
            batch, lines = self._batch(block, row)
            if batch.seen:
                last = row + batch.seen - 1
                self._stretches.append(Stretch(row, last, block.line, block.offset, block.size, lines is None))
                self._lines = self._lines if lines is None else (row, lines)
                row = last + 1
                yield batch

    def _text(self, stretch: Stretch) -> bytes:
        text = self._source.stretch(stretch.offset, stretch.size)
        return text if len(text) == stretch.size else text + b"\n"

    def _block(self, stretch: Stretch) -> Block | None:
        return cut(self._text(stretch), stretch.line, stretch.offset, self._signs, final=True)

    def _batch(self, block: Block, first: int) -> tuple[Batch, Ints | None]:
        """The rows of a block, and their lines where these do not simply follow each other."""
        split = to_cells(block, len(self._columns), self._signs)
        rows = pl.Series((np.flatnonzero(split.sound) + first).astype(np.uint64))
        faults = split.faults.with_columns(pl.col("row") + first) if split.faults.height else split.faults
        cells = split.cells.with_columns(pl.all().str.replace(ESCAPED, "$1")) if self.correcting else split.cells
        known = [texts.alias(each.field) for texts, each in zip(cells, self._columns, strict=True) if each.field]
        extra = [texts.alias(each.name) for texts, each in zip(cells, self._columns, strict=True) if not each.field]
        return Batch(pl.DataFrame(known), rows, faults, pl.DataFrame(extra)), split.lines
