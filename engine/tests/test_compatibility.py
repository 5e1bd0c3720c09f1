"""What is called no breach for senders is none: each row that the old contract accepts, the new one accepts as well."""

import csv
import io
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
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

CELLS = ["", " ", "n/a", "a", "bb", "ccc", "0", "1", "01", " 2 ", "2", "2.0", "2.5", "3", "-1", "4", "true", "TRUE"]
DATES = ["2024-01-01", "2024-01-02", "2024-01-03T00:00:00Z", "2024-01-02T12:00:00Z", "02.01.2024", "2024-02-01"]

maybe = st.booleans
numbers = st.sampled_from([0, 1, 2, 3, 2.5])
amounts = st.sampled_from([0, 1, 2, 3, 50])


def or_none(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.one_of(st.none(), strategy)


def bounds(kind: FieldType) -> st.SearchStrategy[Bound]:
    if kind in {FieldType.DATE, FieldType.TIMESTAMP}:
        unit = "date" if kind is FieldType.DATE else "timestamp"
        values = st.sampled_from([moment(day, unit) for day in ("2024-01-01", "2024-01-02")])
    else:
        values = numbers
    return st.builds(Bound, values, maybe())


def fields(kind: FieldType) -> st.SearchStrategy[Field]:
    text, ranged = kind is FieldType.STRING, kind not in {FieldType.STRING, FieldType.BOOLEAN}
    of_day = st.sampled_from(["%d.%m.%Y", "%Y-%d-%m"])
    return st.builds(
        Field,
        st.just("x"),
        st.just(kind),
        required=maybe(),
        unique=maybe(),
        minimum=or_none(bounds(kind)) if ranged else st.none(),
        maximum=or_none(bounds(kind)) if ranged else st.none(),
        multiple_of=or_none(st.sampled_from([1, 2])) if kind in {FieldType.INTEGER, FieldType.NUMBER} else st.none(),
        min_length=or_none(st.sampled_from([0, 1, 2])) if text else st.none(),
        max_length=or_none(st.sampled_from([1, 2, 3])) if text else st.none(),
        pattern=or_none(st.sampled_from(["[0-9]", "^[a-z]*$"])) if text else st.none(),
        format=or_none(of_day) if kind is FieldType.DATE else st.none(),
        aliases=st.sampled_from([(), ("ex",)]),
    )


thresholds = st.one_of(
    st.builds(
        lambda operator, value, unit: Threshold(operator, (value,), unit),
        st.sampled_from([each for each in Operator if "Between" not in each]),
        amounts,
        st.sampled_from(Unit),
    ),
    st.builds(
        lambda operator, unit: Threshold(operator, (1, 3), unit),
        st.sampled_from([Operator.BETWEEN, Operator.NOT_BETWEEN]),
        st.sampled_from(Unit),
    ),
)
VALUES = {
    MetricKind.INVALID_VALUES: or_none(st.sampled_from([("1", "2"), ("1", "2", "3"), ("2",)])),
    MetricKind.MISSING_VALUES: or_none(st.sampled_from([("n/a",), ("n/a", "0")])),
}


def metrics(kind: MetricKind, field: Field) -> st.SearchStrategy[Metric]:
    fit = field.type in {FieldType.INTEGER, FieldType.NUMBER, FieldType.STRING}
    return st.builds(
        Metric,
        st.just(kind),
        thresholds.filter(lambda each: kind is not MetricKind.ROW_COUNT or each.unit is Unit.ROWS),
        st.just(() if kind is MetricKind.ROW_COUNT else ("x",)),
        values=VALUES.get(kind, st.none()) if fit else st.none(),
        severity=st.sampled_from(Severity),
    )


limits = st.sampled_from([Threshold(Operator.LESS_OR_EQUAL, (value,)) for value in (0, 1, 3)])
policies = st.one_of(
    st.just(Policy()),
    st.builds(
        Policy,
        st.just(PolicyMode.ACCEPT_GOOD_ROWS),
        or_none(limits),
        st.one_of(
            st.just(()), st.builds(lambda rule, most: (RuleLimit(rule, most),), st.sampled_from(["type", "required"]), limits)
        ),
    ),
)  # fmt: skip


@st.composite
def contracts(draw: st.DrawFn, kind: FieldType) -> Contract:
    at, number = Field("at", FieldType.TIMESTAMP, required=True), Field("n", FieldType.INTEGER)
    x = draw(fields(kind))
    rules = draw(st.lists(st.sampled_from(MetricKind), max_size=2, unique=True))
    return Contract(
        "t",
        "1",
        (at, number, x),
        DruidTarget("at"),
        policy=draw(policies),
        metrics=tuple(draw(metrics(rule, x)) for rule in rules),
    )


@st.composite
def versions(draw: st.DrawFn) -> tuple[Contract, Contract]:
    """Two contracts, of which the new one differs here and there, as versions do."""
    kinds = st.sampled_from(FieldType)
    kind = draw(kinds)
    old = draw(contracts(kind))
    other = draw(contracts(draw(st.one_of(st.just(kind), kinds))))
    field = other.fields[2]
    if field.type is kind:
        changed = [name for name in Field.__dataclass_fields__ if draw(st.integers(0, 3)) == 0]
        field = replace(old.fields[2], **{name: getattr(field, name) for name in changed})
    return old, replace(
        other,
        fields=(*old.fields[:2], field),
        policy=draw(st.sampled_from([old.policy, other.policy])),
        metrics=other.metrics if field.type is not kind else draw(st.sampled_from([old.metrics, other.metrics])),
    )


def accepted(contract: Contract, cells: list[str]) -> set[int]:
    """Numbers of the rows that are accepted of a file with these cells in column x."""
    text = io.StringIO()
    csv.writer(text).writerows([["at", "n", "x"], *(["2024-01-01", at, cell] for at, cell in enumerate(cells))])
    with TemporaryDirectory() as folder:
        paths.input_file(Path(folder)).write_text(text.getvalue())
        judged = judge(Path(folder), Submission(
            task_id=UUID(int=1), filename="x.csv", format=FileFormat.CSV, contract=contract, max_unpacked=100_000
        ))  # fmt: skip
        parts = [pl.read_parquet(paths.part_file(Path(folder), number)) for number in range(judged.parts)]
        return {number for part in parts for number in part["n"]}


def strict(kind: MetricKind, *values: str) -> Metric:
    return Metric(kind, Threshold(Operator.EQUAL, (0,)), ("x",), values or None)


def version(field: Field, *metrics: Metric, policy: Policy | None = None) -> Contract:
    fields = (Field("at", FieldType.TIMESTAMP, required=True), Field("n", FieldType.INTEGER), field)
    return Contract("t", "1", fields, DruidTarget("at"), policy=policy or Policy(), metrics=metrics)


GOOD_ROWS = Policy(PolicyMode.ACCEPT_GOOD_ROWS)
X = Field("x", FieldType.INTEGER)


@settings(max_examples=150, deadline=None)
@given(versions(), st.lists(st.sampled_from([*CELLS, *DATES]), min_size=1, max_size=6))
@example((version(replace(X, minimum=Bound(1))), version(replace(X, minimum=Bound(0), type=FieldType.NUMBER))), ["1"])
@example(
    (
        version(X, strict(MetricKind.INVALID_VALUES, "1", "2")),
        version(replace(X, type=FieldType.STRING), strict(MetricKind.INVALID_VALUES, "1", "2")),
    ),
    ["01"],
)
@example(
    (
        version(X, strict(MetricKind.NULL_VALUES), policy=GOOD_ROWS),
        version(X, Metric(MetricKind.NULL_VALUES, Threshold(Operator.LESS, (2,)), ("x",)), policy=GOOD_ROWS),
    ),
    ["1", "", "", ""],
)
def test_what_the_old_contract_accepts_the_new_one_accepts(pair, cells):
    old, new = pair
    assume(not any(change.senders for change in compare(old, new).changes))
    assert accepted(old, cells) <= accepted(new, cells)
