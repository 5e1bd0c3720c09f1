"""What was found: every error counted, the first of each rule listed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

import polars as pl

from sluice.contracts import Contract, Severity
from sluice.reports import MASK, ReportedError, RuleCount
from sluice.safetext import shown
from sluice_engine.errors import Fault
from sluice_engine.judging.rules import Rule
from sluice_engine.judging.wording import HINTS
from sluice_engine.parsing.text import FORMULA_ERRORS
from sluice_engine.reading.table import Place, Table

PER_RULE = 100
IN_ALL = 1000
VALUE_LENGTH = 100
Kind = tuple[str, str | None]
"""A rule and its column."""


@dataclass(slots=True)
class Findings:
    """Collects. Counts are exact; at most PER_RULE errors of one rule and column are listed, IN_ALL together."""

    contract: Contract
    table: Table
    counts: Counter[Kind] = field(default_factory=Counter)
    _columns: frozenset[str] = field(init=False)
    _classified: frozenset[str] = field(init=False)
    _told: dict[Kind, tuple[str, Severity]] = field(default_factory=dict)
    _listed: dict[Kind, list[Fault]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._columns = frozenset(self.contract.columns)
        self._classified = frozenset(each.name for each in self.contract.fields if each.classified)

    @property
    def total(self) -> int:
        """Errors, in all; warnings do not count."""
        return sum(count for kind, count in self.counts.items() if self._told[kind][1] is Severity.ERROR)

    @property
    def broken(self) -> tuple[str, ...]:
        """Rules of severity error that are broken, by name."""
        return tuple(sorted({kind[0] for kind in self.counts if self._told[kind][1] is Severity.ERROR}))

    def add_fault(self, fault: Fault, severity: Severity = Severity.ERROR) -> None:
        """An error of the file, of a column of it, or of one row."""
        kind = (fault.rule, fault.column)
        if self._count(kind, fault.expected, severity, 1):
            self._listed[kind].append(fault)

    def add_cells(self, rule: Rule, rows: pl.Series, values: pl.Series | None, hints: Sequence[str] = ()) -> None:
        """Cells that break one rule: row numbers, and in the same order the values as they stood and, if they differ, the hints."""
        kind = (rule.id, rule.column)
        room = self._count(kind, rule.expected, rule.severity, len(rows))
        if not room:
            return
        texts = (
            (self._shown(rule.column, value) for value in values.head(room)) if values is not None else [None] * room
        )
        made: dict[str | None, str] = {}
        for at, (row, text) in enumerate(zip(rows.head(room), texts, strict=False)):
            if text not in made:
                made[text] = rule.hint or self._hint(rule, text)
            hint = hints[at] if hints else made[text]
            self._listed[kind].append(Fault(rule.id, rule.expected, hint, rule.column, row, value=text))

    def room(self, rule: Rule) -> int:
        """How many more cells that break the rule will be listed."""
        return PER_RULE - len(self._listed.get((rule.id, rule.column), ()))

    def rules(self) -> tuple[RuleCount, ...]:
        listed = Counter((error.rule, error.column) for error in self._chosen())
        return tuple(
            RuleCount(
                rule=kind[0],
                column=kind[1],
                count=count,
                listed=listed[kind],
                expected=self._told[kind][0],
                severity=self._told[kind][1].value,
            )
            for kind, count in self.counts.items()
        )

    def errors(self) -> tuple[ReportedError, ...]:
        """The listed errors in the order of the file."""
        chosen = sorted(self._chosen(), key=lambda fault: (fault.row or 0, fault.line or 0))
        return tuple(self._reported(fault) for fault in chosen)

    def _chosen(self) -> list[Fault]:
        """IN_ALL of the listed ones, spread: no rule has more than it must while another has less than it could."""
        room, chosen = IN_ALL, list[Fault]()
        waiting = sorted(self._listed.values(), key=len)
        for at, faults in enumerate(waiting):
            share = -(-room // (len(waiting) - at))
            chosen += faults[:share]
            room -= min(share, len(faults))
        return chosen[:IN_ALL]

    def _count(self, kind: Kind, expected: str, severity: Severity, count: int) -> int:
        """Returns how many of them may be listed."""
        if not count:
            return 0
        self.counts[kind] += count
        self._told.setdefault(kind, (expected, severity))
        return min(count, PER_RULE - len(self._listed.setdefault(kind, [])))

    def _reported(self, fault: Fault) -> ReportedError:
        by_row = fault.row is not None and fault.line is None
        place = self.table.place(fault.row or 0, self._single(fault.column)) if by_row else Place(line=fault.line)
        return ReportedError(
            rule=fault.rule,
            row=fault.row,
            line=place.line,
            cell=place.cell,
            column=fault.column,
            value=fault.value,
            expected=fault.expected,
            hint=fault.hint,
            severity=self._told.get((fault.rule, fault.column), ("", Severity.ERROR))[1].value,
        )

    def _single(self, column: str | None) -> str | None:
        """The column, if it is one: keys of several have no single cell."""
        return column if column in self._columns else None

    def _shown(self, column: str | None, value: object) -> str | None:
        if value is None or value == "":
            return None
        # keys of several columns are joined, and a name may hold a comma itself: to mask too much tells nothing
        joined = f", {column}, "
        return MASK if any(f", {name}, " in joined for name in self._classified) else shown(str(value), VALUE_LENGTH)

    def _hint(self, rule: Rule, value: str | None) -> str:
        if rule.id == "invalid-values" and value not in {None, MASK}:
            allowed = [
                each
                for metric in self.contract.metrics
                if metric.columns == (rule.column,)
                for each in metric.values or ()
            ]
            near = get_close_matches(value or "", allowed, n=1)
            return f"Did you mean {near[0]}?" if near else ""
        if value in FORMULA_ERRORS:
            return "A formula gives an error here: correct it."
        if rule.id == "type" and "," in (value or "") and self.contract.dialect.decimal == ".":
            return "Use a decimal point, and no separator between thousands."
        return HINTS.get(rule.id, "")
