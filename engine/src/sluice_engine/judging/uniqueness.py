"""Uniqueness over a whole file in bounded memory.

Of each key its 128-bit hash and its row are kept, no value; two different keys of a file have the same hash once in 10**20 files.
Beyond a set amount of memory they go to disk, sorted into partitions by hash, and each partition is judged by itself.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

Longs = npt.NDArray[np.uint64]

SPILL_BYTES = 12_000_000
PARTITION_BITS = 6
SEEDS = (0x5EED, 0xFACE)


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
    _held: list[tuple[Longs, Longs]] = field(default_factory=list)
    """Of each batch the first hashes, and pairs of second hash and row."""
    _bytes: int = 0
    _spilled: list[npt.NDArray[np.int64]] = field(default_factory=list)
    """Of each batch on disk the entries at which its partitions begin and end."""

    def add(self, keys: pl.DataFrame, rows: pl.Series) -> None:
        """Keys of one batch, in columns; a key with a null in it is none."""
        if any(column.null_count() for column in keys):
            whole = keys.select(pl.all_horizontal(pl.all().is_not_null())).to_series()
            keys, rows = keys.filter(whole), rows.filter(whole)
        if not len(rows):
            return
        first, second = (_hashes(keys, seed) for seed in SEEDS)
        rest = np.column_stack([second, rows.cast(pl.UInt64).to_numpy()])
        self._held.append((first, rest))
        self._bytes += first.nbytes + rest.nbytes
        if self._bytes > self.limit:
            self._spill()

    def repeats(self) -> Repeats:
        """All of them, of the whole file. Memory: what is held or one partition, and the repeats themselves."""
        found = [_repeats(first, rest()) for first, rest in self._partitions() if _repeating(first)]
        rows, firsts = (
            np.concatenate([np.empty(0, np.uint64), *each])
            for each in (zip(*found, strict=True) if found else ((), ()))
        )
        order = np.argsort(rows)
        return Repeats(rows[order], firsts[order])

    def _spill(self) -> None:
        self.folder.mkdir(exist_ok=True)
        with self._firsts.open("ab") as firsts, self._rests.open("ab") as rests:
            for first, rest in self._held:
                part = (first >> np.uint64(64 - PARTITION_BITS)).astype(np.uint8)
                counts = np.bincount(part, minlength=1 << PARTITION_BITS)
                begin = self._spilled[-1][-1] if self._spilled else 0
                self._spilled.append(np.concatenate([[0], np.cumsum(counts)]) + begin)
                # batch by batch: what is sorted fits the processor's cache
                order = np.argsort(part, kind="stable")
                first.take(order).tofile(firsts)
                rest.take(order, axis=0).tofile(rests)
        self._held, self._bytes = [], 0

    def _partitions(self) -> Iterator[tuple[Longs, Callable[[], Longs]]]:
        """First hashes of the entries that may repeat each other; the rest of these entries is there for the asking."""
        if not self._spilled:
            firsts, rests = zip(*self._held, strict=True) if self._held else ((), ())
            yield np.concatenate([np.empty(0, np.uint64), *firsts]), lambda: np.concatenate(rests)
            return
        if self._held:
            self._spill()
        # read, not mapped: pages of a map would count as memory of the process, all of them at last
        for part in range(1 << PARTITION_BITS):
            yield self._read(self._firsts, part, 1).ravel(), partial(self._read, self._rests, part, 2)
        self._firsts.unlink()
        self._rests.unlink()

    def _read(self, file: Path, part: int, width: int) -> Longs:
        """A partition's entries, `width` numbers each."""
        pieces = []
        with file.open("rb") as spilled:
            for at in self._spilled:
                spilled.seek(int(at[part]) * width * 8)
                pieces.append(np.fromfile(spilled, np.uint64, int(at[part + 1] - at[part]) * width))
        return np.concatenate(pieces).reshape(-1, width)

    @property
    def _firsts(self) -> Path:
        return self.folder / f"{self.name}.keys"

    @property
    def _rests(self) -> Path:
        return self.folder / f"{self.name}.rows"


def _hashes(keys: pl.DataFrame, seed: int) -> Longs:
    hashed = keys.to_series().hash(seed) if keys.width == 1 else keys.hash_rows(seed)
    return hashed.to_numpy()


def _repeating(first: Longs) -> bool:
    # numpy sorts these three times as slow on some processors
    return pl.Series(first).n_unique() < len(first)


def _repeats(first: Longs, rest: Longs) -> tuple[Longs, Longs]:
    """Rows and first rows of the repeats among the entries."""
    second, rows = rest.T
    order = np.lexsort((rows, second, first))
    first, second, rows = first[order], second[order], rows[order]
    starts = np.ones(len(rows), np.bool_)
    starts[1:] = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
    firsts = rows[np.maximum.accumulate(np.where(starts, np.arange(len(rows)), 0))]
    return rows[~starts], firsts[~starts]
