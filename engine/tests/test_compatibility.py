"""What is called no breach for senders is none: each row that the old contract accepts, the new one accepts as well."""

import csv
import io
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import polars as pl
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from sluice.contracts import (
    Bound,
    Contract,
    DruidTarget,
    Field,
    FieldType,
    Metric,
    MetricKind,
    Operator,
    Policy,
    PolicyMode,
    RuleLimit,
    Severity,
    Threshold,
    Unit,
    compare,
)
from sluice.contracts.formats import moment
from sluice.events import FileFormat
from sluice_engine import paths
from sluice_engine.run import Submission, judge

NUMBERS = ["0", "1", "01", " 2 ", "2.0", "2.5", "3", "-1", "4", "5", "6", "8", "9"]
TEXTS = ["", " ", "n/a", "a", "bb", "ccc", "dddd", "1a", "true", "TRUE"]
DATES = ["2024-01-01", "2024-01-02", "2024-01-03T00:00:00Z", "2024-01-02T12:00:00Z", "02.01.2024", "2024-03-02"]
CELLS = [*NUMBERS, *TEXTS, *DATES]
GOOD_ROWS = Policy(PolicyMode.ACCEPT_GOOD_ROWS)


def or_none(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), strategy)


def bounds(*values: float) -> st.SearchStrategy[Bound | None]:
    return or_none(st.builds(Bound, st.sampled_from(values), st.booleans()))


def rules(kind: FieldType) -> dict[str, st.SearchStrategy[Any]]:
    """What may be said of a column of the type, by names of Field."""
    match kind:
        case FieldType.STRING:
            of_type = {
                "min_length": or_none(st.integers(0, 3)),
                "max_length": or_none(st.integers(1, 4)),
                "pattern": or_none(st.sampled_from(["[0-9]", "^[a-z]*$"])),
            }
        case FieldType.INTEGER | FieldType.NUMBER:
            values = (0, 1, 2, 3) if kind is FieldType.INTEGER else (0, 1, 2, 2.5, 3)
            steps = or_none(st.sampled_from([1, 2, 3, 4]))
            of_type = {"minimum": bounds(*values), "maximum": bounds(*values), "multiple_of": steps}
        case FieldType.DATE | FieldType.TIMESTAMP:
            unit = "date" if kind is FieldType.DATE else "timestamp"
            ends = bounds(*(moment(day, unit) for day in ("2024-01-01", "2024-01-02", "2024-01-03")))
            own = st.sampled_from(["%d.%m.%Y", "%Y-%d-%m"]) if kind is FieldType.DATE else st.none()
            of_type = {"minimum": ends, "maximum": ends, "format": or_none(own)}
        case _:
            of_type = {}
    return {"required": st.booleans(), "unique": st.booleans(), **of_type}


def fields(kind: FieldType) -> st.SearchStrategy[Field]:
    return st.fixed_dictionaries(rules(kind)).map(lambda said: Field("x", kind, **said))


@st.composite
def columns(draw: st.DrawFn) -> tuple[Field, Field]:
    """A column before and after: one thing that is said of it is another, or all of it and its type."""
    old = draw(st.sampled_from(FieldType).flatmap(fields))
    if draw(st.integers(0, 3)) == 0:
        new = draw(st.sampled_from(FieldType).flatmap(fields))
        shared = {name: getattr(old, name) for name in rules(new.type).keys() & rules(old.type).keys() - {"format"}}
        if draw(st.booleans()) and {old.type, new.type} != {FieldType.DATE, FieldType.TIMESTAMP}:
            new = replace(new, **shared)
        return old, new
    name = draw(st.sampled_from(sorted(rules(old.type))))
    return old, replace(old, **{name: draw(rules(old.type)[name])})


def contract(field: Field, *metrics: Metric, policy: Policy = GOOD_ROWS) -> Contract:
    given_fields = (Field("at", FieldType.TIMESTAMP, required=True), Field("n", FieldType.INTEGER), field)
    return Contract("t", "1", given_fields, DruidTarget("at"), policy=policy, metrics=metrics)


def accepted(by: Contract, cells: Iterable[str]) -> set[int]:
    """Numbers of the rows that are accepted of a file with these cells in column x."""
    text = io.StringIO()
    csv.writer(text).writerows([["at", "n", "x"], *(["2024-01-01", at, cell] for at, cell in enumerate(cells))])
    with TemporaryDirectory() as folder:
        run = Path(folder)
        paths.input_file(run).write_text(text.getvalue())
        judged = judge(run, Submission(
            task_id=UUID(int=1), filename="x.csv", format=FileFormat.CSV, contract=by, max_unpacked=100_000
        ))  # fmt: skip
        parts = [pl.read_parquet(paths.part_file(run, number)) for number in range(judged.parts)]
    return {number for part in parts for number in part["n"]}


