"""How many different values a column holds, and which are frequent, in memory that no file can stretch.

Counting keeps the smallest hashes: up to EXACT_TO different ones it knows all of them, beyond it the K smallest say how dense they lie
(k-minimum-values; Bar-Yossef et al., 2002). Its standard error is 1 / sqrt(K), some 3 %.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from sluice.reports import Distinct

Longs = npt.NDArray[np.uint64]

K = 1024
SLOTS = 14
"""Bits of a hash that choose its slot in the table of hashes that were seen."""

SAMPLE = 100_000
"""First rows of a file among which the frequent values are counted. Later the sample grows by AFTER rows at a time, so that it stays
about one in SPARSE of those that were seen."""
AFTER = 5_000
SPARSE = 20
CANDIDATES = 1000
"""Different values that are counted; beyond it the rarest are forgotten."""
TOP = 10
SEED = 0xD15


@dataclass(slots=True)
class DistinctCount:
    """Takes values batch by batch; nulls are no values."""

    _smallest: Longs = field(default_factory=lambda: np.empty(0, np.uint64))
    _limit: np.uint64 | None = None
    """Once set: no hash at or above it matters any more."""
    _table: Longs = field(default_factory=lambda: np.zeros(1 << SLOTS, np.uint64))

    def add(self, values: pl.Series) -> None:
        hashes = (values.drop_nulls() if values.null_count() else values).hash(SEED).to_numpy()
        if not len(self._smallest):
            # the first few set a limit, so that not all of the first batch are sorted
            self._add(hashes[:AFTER])
            hashes = hashes[AFTER:]
        self._add(hashes)

    def _add(self, hashes: Longs) -> None:
        if self._limit is not None:
            hashes = hashes[hashes < self._limit]
        new = hashes[self._table.take(self._slots(hashes)) != hashes]
        if len(new):
            self._keep(_unique(new))

    def _keep(self, new: Longs) -> None:
        self._table[self._slots(new)] = new
        self._smallest = _unique(np.concatenate([self._smallest, new]))
        if len(self._smallest) > K:
            self._smallest = self._smallest[: K + 1]
            self._limit = self._smallest[-1]

    def _slots(self, hashes: Longs) -> npt.NDArray[np.int64]:
        # the low bits: of the smallest hashes the high ones are all alike
        return (hashes & np.uint64((1 << SLOTS) - 1)).view(np.int64)

    def found(self) -> Distinct:
        if self._limit is None:
            return Distinct(count=len(self._smallest), exact=True)
        return Distinct(count=round(K * 2**64 / int(self._limit)), exact=False)


def _unique(hashes: Longs) -> Longs:
    # sorted by Polars: numpy takes three times as long on some processors, and its way by hashing ten times
    hashes = pl.Series(hashes).sort().to_numpy()
    first = np.ones(len(hashes), np.bool_)
    first[1:] = hashes[1:] != hashes[:-1]
    return hashes[first]


def _are_keys(values: pl.Series) -> bool:
    return len(values) > CANDIDATES and values.n_unique() == len(values)


@dataclass(slots=True)
class TopCount:
    """Counts values among a sample of the rows; a small file is its own sample."""

    rows: int = 0
    _seen: int = 0
    _counts: Counter[object] = field(default_factory=Counter)
    _hopeless: bool = False
    """So many different values that none is frequent: a key, not a category."""

    def add(self, values: pl.Series) -> None:
        self._seen += len(values)
        room = SAMPLE - self.rows if self.rows < SAMPLE else AFTER if self._seen > SPARSE * self.rows else 0
        if room:
            # a key shows itself among the first few
            self._hopeless = self._hopeless or (not self.rows and _are_keys(values.head(AFTER).drop_nulls()))
            sample = values.head(room)
            self.rows += len(sample)
            if not self._hopeless:
                self._count(sample)

    def _count(self, sample: pl.Series) -> None:
        values, counts = sample.drop_nulls().alias("value").value_counts(sort=True, name="count")
        self._hopeless = len(counts) > CANDIDATES and counts[0] == 1
        candidates = zip(values.head(CANDIDATES).to_list(), counts.head(CANDIDATES).to_list(), strict=True)
        self._counts.update(dict(candidates))
        if len(self._counts) > 2 * CANDIDATES:
            self._counts = Counter(dict(self._counts.most_common(CANDIDATES)))

    def found(self) -> tuple[tuple[object, int], ...]:
        return () if self._hopeless else tuple(self._counts.most_common(TOP))
