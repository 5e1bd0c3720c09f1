"""Uniqueness over a whole file in bounded memory.

Of each key its 128-bit hash and its row are kept, no value; two different keys of a file have the same hash once in 10**20 files.
Beyond a set amount of memory they go to disk, sorted into partitions by hash, and each partition is judged by itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

Longs = npt.NDArray[np.uint64]

SPILL_BYTES = 24_000_000
PARTITION_BITS = 6
SEEDS = (0x5EED, 0xFACE)
WIDTH = 3
"""First hash, second hash, row."""


@dataclass(frozen=True, slots=True)
class Repeats:
    """Rows that repeat the key of an earlier one: `rows` ascending, `firsts` the rows in which their keys stand first."""

    rows: Longs
    firsts: Longs


@dataclass(slots=True)
class Keys:
    """The keys of one rule. `folder` is where they are spilled; `limit` bytes are held in memory."""

    folder: Path
    name: str
    limit: int = SPILL_BYTES
    _held: list[Longs] = field(default_factory=list)
    _bytes: int = 0
    _spilled: list[npt.NDArray[np.int64]] = field(default_factory=list)
    """Of each batch on disk the entries at which its partitions begin and end."""

    def add(self, keys: pl.DataFrame, rows: pl.Series) -> None:
        """Keys of one batch, in columns; a key with a null in it is none."""
        whole = keys.select(pl.all_horizontal(pl.all().is_not_null())).to_series()
        if not whole.all():
            keys, rows = keys.filter(whole), rows.filter(whole)
        if not len(rows):
            return
        first, second = (_hashes(keys, seed) for seed in SEEDS)
        entries = np.column_stack([first, second, rows.cast(pl.UInt64).to_numpy()])
        self._held.append(entries)
        self._bytes += entries.nbytes
        if self._bytes > self.limit:
            self._spill()

    def repeats(self) -> Repeats:
        """All of them, of the whole file. Memory: what is held or one partition, and the repeats themselves."""
        found = [_repeats(entries) for entries in self._partitions()]
        rows, firsts = (np.concatenate([np.empty(0, np.uint64), *each]) for each in zip(*found, strict=True))
        order = np.argsort(rows)
        return Repeats(rows[order], firsts[order])

    @property
    def _file(self) -> Path:
        return self.folder / f"{self.name}.keys"

    def _spill(self) -> None:
        self.folder.mkdir(exist_ok=True)
        with self._file.open("ab") as file:
            for entries in self._held:
                part = (entries[:, 0] >> np.uint64(64 - PARTITION_BITS)).astype(np.uint8)
                counts = np.bincount(part, minlength=1 << PARTITION_BITS)
                begin = self._spilled[-1][-1] if self._spilled else 0
                self._spilled.append(np.concatenate([[0], np.cumsum(counts)]) + begin)
                # batch by batch: what is sorted fits the processor's cache
                entries[np.argsort(part, kind="stable")].tofile(file)
        self._held, self._bytes = [], 0

    def _partitions(self) -> Iterator[Longs]:
        if not self._spilled:
            yield np.concatenate([np.empty((0, WIDTH), np.uint64), *self._held])
            return
        if self._held:
            self._spill()
        on_disk = np.memmap(self._file, np.uint64, "r").reshape(-1, WIDTH)
        for part in range(1 << PARTITION_BITS):
            yield np.concatenate([on_disk[at[part] : at[part + 1]] for at in self._spilled])
        self._file.unlink()


def _hashes(keys: pl.DataFrame, seed: int) -> Longs:
    hashed = keys.to_series().hash(seed) if keys.width == 1 else keys.hash_rows(seed)
    return hashed.to_numpy()


def _repeats(entries: Longs) -> tuple[Longs, Longs]:
    """Rows and first rows of the repeats among the entries."""
    ordered = np.sort(entries[:, 0])
    if not (ordered[1:] == ordered[:-1]).any():
        return np.empty(0, np.uint64), np.empty(0, np.uint64)
    order = np.lexsort((entries[:, 2], entries[:, 1], entries[:, 0]))
    first, second, rows = entries[order].T
    starts = np.ones(len(rows), np.bool_)
    starts[1:] = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
    firsts = rows[np.maximum.accumulate(np.where(starts, np.arange(len(rows)), 0))]
    return rows[~starts], firsts[~starts]
