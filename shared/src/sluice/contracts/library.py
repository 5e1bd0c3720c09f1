"""One quality rule of type `library`: its metric, its arguments, its threshold."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

from sluice.contracts.faults import Faults
from sluice.contracts.model import Field, Metric, MetricKind, Operator, Severity, Threshold, Unit
from sluice.contracts.patterns import PatternUnfit, check_pattern
from sluice.contracts.source import Path, Source
from sluice.contracts.values import fits, possible, texts_of

MOST_VALUES = 10_000
LONGEST_TEXT = 500

ARGUMENTS: dict[MetricKind, set[str]] = {
    MetricKind.NULL_VALUES: set(),
    MetricKind.MISSING_VALUES: {"missingValues"},
    MetricKind.INVALID_VALUES: {"validValues", "pattern"},
    MetricKind.DUPLICATE_VALUES: {"properties"},
    MetricKind.ROW_COUNT: set(),
}
LISTS = {MetricKind.MISSING_VALUES: "missingValues", MetricKind.INVALID_VALUES: "validValues"}
"""Arguments that list values."""
OF_TABLE = {MetricKind.ROW_COUNT, MetricKind.DUPLICATE_VALUES}
OF_COLUMN = set(MetricKind) - {MetricKind.ROW_COUNT}
ON_RANGES = {Operator.BETWEEN, Operator.NOT_BETWEEN}
HARMLESS = Threshold(Operator.EQUAL, (0,))
"""In the place of a threshold with a fault."""


@dataclass(frozen=True, slots=True)
class LibraryRule:
    """A rule that names a metric. `field` is the column that it is of, None for the table; `fields` are all columns, by name.

    `allowed` are the values of the column's enumeration, which count as valid where the rule itself says nothing.
    """

    rule: dict[str, Any]
    place: Path
    field: Field | None
    fields: dict[str, Field]
    source: Source
    faults: Faults
    allowed: tuple[str, ...] | None = None

    @property
    def kind(self) -> MetricKind:
        return MetricKind(self.rule["metric"])

    @property
    def arguments(self) -> dict[str, Any]:
        return self.rule.get("arguments") or {}

    def metric(self) -> Metric | None:
        """None, and a fault, where the metric is not of such a place."""
        if self.field is None and self.kind not in OF_TABLE:
            self._fault((), f"{self.kind} counts the cells of a column; move the rule to that property")
            return None
        if self.field is not None and self.kind not in OF_COLUMN:
            self._fault((), f"{self.kind} is of the table; move the rule to the table's own quality")
            return None
        for name in sorted(set(self.arguments) - ARGUMENTS[self.kind]):
            allowed = ", ".join(sorted(ARGUMENTS[self.kind])) or "none at all"
            self._fault(("arguments", name), f"no argument of {self.kind}; possible: {allowed}")
        return Metric(
            kind=self.kind,
            threshold=self._threshold(),
            columns=self._columns(),
            values=self._values(),
            pattern=self._pattern(),
            severity=severity_of(self.rule, self.place, self.faults),
            id=self.rule.get("id", ""),
            description=text_of(self.rule),
        )

    def _fault(self, where: Path, said: str) -> None:
        self.faults.add((*self.place, *where), said)

    def _threshold(self) -> Threshold:
        operator = next(each for each in Operator if each in self.rule)
        said = self.rule[operator] if operator in ON_RANGES else [self.rule[operator]]
        unit = self.rule.get("unit", Unit.ROWS)
        if unit not in set(Unit):
            self._fault(("unit",), "must be rows or percent")
            return HARMLESS
        if self.kind is MetricKind.ROW_COUNT and unit == Unit.PERCENT:
            self._fault(("unit",), "all rows are always 100 percent; count them in rows")
            return HARMLESS
        if not all(isinstance(each, int | float) and not isinstance(each, bool) and isfinite(each) for each in said):
            self._fault((operator,), "must be a number: how many rows, or how many percent of them")
            return HARMLESS
        threshold = Threshold(operator, tuple(said), Unit(unit))
        if not possible(threshold):
            self._fault((operator,), f"no number of {unit} could ever be so; correct the threshold")
        return threshold

    def _columns(self) -> tuple[str, ...]:
        if self.field is not None:
            if self.kind is MetricKind.DUPLICATE_VALUES and "properties" in self.arguments:
                said = "here the column is this one; for several, move the rule to the table's own quality"
                self._fault(("arguments", "properties"), said)
            return (self.field.name,)
        if self.kind is not MetricKind.DUPLICATE_VALUES:
            return ()
        names = self.arguments.get("properties")
        if not isinstance(names, list) or not names:
            self._fault(("arguments", "properties"), "must list the columns that together may not repeat")
            return ()
        for number, name in enumerate(names):
            if name not in self.fields or name in names[:number]:
                said = "must name a property of the schema, each once"
                self._fault(("arguments", "properties", number), said)
        return tuple(map(str, names))

    def _values(self) -> tuple[str, ...] | None:
        if self.kind is MetricKind.INVALID_VALUES and not self.arguments.keys() & ARGUMENTS[self.kind]:
            if self.allowed is None:
                said = "validValues or a pattern is needed, or an enum of the property: which values are valid?"
                self._fault(("arguments",), said)
            return self.allowed
        name = LISTS.get(self.kind)
        return self._listed(name) if name in self.arguments else None

    def _listed(self, name: str) -> tuple[str, ...] | None:
        said, where = self.arguments[name], ("arguments", name)
        if not isinstance(said, list) or not 0 < len(said) <= MOST_VALUES:
            self._fault(where, f"must be a list of values, at most {MOST_VALUES}")
            return None
        texts = texts_of(self.source, (*self.place, *where), dict(enumerate(said)), self.faults)
        if self.kind is MetricKind.INVALID_VALUES:
            for number, text in texts.items():
                if self.field and not fits(self.field, text):
                    self._fault((*where, number), f"no {self.field.type}, as the column is: it could never stand in it")
            if not texts:
                self._fault(where, "holds no value: empty cells are valid by themselves; say which others are")
        return tuple(dict.fromkeys(texts.values()))

    def _pattern(self) -> str | None:
        pattern = self.arguments.get("pattern")
        if pattern is None:
            return None
        try:
            check_pattern(str(pattern))
        except PatternUnfit as unfit:
            self._fault(("arguments", "pattern"), str(unfit))
            return None
        return str(pattern)


def severity_of(rule: dict[str, Any], place: Path, faults: Faults) -> Severity:
    said = rule.get("severity", Severity.ERROR)
    if said in set(Severity):
        return Severity(said)
    faults.add((*place, "severity"), f"must be one of {', '.join(Severity)}")
    return Severity.ERROR


def text_of(rule: dict[str, Any]) -> str:
    """What the contract says to people, on one line."""
    return " ".join(str(rule.get("description") or "").split())[:LONGEST_TEXT]
