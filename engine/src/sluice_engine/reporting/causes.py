"""Many errors, one cause: what the failed cells have in common, and what would mend them, tried before it is said."""

from collections import Counter
from dataclasses import dataclass, field

import polars as pl

from sluice.contracts import Contract, FieldType
from sluice.reports import Cause
from sluice_engine.reporting.advice import Told, tell
from sluice_engine.reporting.clusters import Cluster, other_mark
from sluice_engine.reporting.habits import NULL_WORDS

MOST_CAUSES = 20
PER_COLUMN = 50_000
"""Cells of one column and rule that are looked at; a cause that goes on after them says "more than"."""
KEPT = 50_000
"""Different texts that are held before they are sorted, of all columns together."""
LONGEST = 100
"""Bytes; a longer cell has causes of its own."""
GLANCE = 1000
"""Rows of each batch that are looked at for what a remedy would break."""
FEWEST = 2
"""Rows that make a cause; a single cell is told by its own error."""

MENDABLE = frozenset({"type", "invalid-values", "pattern"})
"""Rules whose failed cells say by their look what went wrong."""


@dataclass(slots=True)
class Seen:
    """Cells of one column and rule."""

    cluster: Cluster
    cells: int = 0
    waiting: Counter[str] = field(default_factory=Counter)

    def sort(self) -> None:
        self.cluster.sort(self.waiting)
        self.waiting = Counter()


class Causes:
    """Takes failed cells as the file is read; memory and time are bounded, whatever the file holds."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._seen: dict[tuple[str, str], Seen] = {}
        self._other_mark: set[str] = set()
        """Number columns with a good cell that another decimal mark would break."""
        self._words: set[str] = set()
        """Null words, as they are written, that stand in good cells which may not be empty."""
        self._batch: pl.DataFrame | None = None
        key = contract.primary_key
        self._numbers = [each.name for each in contract.fields if each.type is FieldType.NUMBER]
        self._filled = [
            each.name
            for each in contract.fields
            if each.type is FieldType.STRING and (each.required or each.name in key)
        ]

    def see(self, cells: pl.DataFrame) -> None:
        """All cells of a batch, good and bad, by the contract's names; before `add` of the same batch.

        A remedy in the contract is for the whole file: what it would break must have been seen. The first cells of each batch are
        looked at, and all of those batches whose failed cells bring a remedy to mind; columns that are no text count for nothing.
        """
        self._batch = cells
        self._look(cells.head(GLANCE))

    def _look(self, cells: pl.DataFrame) -> None:
        for name in self._numbers:
            if name not in self._other_mark and cells.schema.get(name) == pl.String and self._has_mark(cells[name]):
                self._other_mark.add(name)
        for name in self._filled:
            if cells.schema.get(name) == pl.String:
                self._words |= _null_words(cells[name])

    def _brings_to_mind(self, column: str, cells: pl.Series) -> bool:
        marked = column in self._numbers and cells.str.contains(other_mark(self._contract.dialect), literal=True).any()
        return bool(marked) or bool(_null_words(cells))

    def _has_mark(self, cells: pl.Series) -> bool:
        mark = self._contract.dialect.decimal
        good = rf"^\s*[+-]?(?:[0-9]+\{mark}[0-9]*|\{mark}[0-9]+)(?:[eE][+-]?[0-9]+)?\s*$"
        marked = cells.filter(cells.str.contains(mark, literal=True).fill_null(value=False))
        return bool(marked.str.contains(good).any())

    def add(self, column: str, rule: str, cells: pl.Series) -> None:
        """Cells (String) of one batch that broke the rule, as they stood. Rules that tell nothing by the look of a cell are ignored."""
        if rule not in MENDABLE or not len(cells):
            return
        seen = self._seen.get((column, rule))
        if seen is None:
            cluster = Cluster(self._contract, self._contract.field(column), rule)
            seen = self._seen[column, rule] = Seen(cluster)
        looked_at = cells.head(max(0, PER_COLUMN - seen.cells))
        seen.cells += len(cells)
        if self._batch is not None and self._brings_to_mind(column, looked_at):
            self._look(self._batch)
            self._batch = None
        if len(looked_at):
            short = looked_at.filter(looked_at.str.len_bytes() <= LONGEST)
            seen.waiting.update(short.to_list())
            if sum(len(each.waiting) for each in self._seen.values()) > KEPT:
                self._sort()

    def found(self) -> tuple[Cause, ...]:
        """Those that explain most rows first; at most MOST_CAUSES."""
        self._sort()
        self._batch = None
        told = [
            cause
            for (column, _), seen in self._seen.items()
            for cause in tell(seen.cluster, self._told(column), exact=seen.cells <= PER_COLUMN)
            if cause.rows >= FEWEST
        ]
        return tuple(sorted(told, key=lambda cause: -cause.rows)[:MOST_CAUSES])

    def _told(self, column: str) -> Told:
        return Told(self._contract, self._contract.field(column), bool(self._other_mark), frozenset(self._words))

    def _sort(self) -> None:
        for seen in self._seen.values():
            if seen.waiting:
                seen.sort()


def _null_words(cells: pl.Series) -> set[str]:
    short = cells.filter((cells.str.len_bytes() <= _LONGEST_WORD).fill_null(value=False)).unique()
    return set(short.filter(short.str.strip_chars().str.to_lowercase().is_in(list(NULL_WORDS))).str.strip_chars())


_LONGEST_WORD = max(len(word.encode()) for word in NULL_WORDS)
