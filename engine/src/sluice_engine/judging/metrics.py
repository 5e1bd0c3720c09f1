"""Counts of the whole file, held against the contract's thresholds."""

from collections import Counter
from collections.abc import Iterator

from sluice.contracts import Contract, Metric, MetricKind, Operator, Severity, Threshold, Unit
from sluice_engine.errors import Fault
from sluice_engine.judging.rules import METRIC_RULES

COUNTED = {
    MetricKind.NULL_VALUES: "empty cells",
    MetricKind.MISSING_VALUES: "missing values",
    MetricKind.INVALID_VALUES: "invalid values",
    MetricKind.DUPLICATE_VALUES: "rows that repeat an earlier one",
    MetricKind.ROW_COUNT: "rows",
}
SAID = {
    Operator.EQUAL: "exactly {}",
    Operator.NOT_EQUAL: "any number but {}",
    Operator.GREATER: "more than {}",
    Operator.GREATER_OR_EQUAL: "at least {}",
    Operator.LESS: "less than {}",
    Operator.LESS_OR_EQUAL: "at most {}",
    Operator.BETWEEN: "between {} and {}",
    Operator.NOT_BETWEEN: "not between {} and {}",
}


def breaches(contract: Contract, counts: Counter[int], rows: int) -> Iterator[tuple[Fault, Severity]]:
    """One fault for each threshold that does not hold. `counts` are by the metrics' places in the contract."""
    for at, metric in enumerate(contract.metrics):
        if metric.strict:
            continue
        count = rows if metric.kind is MetricKind.ROW_COUNT else counts[at]
        if not metric.threshold.holds(count, rows):
            yield _fault(metric, count, rows), metric.severity


def _fault(metric: Metric, count: int, rows: int) -> Fault:
    what = COUNTED[metric.kind]
    there = f"{count:,} of {rows:,} rows" if metric.kind is not MetricKind.ROW_COUNT else f"{count:,}"
    expected = f"{threshold_text(metric.threshold)} {what}; there are {there}"
    return Fault(METRIC_RULES[metric.kind], expected, metric.description, ", ".join(metric.columns) or None)


def threshold_text(threshold: Threshold) -> str:
    """Such as "at most 5 % of rows with"."""
    numbers = [f"{value:,.10g}" for value in threshold.values]
    said = SAID[threshold.operator].format(*numbers)
    return f"{said} %" if threshold.unit is Unit.PERCENT else said
