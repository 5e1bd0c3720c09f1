"""One file, batch by batch: parse, judge, count. The caller keeps the typed rows and says where."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import polars as pl

from sluice.contracts import Contract, Field
from sluice.events import TimeRange
from sluice.reports import MASK, ColumnQuality, Distinct, Quality
from sluice_engine.errors import Fault
from sluice_engine.judging.findings import Findings, shown
from sluice_engine.judging.rules import Rules, expected_type
from sluice_engine.judging.uniqueness import Keys, repetitions
from sluice_engine.parsing.columns import typed
from sluice_engine.parsing.text import INSTANT, Parsed
from sluice_engine.reading.table import Batch

ROW = "__row"
"""Column of the row's number in the typed frames."""

ReadBack = Callable[[str, pl.Series], pl.DataFrame]
"""Column and row numbers in, `ROW` and that column of those rows out."""


@dataclass(slots=True)
class ColumnTally:
    """Nulls and extremes of one column, so far."""

    field: Field
    nulls: int = 0
    low: object = None
    high: object = None

    def add(self, parsed: Parsed) -> None:
        self.nulls += parsed.values.null_count() - int(parsed.failed.sum())
        for value in (parsed.values.min(), parsed.values.max()):
            if value is not None:
                self.low = value if self.low is None else min(self.low, value)  # type: ignore[call-overload]  # one type
                self.high = value if self.high is None else max(self.high, value)  # type: ignore[call-overload]  # the same

    def quality(self) -> ColumnQuality:
        low, high = (
            None if end is None else MASK if self.field.classified else shown(end) for end in (self.low, self.high)
        )
        return ColumnQuality(
            name=self.field.name,
            type=self.field.type,
            nulls=self.nulls,
            min=low,
            max=high,
            distinct=Distinct(count=0, exact=False),
            top=(),
            top_of=0,
        )


@dataclass(slots=True)
class Judging:
    """Takes batches in the order of the file. `findings` tells what was found so far."""

    contract: Contract
    findings: Findings
    seen: int = 0
    _rules: Rules = field(init=False)
    _keys: dict[str, Keys] = field(init=False)
    _tallies: dict[str, ColumnTally] = field(init=False)

    def __post_init__(self) -> None:
        self._rules = Rules(self.contract)
        self._keys = {each.name: Keys() for each in self.contract.fields if each.unique}
        self._tallies = {each.name: ColumnTally(each) for each in self.contract.fields}

    def take(self, batch: Batch) -> pl.DataFrame:
        """Judge a batch; the typed rows come back, with `ROW`. Cells that could not be parsed are null."""
        self.seen += batch.seen
        for row, rule, found in batch.faults.select("row", "rule", "found").iter_rows():
            self.findings.add_fault(_structural(row, rule, found, batch))
        parsed = {
            each.name: typed(batch.cells[each.name], each, self.contract.dialect) for each in self.contract.fields
        }
        for each in self.contract.fields:
            self._add(each, batch, parsed[each.name])
        frame = pl.DataFrame([each.values for each in parsed.values()])
        for breach in self._rules.judge(frame):
            broken = breach.broken & ~parsed[breach.column].failed
            values = batch.cells[breach.column].filter(broken)
            self.findings.add_cells(breach.rule, breach.column, breach.expected, batch.rows.filter(broken), values)
        return frame.with_columns(batch.rows.alias(ROW))

    def _add(self, each: Field, batch: Batch, parsed: Parsed) -> None:
        self._tallies[each.name].add(parsed)
        rows, values = batch.rows.filter(parsed.failed), batch.cells[each.name].filter(parsed.failed)
        self.findings.add_cells("type", each.name, expected_type(each), rows, values)
        if each.unique:
            self._keys[each.name].add(parsed.values, batch.rows)

    def finish(self, read_back: ReadBack) -> None:
        """Rules on the whole file."""
        for column, keys in self._keys.items():
            candidates = keys.candidates()
            if len(candidates):
                self._add_repetitions(column, read_back(column, candidates))

    def _add_repetitions(self, column: str, frame: pl.DataFrame) -> None:
        expected = "a value that no earlier row has"
        repeated = repetitions(frame[ROW], frame[column])
        room = self.findings.count_cells("unique", column, expected, len(repeated))
        for row, value, first in repeated.head(room).iter_rows():
            hint = f"The same value stands in row {first}."
            self.findings.list_cell(Fault("unique", expected, hint, column, row), value)

    def time_range(self) -> TimeRange | None:
        """First and last time among the rows that could be parsed."""
        tally = self._tallies[self.contract.druid.time_column]
        if tally.low is None or tally.high is None:
            return None
        first, last = pl.Series([tally.low, tally.high]).cast(INSTANT).to_list()
        return TimeRange(first=_aware(first), last=_aware(last))

    def quality(self, *, complete: bool) -> Quality:
        columns = tuple(tally.quality() for tally in self._tallies.values())
        return Quality(
            rows=self.seen if complete else None, columns=columns, time_range=self.time_range(), rows_per_day=(), days=0
        )


def _structural(row: int, rule: str, found: int, batch: Batch) -> Fault:
    width = batch.cells.width + batch.extra.width
    hint = (
        "Quote cells that hold the delimiter."
        if found > width
        else "Add the missing cells, empty where they have no value."
    )
    return Fault(rule, f"{width} cells, as in the header; there are {found}", hint, row=row)


def _aware(instant: datetime) -> datetime:
    return instant.astimezone(UTC)
