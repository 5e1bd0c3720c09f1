"""Many errors, one cause: what the failed cells have in common, and what would mend them, tried before it is said."""

from collections import Counter
from dataclasses import dataclass, field

import polars as pl

from sluice.contracts import Contract, FieldType
from sluice.reports import Cause
from sluice_engine.reporting.advice import Told, tell
from sluice_engine.reporting.clusters import Cluster
from sluice_engine.reporting.habits import NULL_WORDS, other_mark

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


@dataclass(slots=True)
class Harm:
    """What a remedy in the contract would break, for it is for the whole file: seen in the good cells.

    The first cells of each batch are looked at, and all of those batches whose failed cells bring the remedy to mind; columns that are
    no text count for nothing.
    """

    contract: Contract
    marked: bool = False
    """A number is written with the contract's decimal mark."""
    words: set[str] = field(default_factory=set)
    """Null words, as they are written, that stand in cells which may not be empty."""
    _numbers: list[str] = field(init=False)
    _filled: list[str] = field(init=False)
    _batch: pl.DataFrame | None = None
    """Of which the words were not all looked at."""

    def __post_init__(self) -> None:
        fields, key = self.contract.fields, self.contract.primary_key
        self._numbers = [each.name for each in fields if each.type is FieldType.NUMBER]
        filled = (each for each in fields if each.required or each.name in key)
        self._filled = [each.name for each in filled if each.type is FieldType.STRING]

    def see(self, cells: pl.DataFrame) -> None:
        """All cells of a batch, good and bad, by the contract's names."""
        self._batch = cells
        self._look_for_marks(cells.head(GLANCE))
        self._look_for_words(cells.head(GLANCE))

    def look_closer(self, column: str, failed: pl.Series) -> None:
        """Failed cells (String) of the batch that was seen last."""
        if self._batch is None:
            return
        mark = other_mark(self.contract.dialect.decimal)
        if column in self._numbers and not self.marked and failed.str.contains(mark, literal=True).any():
            self._look_for_marks(self._batch)
        if _null_words([failed]):
            self._look_for_words(self._batch)
            self._batch = None

    def _look_for_marks(self, cells: pl.DataFrame) -> None:
        self.marked = self.marked or any(self._has_mark(column) for column in _texts(cells, self._numbers))

    def _look_for_words(self, cells: pl.DataFrame) -> None:
        self.words |= _null_words(_texts(cells, self._filled))

    def _has_mark(self, cells: pl.Series) -> bool:
        mark = self.contract.dialect.decimal
        good = rf"^\s*[+-]?(?:[0-9]+\{mark}[0-9]*|\{mark}[0-9]+)(?:[eE][+-]?[0-9]+)?\s*$"
        marked = cells.filter(cells.str.contains(mark, literal=True).fill_null(value=False))
        return bool(marked.str.contains(good).any())


def _texts(cells: pl.DataFrame, names: list[str]) -> list[pl.Series]:
    return [cells[name] for name in names if cells.schema.get(name) == pl.String]


def _null_words(columns: list[pl.Series]) -> set[str]:
    text = pl.col("text")
    texts = pl.concat([pl.Series([], dtype=pl.String), *columns]).alias("text").to_frame()
    short = texts.select(text.filter(text.str.len_bytes() <= _LONGEST_WORD).unique()).to_series()
    return {word for word in map(str.strip, short.to_list()) if word.lower() in NULL_WORDS}


_LONGEST_WORD = max(len(word.encode()) for word in NULL_WORDS)


class Causes:
    """Takes failed cells as the file is read; memory and time are bounded, whatever the file holds."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._seen: dict[tuple[str, str], Seen] = {}
        self._harm = Harm(contract)

    def see(self, cells: pl.DataFrame) -> None:
        """All cells of a batch, good and bad, by the contract's names; before `add` of the same batch."""
        self._harm.see(cells)

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
        if not len(looked_at):
            return
        self._harm.look_closer(column, looked_at)
        short = looked_at.filter(looked_at.str.len_bytes() <= LONGEST)
        seen.waiting.update(short.to_list())
        if sum(len(each.waiting) for each in self._seen.values()) > KEPT:
            self._sort()

    def found(self) -> tuple[Cause, ...]:
        """Those that explain most rows first; at most MOST_CAUSES."""
        self._sort()
        told = [
            cause
            for (column, _), seen in self._seen.items()
            for cause in tell(seen.cluster, self._told(column), exact=seen.cells <= PER_COLUMN)
            if cause.rows >= FEWEST
        ]
        return tuple(sorted(told, key=lambda cause: -cause.rows)[:MOST_CAUSES])

    def _told(self, column: str) -> Told:
        return Told(self._contract, self._contract.field(column), self._harm.marked, frozenset(self._harm.words))

    def _sort(self) -> None:
        for seen in self._seen.values():
            if seen.waiting:
                seen.sort()
