"""One file, batch by batch: parse, judge, count. What becomes of the rows is the caller's to do."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from pathlib import Path

import polars as pl

from sluice.contracts import Contract, Severity
from sluice_engine.errors import Fault
from sluice_engine.judging.customs import Broken, Judge, customs_of
from sluice_engine.judging.findings import Findings
from sluice_engine.judging.keyed import KeyRule, key_rules
from sluice_engine.judging.late import Late
from sluice_engine.judging.metrics import breaches
from sluice_engine.judging.quality import Tallies
from sluice_engine.judging.rowset import RowSet
from sluice_engine.judging.rules import NEVER, RAW, Rule, raw_columns, raw_text, rules_of
from sluice_engine.judging.wording import expected_type
from sluice_engine.parsing.columns import typed
from sluice_engine.reading.table import Batch


@dataclass(frozen=True, slots=True)
class Sifted:
    """A batch, judged. `typed` has the contract's columns; cells that could not be parsed are null.

    `broken` are the rules of severity error that it breaks, each with the rows to blame; `rejected` is true for every row that breaks
    one, None where none does.
    """

    batch: Batch
    typed: pl.DataFrame
    broken: tuple[Broken, ...]
    rejected: pl.Series | None


@dataclass(slots=True)
class Judging:
    """Takes batches in the order of the file. `findings` tells what was found so far. Raises ContractInvalid at the start.

    `folder` takes what cannot be held in memory.
    """

    contract: Contract
    findings: Findings
    folder: Path
    seen: int = 0
    rejected: RowSet = field(default_factory=RowSet)
    """Rows with an error of their own."""
    breached: list[str] = field(default_factory=list)
    """Rules of severity error that the file as a whole breaks."""
    tallies: Tallies = field(init=False)
    _types: dict[str, Rule] = field(init=False)
    _rules: tuple[Rule, ...] = field(init=False)
    _raw: tuple[str, ...] = field(init=False)
    _keys: tuple[KeyRule, ...] = field(init=False)
    _customs: Judge | None = field(init=False)
    _counts: Counter[int] = field(default_factory=Counter)
    _breached_frames: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        decimal = self.contract.dialect.decimal
        self._types = {
            each.name: Rule("type", each.name, expected_type(each, decimal), NEVER) for each in self.contract.fields
        }
        self._rules = rules_of(self.contract)
        self._raw = raw_columns(self.contract)
        self._keys = key_rules(self.contract, self.folder)
        self._customs = customs_of(self.contract)
        self.tallies = Tallies(self.contract)

    def take(self, batch: Batch, more: tuple[Broken, ...] = ()) -> Sifted:
        """Judge a batch. `more` was found by others, of its rows that could be split."""
        self.seen += batch.seen
        for row, rule, found in batch.faults.select("row", "rule", "found").iter_rows():
            self.findings.add_fault(_structural(row, rule, found, batch))
        frame, failed = self._parse(batch)
        broken = (*self._failures(failed), *self._judge(batch, frame, failed), *more, *self._judge_customs(frame))
        for each in broken:
            self._report(each, batch)
        for key in self._keys:
            key.add(frame, batch.rows)
        errors = tuple(each for each in broken if each.rule.severity is Severity.ERROR and each.where is not None)
        rejected = reduce(or_, (each.where for each in errors)) if errors else None
        self._note_rejected(batch, rejected)
        return Sifted(batch, frame, errors, rejected)

    def _parse(self, batch: Batch) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
        """Typed columns, and where they could not be parsed."""
        columns, failed = [], {}
        for each in self.contract.fields:
            parsed = typed(batch.cells[each.name], each, self.contract.dialect)
            columns.append(parsed.values)
            count = int(parsed.failed.sum())
            if count:
                failed[each.name] = parsed.failed
            # at once, while the processor still has the column at hand
            self.tallies.add(each.name, parsed.values, parsed.values.null_count() - count)
        return pl.DataFrame(columns), failed

    def _failures(self, failed: dict[str, pl.Series]) -> Iterator[Broken]:
        for name, where in failed.items():
            yield Broken(self._types[name], where)

    def _judge(self, batch: Batch, frame: pl.DataFrame, failed: dict[str, pl.Series]) -> Iterator[Broken]:
        """Every rule on cells, in one pass; counts for thresholds go to the side."""
        whole = frame.hstack([raw_text(batch.cells[name]).alias(RAW + name) for name in self._raw])
        flags = whole.select(rule.broken.alias(str(at)) for at, rule in enumerate(self._rules))
        for rule, flag in zip(self._rules, flags, strict=True):
            if flag.any():
                where = flag.fill_null(value=False) if flag.null_count() else flag
                unread = failed.get(rule.column or "")
                where = where if unread is None else where & ~unread
                if rule.metric is not None:
                    self._counts[rule.metric] += int(where.sum())
                elif unread is None or where.any():
                    yield Broken(rule, where)

    def _judge_customs(self, frame: pl.DataFrame) -> Iterator[Broken]:
        if self._customs and frame.height:
            yield from self._customs(frame)

    def _report(self, broken: Broken, batch: Batch) -> None:
        rule, where = broken.rule, broken.where
        if where is None:
            if rule.id not in self._breached_frames:
                self._breached_frames.add(rule.id)
                self._breach(Fault(rule.id, rule.expected, rule.hint, rule.column), rule.severity)
            return
        rows = batch.rows.filter(where)
        values = None
        if self.findings.room(rule) and rule.column in batch.cells.columns:
            values = batch.cells[rule.column].filter(where)
        self.findings.add_cells(rule, rows, values)

    def _note_rejected(self, batch: Batch, rejected: pl.Series | None) -> None:
        rows = batch.rows.filter(rejected) if rejected is not None else batch.rows.clear()
        if batch.faults.height:
            rows = pl.concat([rows.cast(pl.UInt64), batch.faults["row"]]).sort()
        self.rejected.add(rows)

    def _breach(self, fault: Fault, severity: Severity) -> None:
        self.findings.add_fault(fault, severity)
        if severity is Severity.ERROR:
            self.breached.append(fault.rule)

    def finish(self) -> tuple[Late, ...]:
        """Rules on the whole file. Rows that break them are counted and listed by the caller, who reads their values again."""
        late = []
        for key in self._keys:
            found = key.repeats()
            if key.rule.metric is not None:
                self._counts[key.rule.metric] += len(found.rows)
            elif len(found.rows):
                late.append(Late(key, pl.Series(found.rows), pl.Series(found.firsts)))
        for fault, severity in breaches(self.contract, self._counts, self.seen):
            self._breach(fault, severity)
        return tuple(late)


def _structural(row: int, rule: str, found: int, batch: Batch) -> Fault:
    width = batch.cells.width + batch.extra.width
    expected, hint = {
        "ragged-row": (
            f"{width} cells, as in the header; there are {found}",
            "Quote cells that hold the delimiter."
            if found > width
            else "Add the missing cells, empty where they have no value.",
        ),
        "nul-byte": ("text without NUL bytes", "Save the file as text."),
        "unclosed-quote": ("quotes in pairs", "Close the quote, or double one that belongs to the text."),
        "stray-quote": (
            "quotes around whole cells only",
            "Double a quote that belongs to the text, and quote the cell.",
        ),
    }.get(rule, (f"a row of {width} cells", ""))
    return Fault(rule, expected, hint, row=row)