def breaks_senders(old: Contract, new: Contract) -> bool:
    return any(change.senders for change in compare(old, new).changes)


IN_JANUARY = Field("x", FieldType.DATE, maximum=Bound(moment("2024-01-31", "date")))
WHOLE = Field("x", FieldType.INTEGER)
TEXT = Field("x", FieldType.STRING)


@settings(max_examples=120)
@given(columns())
@example((IN_JANUARY, replace(IN_JANUARY, format="%Y-%d-%m")))
@example((replace(WHOLE, minimum=Bound(2)), Field("x", FieldType.NUMBER, minimum=Bound(2.5))))
def test_each_cell_that_a_column_took_it_still_takes(pair):
    old, new = map(contract, pair)
    assume(not breaks_senders(old, new))
    assert accepted(old, CELLS) <= accepted(new, CELLS)


AMOUNTS = [0, 1, 2, 3, 50]
SINGLE = [each for each in Operator if "Between" not in each]
thresholds = st.builds(
    lambda operator, low, high, unit: Threshold(operator, (low,) if operator in SINGLE else (low, low + high), unit),
    st.sampled_from(Operator), st.sampled_from(AMOUNTS), st.sampled_from([1, 2]), st.sampled_from(Unit),
)  # fmt: skip
KINDS = {
    MetricKind.INVALID_VALUES: st.sampled_from([("1", "2"), ("1", "2", "3"), ("2",)]),
    MetricKind.MISSING_VALUES: or_none(st.sampled_from([("n/a",), ("n/a", "3")])),
    MetricKind.NULL_VALUES: st.none(),
    MetricKind.DUPLICATE_VALUES: st.none(),
}


@st.composite
def metrics(draw: st.DrawFn) -> tuple[Metric, Metric]:
    """A metric before and after: its threshold, its values or its severity is another."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    old = Metric(
        kind, draw(thresholds), ("x",), values=draw(KINDS[kind]), severity=draw(st.sampled_from([*Severity] * 2))
    )
    said = {"threshold": thresholds, "values": KINDS[kind], "severity": st.sampled_from(Severity)}
    name = draw(st.sampled_from(["threshold", "threshold", "values", "severity"]))
    return old, replace(old, **{name: draw(said[name])})


most = st.sampled_from([Threshold(Operator.LESS_OR_EQUAL, (value,)) for value in (0, 1, 2)])
policies = st.one_of(
    st.just(Policy()),
    st.just(GOOD_ROWS),
    st.builds(
        lambda rejected, limit, rule: replace(
            GOOD_ROWS, most_rejected=rejected, rule_limits=(RuleLimit(rule, limit),) if limit else ()
        ),
        or_none(most), or_none(most), st.sampled_from(["type", "minimum"]),
    ),
)  # fmt: skip
few = st.lists(st.sampled_from(["", "0", "1", "2", "3", "n/a"]), min_size=1, max_size=8)


def invalid(operator: Operator, *values: str) -> Metric:
    return Metric(MetricKind.INVALID_VALUES, Threshold(operator, (0,)), ("x",), values)


@settings(max_examples=150)
@given(metrics(), policies, few, st.sampled_from([(TEXT, TEXT), (WHOLE, WHOLE), (WHOLE, TEXT)]))
@example((invalid(Operator.GREATER, "1"), invalid(Operator.GREATER, "1", "2")), Policy(), ["2"], (TEXT, TEXT))
@example((invalid(Operator.EQUAL, "1"), invalid(Operator.EQUAL, "1")), Policy(), ["01"], (WHOLE, TEXT))
def test_each_row_that_a_metric_let_pass_still_passes(pair, policy, cells, of):
    old, new = (contract(of[at], pair[at], policy=policy) for at in (0, 1))
    assume(not breaks_senders(old, new))
    assert accepted(old, cells) <= accepted(new, cells)


@settings(max_examples=80)
@given(policies, policies, few)
def test_each_row_that_a_policy_let_pass_still_passes(before, after, cells):
    column = Field("x", FieldType.INTEGER, minimum=Bound(1))
    old, new = contract(column, policy=before), contract(column, policy=after)
    assume(not breaks_senders(old, new))
    assert accepted(old, cells) <= accepted(new, cells)
