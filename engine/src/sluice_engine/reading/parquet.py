"""Parquet files, in batches. The footer is looked at before any data is; types are compared, not parsed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from sluice.contracts import Contract
from sluice.reports import Note
from sluice_engine.errors import FileRejected
from sluice_engine.reading.header import ignored, resolve
from sluice_engine.reading.parquetfooter import check_footer
from sluice_engine.reading.parquettypes import as_string, check_types, comparable
from sluice_engine.reading.table import Batch, Column, Place

ROWS = 65_536


@dataclass(slots=True)
class ParquetTable:
    """A Parquet file; columns keep their own types, categories are text. It has no header or footer rows, whatever the dialect says."""

    path: Path
    contract: Contract
    correcting: bool = False
    _columns: tuple[Column, ...] = ()

    @property
    def columns(self) -> tuple[Column, ...]:
        return self._columns

    @property
    def notes(self) -> tuple[Note, ...]:
        return ignored(self._columns, self.contract)

    def place(self, row: int, column: str | None) -> Place:  # noqa: ARG002 - rows are all that Parquet knows
        return Place()

    def batches(self) -> Iterator[Batch]:
        footer = check_footer(self.path)
        self._columns = resolve(footer.names, self.contract, correcting=self.correcting)
        with _translated():
            types = self._scan().collect_schema().dtypes()
        check_types(pl.Schema(zip(self._names, types, strict=True)), self._columns, self.contract)
        yield from self._batches()

    def again(self, rows: pl.Series) -> Iterator[Batch]:
        numbers = rows.to_numpy()
        for batch in self._batches():
            here = np.searchsorted(numbers, [batch.rows[0], batch.rows[-1] + 1])
            if here[0] < here[1]:
                yield batch
            if here[1] == len(numbers):
                return

    @property
    def _names(self) -> list[str]:
        """Ours, by their places: a column of the file may have none."""
        return [each.name for each in self._columns]

    def _scan(self) -> pl.LazyFrame:
        return pl.scan_parquet(self.path, glob=False, low_memory=True)

    def _batches(self) -> Iterator[Batch]:
        first = 1
        for cells in self._frames():
            known = [
                comparable(cells[own.name], self.contract.field(own.field)).alias(own.field)
                for own in self._columns
                if own.field
            ]
            extra = [as_string(cells[own.name]) for own in self._columns if not own.field]
            rows = pl.Series(np.arange(first, first + cells.height, dtype=np.uint64))
            yield Batch(pl.DataFrame(known), rows, extra=pl.DataFrame(extra))
            first += cells.height

    def _frames(self) -> Iterator[pl.DataFrame]:
        with _translated():
            for frame in self._scan().collect_batches(
                chunk_size=ROWS, maintain_order=True, lazy=True, engine="streaming"
            ):
                frame.columns = self._names
                yield from (part for part in frame.iter_slices(ROWS) if part.height)


@contextmanager
def _translated() -> Iterator[None]:
    """What Polars says of a file that it cannot read."""
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        if "time zone" in str(error):
            said = "A column has a time zone that is not known. Write its times in UTC."
            raise FileRejected("unsupported-type", said) from error
        said = "This is no whole Parquet file. Write it again, and upload it whole."
        raise FileRejected("unreadable-file", said) from error
