"""Quality rules of a contract: library metrics with every operator, enumerations, and installed Pandera schemas."""

from itertools import product

import pytest
from contract_builder import contract, loaded, refusals

from sluice.contracts import Custom, Metric, MetricKind, Operator, Severity, Threshold, Unit

RULE = "line 12: schema/0/properties/1/quality/0"
TABLE = "line 12: schema/0/quality/0"
COLUMN_METRICS = {
    MetricKind.NULL_VALUES: "",
    MetricKind.MISSING_VALUES: ", arguments: {missingValues: [n/a]}",
    MetricKind.INVALID_VALUES: ", arguments: {validValues: [a, b]}",
    MetricKind.DUPLICATE_VALUES: "",
}


def column(*rules: str, kind: str = "string", more: str = "") -> str:
    """A column x with these rules, all in line 12."""
    return f"- {{name: x, logicalType: {kind}{more}, quality: [{', '.join(f'{{{rule}}}' for rule in rules)}]}}"


def table(*rules: str) -> str:
    return f"quality: [{', '.join(f'{{{rule}}}' for rule in rules)}]"


def metric(*rules: str, kind: str = "string", more: str = "") -> Metric:
    (found,) = loaded(column(*rules, kind=kind, more=more)).metrics
    return found


def threshold(operator: Operator) -> tuple[str, tuple[float, ...]]:
    """As it is written, and as it is read."""
    return ("[1, 4]", (1, 4)) if "Between" in operator else ("2", (2,))


@pytest.mark.parametrize(("kind", "operator"), list(product(COLUMN_METRICS, Operator)))
@pytest.mark.parametrize("unit", list(Unit))
@pytest.mark.parametrize("severity", list(Severity))
def test_each_metric_of_a_column_takes_every_operator_unit_and_severity(kind, operator, unit, severity):
    written, values = threshold(operator)
    rule = f"metric: {kind}, {operator}: {written}, unit: {unit}, severity: {severity}{COLUMN_METRICS[kind]}"
    found = metric(rule)
    assert (found.kind, found.columns, found.severity) == (kind, ("x",), severity)
    assert found.threshold == Threshold(operator, values, unit)


@pytest.mark.parametrize("operator", list(Operator))
def test_rows_of_the_table_are_counted_with_every_operator(operator):
    written, values = threshold(operator)
    (found,) = loaded(table=table(f"type: library, metric: rowCount, {operator}: {written}")).metrics
    assert found == Metric(MetricKind.ROW_COUNT, Threshold(operator, values))


def test_columns_that_together_may_not_repeat():
    rule = "metric: duplicateValues, mustBe: 0, arguments: {properties: [x, at]}"
    (found,) = loaded("- {name: x, logicalType: string}", table=table(rule)).metrics
    assert found.columns == ("x", "at")
    assert found.strict


def test_id_description_and_words_of_a_rule_are_kept():
    found = metric(
        "id: known, metric: invalidValues, mustBe: 0, description: 'One of\\n  ours.', dimension: conformity, "
        "businessImpact: operational, schedule: 0 20 * * *, scheduler: cron, arguments: {validValues: [a, 'b', a], pattern: '^.$'}"
    )
    assert (found.id, found.description.split(), found.values, found.pattern) == (
        "known",
        ["One", "of\\n", "ours."],
        ("a", "b"),
        "^.$",
    )


@pytest.mark.parametrize(
    ("kind", "written", "values"),
    [
        ("integer", "[1, '02', +3]", ("1", "02", "+3")),
        ("number", "[1.50, 2e3]", ("1.50", "2e3")),
        ("boolean", "[true, 'FALSE']", ("true", "FALSE")),
        ("date", "[2024-01-31]", ("2024-01-31",)),
        ("string", "['', null, n/a, 007]", ("n/a", "007")),
    ],
)
def test_values_are_kept_as_they_are_written(kind, written, values):
    """An empty cell has no value, and is valid by itself."""
    assert (
        metric(f"metric: invalidValues, mustBe: 0, arguments: {{validValues: {written}}}", kind=kind).values == values
    )


def test_a_null_and_an_empty_text_are_missing_by_themselves():
    rule = "metric: missingValues, mustBeLessThan: 5, arguments: {missingValues: [null, '', N/A]}"
    assert metric(rule).values == ("N/A",)
    assert metric("metric: missingValues, mustBeLessThan: 5").values is None


