"""Two versions of the rules of a contract: which are stricter, and break senders."""

import pytest
from contract_builder import contract
from contract_changes import ACCEPTING, NOBODY, READERS, SENDERS, changes, of_column, of_rule

from sluice.contracts import Threshold
from sluice.contracts.model import Operator, Unit
from sluice.contracts.narrowing import narrower_threshold

EMPTY, INVALID = "metric: nullValues, ", "metric: invalidValues, "


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (EMPTY + "mustBe: 0", EMPTY + "mustBeLessThan: 5", {"rule-looser": NOBODY}),
        (EMPTY + "mustBeLessThan: 5", EMPTY + "mustBe: 0", {"rule-stricter": SENDERS}),
        (EMPTY + "mustBeLessThan: 5", EMPTY + "mustBeLessOrEqualTo: 4", {"rule-looser": NOBODY}),
        (EMPTY + "mustBeLessThan: 5", EMPTY + "mustBeLessThan: 5, unit: percent", {"rule-stricter": SENDERS}),
        (EMPTY + "mustBe: 0, severity: warning", EMPTY + "mustBe: 0", {"rule-stricter": SENDERS}),
        (EMPTY + "mustBe: 0, severity: info", EMPTY + "mustBe: 0, severity: warning", {"rule-stricter": NOBODY}),
        (EMPTY + "mustBe: 0", EMPTY + "mustBe: 0, severity: warning", {"rule-looser": NOBODY}),
        (EMPTY + "mustBe: 0, id: a", EMPTY + "mustBe: 0, id: b", {}),
        (EMPTY + "mustBe: 0, id: a", EMPTY + "mustBe: 1, id: b", {"rule-removed": NOBODY, "rule-added": SENDERS}),
        (
            INVALID + "mustBe: 0, arguments: {validValues: [a]}",
            INVALID + "mustBe: 0, arguments: {validValues: [a, b]}",
            {"rule-looser": NOBODY},
        ),
        (
            INVALID + "mustBe: 0, arguments: {validValues: [a, b]}",
            INVALID + "mustBe: 0, arguments: {validValues: [b, c]}",
            {"rule-stricter": SENDERS},
        ),
        (
            INVALID + "mustBe: 0, arguments: {validValues: [a], pattern: a}",
            INVALID + "mustBe: 0, arguments: {pattern: a}",
            {"rule-looser": NOBODY},
        ),
        (
            INVALID + "mustBe: 0, arguments: {validValues: [a]}",
            INVALID + "mustBe: 0, arguments: {validValues: [a], pattern: a}",
            {"rule-stricter": SENDERS},
        ),
        (
            INVALID + "mustBe: 9, arguments: {validValues: [a]}",
            INVALID + "mustBe: 9, arguments: {validValues: [a, b]}",
            {"rule-stricter": SENDERS},
        ),
        (
            INVALID + "mustBeGreaterThan: 9, arguments: {validValues: [a], pattern: a}",
            INVALID + "mustBeGreaterThan: 9, arguments: {validValues: [a]}",
            {"rule-stricter": SENDERS},
        ),
        (
            INVALID + "mustBeGreaterThan: 9, arguments: {validValues: [a], pattern: a}",
            INVALID + "mustBeGreaterThan: 9, arguments: {pattern: a}",
            {"rule-stricter": SENDERS},
        ),
        (
            INVALID + "mustBeGreaterThan: 9, arguments: {pattern: a}",
            INVALID + "mustBeGreaterThan: 9, arguments: {pattern: a}, severity: info",
            {"rule-looser": NOBODY},
        ),
        (
            "metric: missingValues, mustBeLessThan: 9, arguments: {missingValues: [none]}",
            "metric: missingValues, mustBeLessThan: 9, arguments: {missingValues: [none, n/a]}",
            {"rule-stricter": SENDERS},
        ),
        (
            "metric: missingValues, mustBeLessThan: 9, arguments: {missingValues: [none, n/a]}",
            "metric: missingValues, mustBeLessThan: 9, arguments: {missingValues: [none]}",
            {"rule-looser": NOBODY},
        ),
        (
            "metric: missingValues, mustBeGreaterThan: 9, arguments: {missingValues: [none, n/a]}",
            "metric: missingValues, mustBeGreaterThan: 9, arguments: {missingValues: [none]}",
            {"rule-stricter": SENDERS},
        ),
        ("metric: rowCount, mustBeBetween: [5, 9]", "metric: rowCount, mustBeBetween: [4, 9]", {"rule-looser": NOBODY}),
        ("metric: rowCount, mustBeBetween: [5, 9]", "metric: rowCount, mustBe: 7", {"rule-stricter": SENDERS}),
    ],
)  # fmt: skip
def test_of_one_metric(old, new, expected):
    assert of_rule(old, new) == expected


def test_a_rule_that_rejected_rows_and_now_counts_may_reject_the_whole_file():
    strict, counted = EMPTY + "mustBe: 0", EMPTY + "mustBeLessThan: 5"
    assert of_rule(strict, counted) == {"rule-looser": NOBODY}
    assert of_rule(strict, counted, block=ACCEPTING) == {"rule-stricter": SENDERS}


def test_values_are_compared_as_text_where_a_column_becomes_text():
    rule = "quality: [{metric: invalidValues, mustBe: 0, arguments: {validValues: [1, 2]}}]"
    old, new = (contract(f"- {{name: x, logicalType: {kind}, {rule}}}") for kind in ("integer", "string"))
    assert changes(old, new) == {"type": READERS, "rule-stricter": SENDERS}


def test_an_enumeration_is_a_rule():
    def of(*values: str) -> str:
        return f"enum: [{', '.join(f'{{value: {value}}}' for value in values)}]"

    assert of_column("", of("a")) == {"rule-added": SENDERS}
    assert of_column(of("a", "b"), of("a")) == {"rule-stricter": SENDERS}
    assert of_column(of("a"), of("a", "b")) == {"rule-looser": NOBODY}
    assert of_column(of("a"), "") == {"rule-removed": NOBODY}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "severity: error", {"rule-added": SENDERS}),
        ("", "severity: warning", {"rule-added": NOBODY}),
        ("severity: warning", "severity: error", {"severity": SENDERS}),
        ("severity: error", "severity: info", {"severity": NOBODY}),
        ("severity: error", "", {"rule-removed": NOBODY}),
    ],
)
def test_of_a_pandera_schema(old, new, expected):
    def of(severity: str) -> str:
        rule = f"quality: [{{type: custom, engine: pandera, implementation: house-rules, {severity}}}]"
        return contract(table=rule if severity else "")

    assert changes(of(old), of(new)) == expected


def amounts(unit: Unit) -> list[float]:
    return [float(count) for count in range(120)] if unit is Unit.ROWS else [each / 4 for each in range(401)]


ENDS = [(Operator.BETWEEN, (1.0, 3.0)), (Operator.NOT_BETWEEN, (1.0, 3.0)), (Operator.BETWEEN, (2.0, 99.0))]
SINGLE = [(operator, (value,)) for operator in Operator if "Between" not in operator for value in (0.0, 2.0, 2.5, 99.0)]


@pytest.mark.parametrize("unit", list(Unit))
def test_a_threshold_is_narrower_where_some_amount_holds_no_more(unit):
    """Held against trying every amount."""
    every = [Threshold(operator, values, unit) for operator, values in [*ENDS, *SINGLE]]
    for old in every:
        for new in every:
            tried = any(old.allows(amount) and not new.allows(amount) for amount in amounts(unit))
            assert narrower_threshold(old, new) == tried, (old, new)
