"""Quality rules of ODCS: library metrics with thresholds, and installed Pandera schemas."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite
from typing import Any

from sluice.contracts.faults import Faults
from sluice.contracts.model import Custom, Field, Metric, MetricKind, Operator, Severity, Threshold, Unit
from sluice.contracts.patterns import PatternUnfit, check_pattern
from sluice.contracts.source import Path, Source
from sluice.contracts.values import fits, possible, texts_of

MOST_VALUES = 10_000
LONGEST_TEXT = 500
ENTRY_POINT = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"

ARGUMENTS: dict[MetricKind, set[str]] = {
    MetricKind.NULL_VALUES: set(),
    MetricKind.MISSING_VALUES: {"missingValues"},
    MetricKind.INVALID_VALUES: {"validValues", "pattern"},
    MetricKind.DUPLICATE_VALUES: {"properties"},
    MetricKind.ROW_COUNT: set(),
}
OF_TABLE = {MetricKind.ROW_COUNT, MetricKind.DUPLICATE_VALUES}
OF_COLUMN = set(MetricKind) - {MetricKind.ROW_COUNT}


@dataclass(frozen=True, slots=True)
class RulesReader:
    """Reads the `quality` lists of one contract. `fields` are all its columns, by name."""

    source: Source
    fields: dict[str, Field]
    faults: Faults

    def of_column(self, rules: list[dict[str, Any]], field: Field, path: Path) -> tuple[Metric, ...]:
        found = []
        for number, rule in enumerate(rules):
            place = (*path, "quality", number)
            if rule.get("type") == "custom":
                if self._pandera(rule, place):
                    self.faults.add(
                        place, "a Pandera schema judges the table; move the rule to the table's own quality"
                    )
            elif self._is_library(rule, place) and (metric := self._metric(rule, place, field)):
                found.append(metric)
        return tuple(found)

    def of_table(self, rules: list[dict[str, Any]], path: Path) -> tuple[tuple[Metric, ...], tuple[Custom, ...]]:
        metrics, customs = [], []
        for number, rule in enumerate(rules):
            place = (*path, "quality", number)
            if rule.get("type") == "custom":
                customs += self._custom(rule, place)
            elif self._is_library(rule, place) and (metric := self._metric(rule, place, None)):
                metrics.append(metric)
        for name, count in Counter(custom.name for custom in customs).items():
            if count > 1:
                self.faults.add((*path, "quality"), f"the Pandera schema {name} stands twice; keep one of them")
        return tuple(metrics), tuple(customs)

    def _is_library(self, rule: dict[str, Any], place: Path) -> bool:
        """Text is prose for people. SQL has nothing to run on: files are judged before they are in any database."""
        if rule.get("type") == "sql":
            self.faults.add(
                place,
                "type sql cannot be honoured: a file is judged before it is in any database; use a library metric, or a Pandera schema",
            )
        elif rule.get("type") != "text" and "metric" not in rule:
            self.faults.add(
                place, f"a metric is missing; possible are {', '.join(MetricKind)}. For prose, write type: text"
            )
        return rule.get("type") != "text" and "metric" in rule and rule.get("type") != "sql"

    def _pandera(self, rule: dict[str, Any], place: Path) -> bool:
        if rule.get("engine") == "pandera":
            return True
        self.faults.add(
            (*place, "engine"),
            "only the engine pandera can be honoured; use a library metric, or install the rule as a Pandera schema",
        )
        return False

    def _custom(self, rule: dict[str, Any], place: Path) -> list[Custom]:
        name = rule.get("implementation")
        if not self._pandera(rule, place):
            return []
        if not isinstance(name, str) or not re.fullmatch(ENTRY_POINT, name):
            said = "must be the name of an installed entry point of the group sluice.pandera; code and checks are not written here"
            self.faults.add((*place, "implementation"), said)
            return []
        return [Custom(name, self._severity(rule, place), _text(rule))]

    def _severity(self, rule: dict[str, Any], place: Path) -> Severity:
        said = rule.get("severity", Severity.ERROR)
        if said in set(Severity):
            return Severity(said)
        self.faults.add((*place, "severity"), f"must be one of {', '.join(Severity)}")
        return Severity.ERROR

    def _metric(self, rule: dict[str, Any], place: Path, field: Field | None) -> Metric | None:
        kind = MetricKind(rule["metric"])
        if field is None and kind not in OF_TABLE:
            self.faults.add(place, f"{kind} counts the cells of a column; move the rule to that property")
            return None
        if field is not None and kind not in OF_COLUMN:
            self.faults.add(place, f"{kind} is of the table; move the rule to the table's own quality")
            return None
        arguments: dict[str, Any] = rule.get("arguments") or {}
        for name in sorted(set(arguments) - ARGUMENTS[kind]):
            allowed = ", ".join(sorted(ARGUMENTS[kind])) or "none at all"
            self.faults.add((*place, "arguments", name), f"no argument of {kind}; possible: {allowed}")
        return Metric(
            kind=kind,
            threshold=self._threshold(rule, kind, place),
            columns=self._columns(kind, arguments, place, field),
            values=self._values(kind, arguments, place, field),
            pattern=self._pattern(arguments, place),
            severity=self._severity(rule, place),
            id=rule.get("id", ""),
            description=_text(rule),
        )

    def _threshold(self, rule: dict[str, Any], kind: MetricKind, place: Path) -> Threshold:
        operator = next(each for each in Operator if each in rule)
        said = rule[operator] if isinstance(rule[operator], list) else [rule[operator]]
        unit = rule.get("unit", Unit.ROWS)
        harmless = Threshold(Operator.EQUAL, (0,))
        if unit not in set(Unit):
            self.faults.add((*place, "unit"), "must be rows or percent")
            return harmless
        if kind is MetricKind.ROW_COUNT and unit == Unit.PERCENT:
            self.faults.add((*place, "unit"), "all rows are always 100 percent; count them in rows")
            return harmless
        if not all(isinstance(each, int | float) and not isinstance(each, bool) and isfinite(each) for each in said):
            self.faults.add((*place, operator), "must be a number: how many rows, or how many percent of them")
            return harmless
        threshold = Threshold(operator, tuple(said), Unit(unit))
        if not possible(threshold):
            self.faults.add((*place, operator), f"no number of {unit} could ever be so; correct the threshold")
        return threshold

    def _columns(
        self, kind: MetricKind, arguments: dict[str, Any], place: Path, field: Field | None
    ) -> tuple[str, ...]:
        if kind is not MetricKind.DUPLICATE_VALUES or (field and "properties" not in arguments):
            return (field.name,) if field else ()
        names = arguments.get("properties")
        path = (*place, "arguments", "properties")
        if field is not None:
            self.faults.add(path, "here the column is this one; for several, move the rule to the table's own quality")
            return (field.name,)
        if not isinstance(names, list) or not names:
            self.faults.add(path, "must list the columns that together may not repeat")
            return ()
        for number, name in enumerate(names):
            if name not in self.fields or name in names[:number]:
                self.faults.add((*path, number), "must name a property of the schema, each once")
        return tuple(map(str, names))

    def _values(
        self, kind: MetricKind, arguments: dict[str, Any], place: Path, field: Field | None
    ) -> tuple[str, ...] | None:
        name = "missingValues" if kind is MetricKind.MISSING_VALUES else "validValues"
        path = (*place, "arguments", name)
        if kind is MetricKind.INVALID_VALUES and not arguments.keys() & {"validValues", "pattern"}:
            self.faults.add((*place, "arguments"), "validValues or a pattern is needed: which values are valid?")
        if name not in arguments or field is None or kind not in {MetricKind.MISSING_VALUES, MetricKind.INVALID_VALUES}:
            return None
        said = arguments[name]
        if not isinstance(said, list) or not 0 < len(said) <= MOST_VALUES:
            self.faults.add(path, f"must be a list of values, at most {MOST_VALUES}")
            return None
        texts = texts_of(self.source, path, dict(enumerate(said)), self.faults)
        if kind is MetricKind.INVALID_VALUES:
            self._check_values(texts, path, field)
            if not texts:
                self.faults.add(path, "holds no value: empty cells are valid by themselves; say which others are")
        return tuple(dict.fromkeys(texts.values()))

    def _check_values(self, texts: dict[int, str], path: Path, field: Field) -> None:
        for number, text in texts.items():
            if not fits(field, text):
                self.faults.add((*path, number), f"no {field.type}, as the column is: it could never stand in it")

    def _pattern(self, arguments: dict[str, Any], place: Path) -> str | None:
        pattern = arguments.get("pattern")
        if pattern is None:
            return None
        try:
            check_pattern(str(pattern))
        except PatternUnfit as unfit:
            self.faults.add((*place, "arguments", "pattern"), str(unfit))
            return None
        return str(pattern)


def check_ids(metrics: Iterable[Metric], path: Path, faults: Faults) -> None:
    """Rules of one kind on the same columns are told apart by their ids."""
    counts = Counter((metric.kind, metric.columns, metric.id) for metric in metrics)
    for (kind, columns, name), count in counts.items():
        if count > 1:
            which = f"with the id {name}" if name else "without an id"
            of = f" on {', '.join(columns)}" if columns else ""
            faults.add(path, f"{count} rules {kind}{of} {which}; give each an id of its own")


def _text(rule: dict[str, Any]) -> str:
    return " ".join(str(rule.get("description") or "").split())[:LONGEST_TEXT]