@pytest.mark.parametrize(
    "rule", ["mustNotBeBetween: [0, 99]", "mustNotBeBetween: [1, 100]", "mustNotBeBetween: [-5, 3]"]
)
def test_a_gap_leaves_room_below_or_above(rule):
    unit = "" if "-5" in rule else ", unit: percent"
    assert metric(f"metric: nullValues, {rule}{unit}").threshold.operator is Operator.NOT_BETWEEN


@pytest.mark.parametrize(
    ("rule", "strict"),
    [
        ("mustBe: 0", True),
        ("mustBeLessOrEqualTo: 0", True),
        ("mustBeLessThan: 1", True),
        ("mustBeLessThan: 1, unit: percent", False),
        ("mustBe: 0, unit: percent", True),
        ("mustBe: 0, severity: warning", False),
        ("mustBe: 1", False),
    ],
)
def test_a_rule_that_tolerates_none_blames_its_rows(rule, strict):
    assert metric(f"metric: nullValues, {rule}").strict is strict


def test_an_enumeration_tolerates_no_other_value():
    found = metric(kind="integer", more=", enum: [{value: 1, label: One}, {value: 2}, {value: null}]")
    assert found == Metric(MetricKind.INVALID_VALUES, Threshold(Operator.EQUAL, (0,)), ("x",), ("1", "2"), id="enum")


def test_a_rule_without_values_means_those_of_the_enumeration():
    rule = "metric: invalidValues, mustBeLessThan: 1, unit: percent"
    enum, counted = loaded(column(rule, more=", enum: [{value: a}, {value: b}]")).metrics
    assert counted.values == enum.values == ("a", "b")
    assert not counted.strict


def test_prose_is_left_aside():
    assert loaded(column("type: text, description: Verified by hand.")).metrics == ()


