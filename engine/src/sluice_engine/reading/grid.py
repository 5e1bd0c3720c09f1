"""Cells of a sheet as a table: the header is found, rows count from it, and each column takes its own type."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from sluice.contracts import Contract
from sluice_engine.errors import FileRejected
from sluice_engine.reading.header import resolve
from sluice_engine.reading.sheetcolumns import column
from sluice_engine.reading.table import Batch, Column

ROWS = 65_536
"""Rows of a batch, at most."""


@dataclass(slots=True)
class Grid:
    """Makes batches of cells that come row by row. `header` and `left` say where its header stands (row 1, column 0 = first).

    Empty rows before a filled one are rows; those after the last one are none. Cells outside the header's columns are only counted.
    """

    contract: Contract
    correcting: bool
    epoch_1904: bool
    columns: tuple[Column, ...] = ()
    header: int = 0
    left: int = 0
    outside: int = 0
    _next: int = 0

    @property
    def first(self) -> int:
        """Row of the sheet that is the first of the data."""
        return self.header + 1 + self.contract.dialect.skip_after_header

    def batches(self, frames: Iterable[pl.DataFrame]) -> Iterator[Batch]:
        """Raises FileRejected where there is no header, or not the contract's."""
        for frame in frames:
            if not self.header:
                self._read_header(frame)
            if self.header:
                yield from self._batches(frame)
        if not self.header:
            raise FileRejected("empty-file", "The sheet is empty. Send a sheet with a header and rows.")

    def _read_header(self, frame: pl.DataFrame) -> None:
        wanted = self.contract.dialect.header_row
        row = wanted or frame["row"][0]
        if frame["row"][-1] < row:
            return
        cells = frame.filter(pl.col("row") == row).unique("column", keep="last").sort("column")
        texts = (
            column(cells["kind"], cells["text"], None, epoch_1904=self.epoch_1904) if cells.height else cells["text"]
        )
        named = dict(zip(cells["column"].to_list(), texts.to_list(), strict=True))
        named = {at: name.strip() for at, name in named.items() if name.strip()}
        if not named:
            raise FileRejected(
                "wrong-columns", f"Row {row} of the sheet is empty, and the contract says that the header is there."
            )
        self.left = min(named)
        names = [named.get(at, "") for at in range(self.left, max(named) + 1)]
        self.columns = resolve(names, self.contract, correcting=self.correcting)
        self.header = row
        self._next = self.first

    def _batches(self, frame: pl.DataFrame) -> Iterator[Batch]:
        right = self.left + len(self.columns) - 1
        data = frame.filter(pl.col("row") >= self._next)
        inside = data["column"].is_between(self.left, right)
        if not inside.all():
            self.outside += int((~inside).sum())
            data = data.filter(inside)
        while data.height:
            last = min(data["row"][-1], self._next + ROWS - 1)
            here, data = data.filter(pl.col("row") <= last), data.filter(pl.col("row") > last)
            yield self._batch(here, last - self._next + 1)
            self._next = last + 1

    def _batch(self, cells: pl.DataFrame, height: int) -> Batch:
        by_column = cells.with_columns(pl.col("row") - self._next).partition_by(
            "column", as_dict=True, maintain_order=True
        )
        series = []
        for at, each in enumerate(self.columns, start=self.left):
            field = self.contract.field(each.field) if each.field else None
            here = by_column.get((at,))
            if here is None:
                series.append(pl.Series(field.name if field else each.name, [None] * height, dtype=pl.String))
                continue
            values = column(here["kind"], here["text"], field.type if field else None, epoch_1904=self.epoch_1904)
            series.append(_spread(values, here["row"], height).alias(field.name if field else each.name))
        known = [each for each, own in zip(series, self.columns, strict=True) if own.field]
        extra = [each for each, own in zip(series, self.columns, strict=True) if not own.field]
        start = self._next - self.first + 1
        rows = pl.Series(np.arange(start, start + height, dtype=np.uint64))
        return Batch(pl.DataFrame(known), rows, extra=pl.DataFrame(extra))


def _spread(values: pl.Series, rows: pl.Series, height: int) -> pl.Series:
    """The values at their rows, null between them; where two claim a row, the last one has it."""
    if len(values) == height and int(rows[-1]) == height - 1 and rows.n_unique() == height:
        return values
    at = np.full(height, -1, dtype=np.int64)
    at[rows.to_numpy()] = np.arange(len(values))
    return values.gather(pl.Series(at).set(pl.Series(at < 0), None))
