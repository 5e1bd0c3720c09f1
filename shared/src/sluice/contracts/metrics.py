"""Quality rules of ODCS: enumerations, library metrics with thresholds, and installed Pandera schemas."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sluice.contracts.faults import Faults
from sluice.contracts.library import LibraryRule, severity_of, text_of
from sluice.contracts.model import Custom, Field, Metric, MetricKind, Operator, Threshold
from sluice.contracts.source import Path, Source
from sluice.contracts.values import fits, texts_of

ENTRY_POINT = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
ENUM = "enum"
"""Id of the metric that an enumeration becomes."""


@dataclass(frozen=True, slots=True)
class RulesReader:
    """Reads the rules of one contract. `fields` are all its columns, by name."""

    source: Source
    fields: dict[str, Field]
    faults: Faults
    _places: dict[tuple[MetricKind, tuple[str, ...], str], Path] = field(default_factory=dict)

    def of_column(self, prop: dict[str, Any], column: Field, path: Path) -> Iterator[Metric]:
        """`path` is that of the property."""
        allowed = self._enum(prop, column, path)
        if allowed is not None:
            none = Threshold(Operator.EQUAL, (0,))
            yield self._own(Metric(MetricKind.INVALID_VALUES, none, (column.name,), allowed, id=ENUM), (*path, "enum"))
        for rule, place in self._rules(prop, path):
            if rule.get("type") == "custom":
                if self._is_pandera(rule, place):
                    said = "a Pandera schema judges the table; move the rule to the table's own quality"
                    self.faults.add(place, said)
            elif self._is_library(rule, place):
                metric = LibraryRule(rule, place, column, self.fields, self.source, self.faults, allowed).metric()
                if metric:
                    yield self._own(metric, place)

    def of_table(self, table: dict[str, Any], path: Path) -> tuple[tuple[Metric, ...], tuple[Custom, ...]]:
        """`path` is that of the table."""
        metrics, customs = [], []
        for rule, place in self._rules(table, path):
            if rule.get("type") == "custom":
                customs += self._custom(rule, place)
            elif self._is_library(rule, place):
                metric = LibraryRule(rule, place, None, self.fields, self.source, self.faults).metric()
                metrics += [self._own(metric, place)] if metric else []
        for name, count in Counter(custom.name for custom in customs).items():
            if count > 1:
                self.faults.add((*path, "quality"), f"the Pandera schema {name} stands twice; keep one of them")
        return tuple(metrics), tuple(customs)

    def _own(self, metric: Metric, place: Path) -> Metric:
        """Rules of one kind on the same columns are told apart by their ids."""
        key = (metric.kind, metric.columns, metric.id)
        if key in self._places:
            line = self.source.line(self._places[key])
            which = f"with the id {metric.id}" if metric.id else "without an id"
            said = f"{metric.kind} {which} stands in line {line} already; give each rule an id of its own"
            self.faults.add(place, said)
        self._places.setdefault(key, place)
        return metric

    def _rules(self, element: dict[str, Any], path: Path) -> Iterator[tuple[dict[str, Any], Path]]:
        for number, rule in enumerate(element.get("quality") or []):
            yield rule, (*path, "quality", number)

    def _is_library(self, rule: dict[str, Any], place: Path) -> bool:
        """Text is prose for people. SQL has nothing to run on: files are judged before they are in any database."""
        match rule.get("type"):
            case "sql":
                way = "use a library metric, or a Pandera schema"
                said = f"type sql cannot be honoured: a file is judged before it is in any database; {way}"
                self.faults.add(place, said)
            case "text" if "metric" in rule:
                said = "a text is prose that nobody judges, and this is a metric; leave out one of both"
                self.faults.add((*place, "type"), said)
            case "text":
                pass
            case _ if "metric" not in rule:
                said = f"a metric is missing; possible are {', '.join(MetricKind)}. For prose, write type: text"
                self.faults.add(place, said)
            case _:
                if "rule" in rule:
                    self.faults.add((*place, "rule"), "the old word for metric, which stands here too; leave it out")
                return True
        return False

    def _is_pandera(self, rule: dict[str, Any], place: Path) -> bool:
        if "metric" in rule:
            self.faults.add((*place, "metric"), "a metric is a rule of its own, of type library; write two rules")
        if rule.get("engine") == "pandera":
            return True
        way = "use a library metric, or install the rule as a Pandera schema"
        self.faults.add((*place, "engine"), f"only the engine pandera can be honoured; {way}")
        return False

    def _custom(self, rule: dict[str, Any], place: Path) -> list[Custom]:
        name = rule.get("implementation")
        if not self._is_pandera(rule, place):
            return []
        if not isinstance(name, str) or not re.fullmatch(ENTRY_POINT, name):
            said = "must be the name of an installed entry point of the group sluice.pandera; code and checks are not written here"
            self.faults.add((*place, "implementation"), said)
            return []
        return [Custom(name, severity_of(rule, place, self.faults), text_of(rule))]

    def _enum(self, prop: dict[str, Any], column: Field, path: Path) -> tuple[str, ...] | None:
        """The values of an enumeration, each as it is written; None where there is none."""
        if "enum" not in prop:
            return None
        texts = []
        for number, entry in enumerate(prop["enum"]):
            place = (*path, "enum", number)
            for text in texts_of(self.source, place, {"value": entry["value"]}, self.faults).values():
                texts.append(text)
                if not fits(column, text):
                    said = f"no {column.type}, as the column is: it could never stand in it"
                    self.faults.add((*place, "value"), said)
        return tuple(dict.fromkeys(texts))
