"""Uniqueness over a whole file in bounded memory: 16 bytes a row until the end, then exact answers on the few candidates."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

Longs = npt.NDArray[np.uint64]


@dataclass(slots=True)
class Keys:
    """Hashes of one column's values, with their rows. Equal values have equal hashes; the reverse is checked later."""

    hashes: list[Longs] = field(default_factory=list)
    rows: list[Longs] = field(default_factory=list)

    def add(self, values: pl.Series, rows: pl.Series) -> None:
        """Values of one batch; nulls are no values."""
        present = values.is_not_null()
        self.hashes.append(values.filter(present).hash().to_numpy())
        self.rows.append(rows.filter(present).cast(pl.UInt64).to_numpy())

    def candidates(self) -> pl.Series:
        """Rows whose hash occurs more than once (UInt64, ascending)."""
        if not any(map(len, self.hashes)):
            return pl.Series([], dtype=pl.UInt64)
        hashes, rows = np.concatenate(self.hashes), np.concatenate(self.rows)
        order = np.argsort(hashes)
        same = np.diff(hashes[order]) == 0
        repeated = np.append(same, False) | np.append(False, same)
        return pl.Series(np.sort(rows[order][repeated]))


def repetitions(rows: pl.Series, values: pl.Series) -> pl.DataFrame:
    """Rows that repeat an earlier one: `row`, `value`, `first` (row in which the value stands first)."""
    frame = pl.DataFrame({"row": rows, "value": values})
    return (
        frame.with_columns(first=pl.col("row").min().over("value")).filter(pl.col("row") != pl.col("first")).sort("row")
    )
