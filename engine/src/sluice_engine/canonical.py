"""Canonical Parquet: rows as Druid reads them, in parts, each encoded once while the file is being read."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from uuid import UUID

import polars as pl
from polars.io.plugins import register_io_source

from sluice.contracts import EXTRA_COLUMN, Contract
from sluice_engine import paths
from sluice_engine.parsing.columns import canonical
from sluice_engine.parsing.plain import INSTANT
from sluice_engine.reading.header import is_ours

PART_BYTES = 190_000_000
"""Of compressed Parquet: a part is closed beyond it. Druid reads parts side by side."""


@dataclass(slots=True)
class Parts:
    """The parts of one run. `heights` are their numbers of rows."""

    run: Path
    part_bytes: int = PART_BYTES
    heights: list[int] = field(default_factory=list)
    _times: list[object] = field(default_factory=list)
    """Extremes of `__time` in what was written."""

    def write(self, frames: Iterator[pl.DataFrame]) -> None:
        """Write all frames, which have one schema. An error that `frames` raises comes through, and no part is left."""
        paths.part_file(self.run, 0).parent.mkdir()
        try:
            for frame in frames:
                self._write_part(frame.schema, chain([frame], frames))
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Leave none."""
        shutil.rmtree(paths.part_file(self.run, 0).parent, ignore_errors=True)
        self.heights.clear()

    def drop(self, positions: pl.Series) -> None:
        """Take rows out: their places among all rows of the parts, from 0. Only parts that hold one are written anew."""
        first = 0
        for number, height in enumerate(self.heights):
            inside = positions.filter(positions.is_between(first, first + height, closed="left")) - first
            first += height
            if len(inside):
                self._rewrite(number, inside.cast(pl.UInt64))
                self.heights[number] = height - len(inside)
                self._times.clear()

    def time_range(self) -> tuple[object, object]:
        """First and last `__time` of all rows; None where there is none."""
        if not self._times:  # a row that was dropped may have been the first, or the last
            time = pl.col("__time")
            rows = pl.scan_parquet(self._files(), glob=False)
            self._times += rows.select(time.min(), time.max().alias("last")).collect().row(0)
        times = pl.Series(self._times, dtype=INSTANT)
        return times.min(), times.max()

    def close(self) -> None:
        """A part without rows is none; the others are numbered anew."""
        kept = [number for number, height in enumerate(self.heights) if height]
        for number in set(range(len(self.heights))) - set(kept):
            paths.part_file(self.run, number).unlink()
        for new, old in enumerate(kept):
            paths.part_file(self.run, old).rename(paths.part_file(self.run, new))
        self.heights = [self.heights[number] for number in kept]

    def _files(self) -> list[Path]:
        return [paths.part_file(self.run, number) for number in range(len(self.heights))]

    def _write_part(self, schema: pl.Schema, frames: Iterator[pl.DataFrame]) -> None:
        file = paths.part_file(self.run, len(self.heights))
        self.heights.append(0)

        def until_full(*_: object) -> Iterator[pl.DataFrame]:
            for frame in frames:
                self.heights[-1] += frame.height
                self._times += (frame["__time"].min(), frame["__time"].max())
                yield frame
                del frame
                if file.exists() and file.stat().st_size > self.part_bytes:
                    return

        _sink(register_io_source(until_full, schema=schema), file)

    def _rewrite(self, number: int, positions: pl.Series) -> None:
        file = paths.part_file(self.run, number)
        whole = file.with_suffix(".whole")
        file.rename(whole)
        place = "\0place"
        rows = pl.scan_parquet(whole, glob=False, row_index_name=place)
        _sink(rows.filter(~pl.col(place).is_in(positions.implode())).drop(place), file)
        whole.unlink()


def _sink(rows: pl.LazyFrame, file: Path) -> None:
    rows.sink_parquet(file, compression="zstd", compression_level=1, statistics=False)


def canonical_columns(contract: Contract, task_id: UUID, *, extra: bool) -> list[pl.Expr]:
    """Typed rows as Druid reads them: `__time`, the contract's other columns in its order, `__extra` where kept, `__task_id`."""
    time = contract.druid.time_column
    return [
        pl.col(time).cast(pl.Datetime("us")).dt.replace_time_zone("UTC").cast(INSTANT).alias("__time")
        if contract.field(time).type == "date"
        else pl.col(time).alias("__time"),
        *(canonical(each) for each in contract.fields if each.name != time),
        *([pl.col(EXTRA_COLUMN)] if extra else []),
        pl.lit(str(task_id), dtype=pl.Enum([str(task_id)])).alias("__task_id"),
    ]


def extra_column(extra: pl.DataFrame, height: int) -> pl.Series:
    """Columns that the contract does not know, as one JSON object of texts in each of `height` rows; null where there are none."""
    # not by `select`: to it a name such as * or ^a$ means other columns
    columns = extra[[name for name in extra.columns if not is_ours(name)]]
    if not columns.width:
        return pl.repeat(None, height, dtype=pl.String, eager=True).alias(EXTRA_COLUMN)
    return columns.select(pl.struct(pl.all()).struct.json_encode().alias(EXTRA_COLUMN)).to_series()
