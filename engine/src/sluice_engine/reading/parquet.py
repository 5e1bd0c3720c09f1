"""Parquet files, in batches. The footer is looked at before any data is."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from sluice.contracts import Contract
from sluice.reports import Note
from sluice_engine.errors import Fault, FileRejected
from sluice_engine.parsing.columns import NESTED
from sluice_engine.reading.table import Batch, Column, Place, check_header

ROWS = 65_536
MAX_CELLS = 2_000_000_000
"""Rows x columns; a footer of a few bytes can claim any number."""


@dataclass(slots=True)
class ParquetTable:
    """A Parquet file; columns keep their own types."""

    path: Path
    contract: Contract

    @property
    def columns(self) -> tuple[Column, ...]:
        return tuple(Column(name, name) for name in pl.read_parquet_schema(self.path))

    @property
    def notes(self) -> tuple[Note, ...]:
        return ()

    def again(self, rows: pl.Series) -> Iterator[Batch]:  # noqa: ARG002 - all of them hold these
        return self.batches()

    def place(self, row: int, column: str | None) -> Place:  # noqa: ARG002 - rows are all that Parquet knows
        return Place()

    def batches(self) -> Iterator[Batch]:
        try:
            yield from self._batches()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise FileRejected(
                "unreadable-file", "This is no whole Parquet file. Write it again, and upload it whole."
            ) from error

    def _batches(self) -> Iterator[Batch]:
        file = pl.scan_parquet(self.path, glob=False, low_memory=True)
        schema = file.collect_schema()
        check_header(schema.names(), self.contract)
        _check_types(schema)
        rows = file.select(pl.len()).collect().item()
        if rows * len(schema) > MAX_CELLS:
            raise FileRejected("resource-limit", f"The file has {rows} rows; split it into smaller files.")
        first = 1
        for frame in file.collect_batches(chunk_size=ROWS, maintain_order=True, lazy=True, engine="streaming"):
            for cells in frame.iter_slices(ROWS):
                yield Batch(cells, pl.Series(range(first, first + cells.height), dtype=pl.UInt64))
                first += cells.height


def _check_types(schema: pl.Schema) -> None:
    faults = [
        Fault(
            "unsupported-type", "plain values", f"The column is {str(own)[:100]}; write one value in each cell.", name
        )
        for name, own in schema.items()
        if own in NESTED
    ]
    if faults:
        names = ", ".join(fault.column or "" for fault in faults)
        raise FileRejected("unsupported-type", f"Columns of a type that cannot be read: {names}"[:1000], *faults)
