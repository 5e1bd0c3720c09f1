"""Rules on the whole file that compare rows: unique columns, the primary key, duplicate values."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from sluice.contracts import Contract, MetricKind
from sluice_engine.judging.rules import METRIC_RULES, NEVER, Rule
from sluice_engine.judging.uniqueness import Keys, Repeats


@dataclass(frozen=True, slots=True)
class KeyRule:
    """No two rows have the same values in these columns. `rule.metric` is set where repeats are only counted."""

    rule: Rule
    columns: tuple[str, ...]
    keys: Keys

    def add(self, typed: pl.DataFrame, rows: pl.Series) -> None:
        self.keys.add(pl.DataFrame([typed[name] for name in self.columns]), rows)

    def repeats(self) -> Repeats:
        return self.keys.repeats()


def key_rules(contract: Contract, folder: Path) -> tuple[KeyRule, ...]:
    """In a fixed order; what cannot be held in memory is spilled to `folder`."""
    return tuple(
        KeyRule(rule, columns, Keys(folder, f"keys-{at}")) for at, (rule, columns) in enumerate(_rules(contract))
    )


def _rules(contract: Contract) -> Iterator[tuple[Rule, tuple[str, ...]]]:
    for field in contract.fields:
        if field.unique:
            yield Rule("unique", field.name, "a value that no earlier row has", NEVER), (field.name,)
    key = contract.primary_key
    if key and not (len(key) == 1 and contract.field(key[0]).unique):
        yield Rule("primary-key", ", ".join(key), "a key that no earlier row has", NEVER), key
    for at, metric in enumerate(contract.metrics):
        if metric.kind is MetricKind.DUPLICATE_VALUES:
            counted = None if metric.strict else at
            said = "values that no earlier row has"
            names, hint = ", ".join(metric.columns), metric.description
            rule = Rule(METRIC_RULES[metric.kind], names, said, NEVER, hint=hint, metric=counted)
            yield rule, metric.columns
