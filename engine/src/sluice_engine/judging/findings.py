"""What was found: every error counted, the first of each rule listed."""

from collections import Counter
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

import polars as pl

from sluice.contracts import Contract
from sluice.reports import MASK, ReportedError, RuleCount
from sluice_engine.errors import Fault
from sluice_engine.parsing.text import FORMULA_ERRORS
from sluice_engine.reading.table import Place, Table

PER_RULE = 100
IN_ALL = 1000
VALUE_LENGTH = 100
HINTS = {
    "required": "Fill the cell.",
    "minimum": "Correct the value, or its unit.",
    "maximum": "Correct the value, or its unit.",
    "max-length": "Shorten the text.",
}


def shown(value: object) -> str:
    """A value as a report shows it: at most 100 characters, control characters escaped."""
    text = str(value)
    escaped = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[: VALUE_LENGTH + 1])
    return escaped if len(escaped) <= VALUE_LENGTH else escaped[: VALUE_LENGTH - 1] + "…"


@dataclass(slots=True)
class Findings:
    """Collects. Counts are exact; at most PER_RULE errors of one rule and column are listed, IN_ALL together."""

    contract: Contract
    table: Table
    counts: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    expected: dict[tuple[str, str | None], str] = field(default_factory=dict)
    listed: list[ReportedError] = field(default_factory=list)
    _listed_of: Counter[tuple[str, str | None]] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return self.counts.total()

    def add_fault(self, fault: Fault) -> None:
        """An error of the file's structure."""
        place = Place(line=fault.line) if fault.line or fault.row is None else self.table.place(fault.row, fault.column)
        self._count(fault.rule, fault.column, fault.expected, 1)
        if self._room(fault.rule, fault.column):
            self._list(fault, place)

    def add_cells(self, rule: str, column: str, expected: str, rows: pl.Series, values: pl.Series) -> None:
        """Cells of one column that break one rule: row numbers and the values as they stood, in the same order."""
        self._count(rule, column, expected, len(rows))
        room = self._room(rule, column)
        for row, value in zip(rows.head(room), values.head(room), strict=True):
            self.list_cell(Fault(rule, expected, self._hint(rule, column, value), column, row), value)

    def list_cell(self, fault: Fault, value: object) -> None:
        """List one cell with its value, masked where it is classified; count nothing."""
        masked = fault.column is not None and self.contract.field(fault.column).classified
        text = None if value is None or value == "" else MASK if masked else shown(value)
        self._list(replace(fault, value=text), self.table.place(fault.row or 0, fault.column))

    def count_cells(self, rule: str, column: str, expected: str, count: int) -> int:
        """Count without listing; returns how many of them may still be listed."""
        self._count(rule, column, expected, count)
        return self._room(rule, column)

    def rules(self) -> tuple[RuleCount, ...]:
        return tuple(
            RuleCount(
                rule=rule,
                column=column,
                count=count,
                listed=self._listed_of[rule, column],
                expected=self.expected[rule, column],
            )
            for (rule, column), count in self.counts.items()
        )

    def errors(self) -> tuple[ReportedError, ...]:
        """The listed errors in the order of the file."""
        return tuple(sorted(self.listed, key=lambda error: (error.row or 0, error.line or 0)))

    def _count(self, rule: str, column: str | None, expected: str, count: int) -> None:
        if count:
            self.counts[rule, column] += count
            self.expected.setdefault((rule, column), expected)

    def _room(self, rule: str, column: str | None) -> int:
        return max(0, min(PER_RULE - self._listed_of[rule, column], IN_ALL - len(self.listed)))

    def _list(self, fault: Fault, place: Place) -> None:
        self._listed_of[fault.rule, fault.column] += 1
        self.listed.append(
            ReportedError(
                rule=fault.rule,
                row=fault.row,
                line=place.line,
                cell=place.cell,
                column=fault.column,
                value=fault.value,
                expected=fault.expected,
                hint=fault.hint,
            )
        )

    def _hint(self, rule: str, column: str, value: object) -> str:
        field = self.contract.field(column)
        if rule == "invalid-values" and not field.classified:
            allowed = [
                each for metric in self.contract.metrics if metric.columns == (column,) for each in metric.values or ()
            ]
            near = get_close_matches(str(value)[:VALUE_LENGTH], allowed, n=1)
            return f"Did you mean {near[0]}?" if near else ""
        if value in FORMULA_ERRORS:
            return "A formula gives an error here: correct it."
        if rule == "type" and "," in str(value):
            return "Use a decimal point, and no separator between thousands."
        return HINTS.get(rule, "")