def test_pandera_schemas_are_named_by_their_entry_points():
    rule = "type: custom, engine: pandera, implementation: house-rules, severity: warning, description: House rules"
    assert loaded(table=table(rule)).customs == (Custom("house-rules", Severity.WARNING, "House rules"),)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("type: sql, query: SELECT 1, mustBe: 0", ": type sql cannot be honoured"),
        ("type: custom, engine: soda, implementation: checks", "/engine: only the engine pandera can be honoured"),
        ("type: custom, engine: pandera, implementation: house", ": a Pandera schema judges the table"),
        ("type: custom, engine: pandera, implementation: a, metric: nullValues, mustBe: 0", "/metric: a metric is a rule"),
        ("type: text, metric: nullValues, mustBe: 0", "/type: a text is prose that nobody judges"),
        ("metric: nullValues, mustBe: 0, rule: nullCheck", "/rule: the old word for metric"),
        ("type: library, rule: between, mustBe: 0", ": not as the Open Data Contract Standard has it: metric is missing"),
        ("description: never empty", ": a metric is missing; possible are nullValues"),
        ("metric: distinctValues, mustBe: 0", "/metric: not as the Open Data Contract Standard has it: must be one of null"),
        ("metric: rowCount, mustBe: 5", ": rowCount is of the table"),
        ("metric: nullValues", ": not as the Open Data Contract Standard has it: a rule has exactly one of mustBe"),
        ("metric: nullValues, mustBe: 0, mustNotBe: 5", ": not as the Open Data Contract Standard has it: a rule has"),
        ("metric: nullValues, mustBe: none", "/mustBe: must be a number"),
        ("metric: nullValues, mustBe: '0'", "/mustBe: must be a number"),
        ("metric: nullValues, mustBe: true", "/mustBe: must be a number"),
        ("metric: nullValues, mustBe: [1]", "/mustBe: must be a number"),
        ("metric: nullValues, mustBe: 0.5", "/mustBe: no number of rows could ever be so"),
        ("metric: nullValues, mustBe: -1", "/mustBe: no number of rows could ever be so"),
        ("metric: nullValues, mustBeLessThan: 0", "/mustBeLessThan: no number of rows could ever be so"),
        ("metric: nullValues, mustBeGreaterThan: 100, unit: percent", "/mustBeGreaterThan: no number of percent"),
        ("metric: nullValues, mustNotBeBetween: [0, 100], unit: percent", "/mustNotBeBetween: no number of percent"),
        ("metric: nullValues, mustNotBeBetween: [9, 1]", "/mustNotBeBetween: no number of rows"),
        ("metric: nullValues, mustBeBetween: [5, 1]", "/mustBeBetween: no number of rows"),
        ("metric: nullValues, mustBeBetween: [5]", "/mustBeBetween: not as the Open Data Contract Standard has it"),
        ("metric: nullValues, mustBeLessThan: '5'", "/mustBeLessThan: not as the Open Data Contract Standard has it"),
        ("metric: nullValues, mustBe: 0, unit: cells", "/unit: must be rows or percent"),
        ("metric: nullValues, mustBe: 0, severity: fatal", "/severity: must be one of error, warning, info"),
        ("metric: nullValues, mustBe: 0, dimension: nice", "/dimension: not as the Open Data Contract Standard has it"),
        ("metric: nullValues, mustBe: 0, arguments: {pattern: a}", "/arguments/pattern: no argument of nullValues"),
        ("metric: invalidValues, mustBe: 0", "/arguments: validValues or a pattern is needed"),
        ("metric: invalidValues, mustBe: 0, arguments: {validValues: a}", "/arguments/validValues: must be a list"),
        ("metric: invalidValues, mustBe: 0, arguments: {validValues: []}", "/arguments/validValues: must be a list"),
        ("metric: invalidValues, mustBe: 0, arguments: {validValues: [null]}", "/arguments/validValues: holds no value"),
        ("metric: invalidValues, mustBe: 0, arguments: {validValues: [[a]]}", "/arguments/validValues/0: must be a single"),
        ("metric: invalidValues, mustBe: 0, arguments: {pattern: '(?!a)'}", "/arguments/pattern: look-around"),
        ("metric: duplicateValues, mustBe: 0, arguments: {properties: [at]}", "/arguments/properties: here the column"),
    ],
)  # fmt: skip
def test_rules_of_a_column_that_cannot_be_honoured_are_refused_in_their_line(rule, expected):
    assert refusals(contract(column(rule)))[0].startswith(RULE + expected)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            "type: custom, engine: pandera, implementation: 'import os'",
            "/implementation: must be the name of an installed",
        ),
        (
            "type: custom, engine: pandera, implementation: {checks: []}",
            "/implementation: must be the name of an installed",
        ),
        ("type: custom, engine: greatExpectations, implementation: a", "/engine: only the engine pandera"),
        ("type: custom, engine: pandera", ": not as the Open Data Contract Standard has it: implementation is missing"),
        ("metric: nullValues, mustBe: 0", ": nullValues counts the cells of a column"),
        ("metric: rowCount, mustBe: 5, unit: percent", "/unit: all rows are always 100 percent"),
        ("metric: duplicateValues, mustBe: 0", "/arguments/properties: must list the columns"),
        (
            "metric: duplicateValues, mustBe: 0, arguments: {properties: [y]}",
            "/arguments/properties/0: must name a property",
        ),
        (
            "metric: duplicateValues, mustBe: 0, arguments: {properties: [at, at]}",
            "/arguments/properties/1: must name a",
        ),
    ],
)
def test_rules_of_the_table_that_cannot_be_honoured_are_refused_in_their_line(rule, expected):
    assert refusals(contract(table=table(rule)))[0].startswith(TABLE + expected)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("integer", "1.5"), ("integer", "one"), ("number", "1,5"), ("boolean", "yes"), ("date", "31.01.2024")],
)
def test_a_value_that_the_column_could_never_hold_is_refused(kind, value):
    expected = f"no {kind}, as the column is: it could never stand in it"
    rule = f"metric: invalidValues, mustBe: 0, arguments: {{validValues: ['{value}']}}"
    assert refusals(contract(column(rule, kind=kind))) == [f"{RULE}/arguments/validValues/0: {expected}"]
    enum = contract(f"- {{name: x, logicalType: {kind}, enum: [{{value: '{value}'}}]}}")
    assert refusals(enum) == [f"line 12: schema/0/properties/1/enum/0/value: {expected}"]


def test_two_rules_of_one_kind_need_ids():
    rules = ("metric: nullValues, mustBeLessThan: 5, severity: warning", "metric: nullValues, mustBeLessThan: 9")
    said = "nullValues without an id stands in line 12 already; give each rule an id of its own"
    assert refusals(contract(column(*rules))) == [f"line 12: schema/0/properties/1/quality/1: {said}"]
    assert len(loaded(column(rules[0] + ", id: soon", rules[1])).metrics) == 2
    enum = column("id: enum, metric: invalidValues, mustBeLessThan: 5", more=", enum: [{value: a}]")
    assert "invalidValues with the id enum stands in line 12 already" in refusals(contract(enum))[0]


def test_a_pandera_schema_is_named_once():
    rule = "type: custom, engine: pandera, implementation: house-rules"
    assert refusals(contract(table=table(rule, rule))) == [
        "line 12: schema/0/quality: the Pandera schema house-rules stands twice; keep one of them"
    ]
