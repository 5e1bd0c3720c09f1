"""Sets of row numbers, one bit a row."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

Bytes = npt.NDArray[np.uint8]


@dataclass(slots=True)
class RowSet:
    """Rows of one file, from 1 on. A million rows take 125 kB."""

    _bits: Bytes = field(default_factory=lambda: np.zeros(1024, np.uint8))
    count: int = 0

    def add(self, rows: pl.Series) -> None:
        """Rows (UInt64, ascending, each once) that are not in it yet."""
        if not len(rows):
            return
        numbers = rows.to_numpy().astype(np.int64)
        first, last = int(numbers[0]) // 8, int(numbers[-1]) // 8 + 1
        if last > len(self._bits):
            self._bits = np.concatenate(
                [self._bits, np.zeros(max(last, 2 * len(self._bits)) - len(self._bits), np.uint8)]
            )
        window = np.zeros((last - first) * 8, np.uint8)
        window[numbers - first * 8] = 1
        self._bits[first:last] |= np.packbits(window, bitorder="little")
        self.count += len(numbers)

    def has(self, rows: pl.Series) -> pl.Series:
        """Of each row, whether it is in the set."""
        numbers = rows.to_numpy().astype(np.int64)
        known = numbers // 8 < len(self._bits)
        at = np.where(known, numbers // 8, 0)
        return pl.Series((self._bits[at] >> (numbers % 8).astype(np.uint8)) & known.astype(np.uint8)).cast(pl.Boolean)

    def rows(self) -> pl.Series:
        """All of them, ascending (UInt64)."""
        return pl.Series(np.flatnonzero(np.unpackbits(self._bits, bitorder="little")).astype(np.uint64))

    def before(self, rows: pl.Series) -> pl.Series:
        """Of each row, how many of the set come before it."""
        numbers = rows.to_numpy().astype(np.int64)
        until = np.concatenate([[0], np.cumsum(np.bitwise_count(self._bits), dtype=np.int64)])
        at = np.minimum(numbers // 8, len(self._bits) - 1)
        below = self._bits[at] & ((1 << (numbers % 8)) - 1).astype(np.uint8)
        inside = np.where(numbers // 8 < len(self._bits), np.bitwise_count(below), np.bitwise_count(self._bits[-1]))
        return pl.Series(until[at] + inside)
