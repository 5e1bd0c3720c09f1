"""The fused rules against Pandera: the same set of (row, column, rule), whatever contract and table."""

import datetime as dt
import re

import polars as pl
import pytest
from hypothesis import given, settings
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
    StringFormat,
    Threshold,
)
from sluice_engine.judging.patterns import FORMATS
from sluice_engine.judging.rules import RAW, raw_columns, rules_of
from sluice_engine.judging.schema import Schema
from sluice_engine.parsing.plain import TYPES

ZERO = Threshold(Operator.EQUAL, (0,))
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
TEXTS = ["", "a", "ab", "äöü", "x-1", "n/a", "b@c.de", "10.0.0.1", "::1", "123e4567-e89b-12d3-a456-426614174000", "a.b"]

integers = st.integers(-20, 20) | st.sampled_from([2**63 - 1, -(2**63)])
numbers = st.integers(-200, 200).map(lambda n: n / 10) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = {
    FieldType.STRING: st.sampled_from(TEXTS),
    FieldType.INTEGER: integers,
    FieldType.NUMBER: numbers,
    FieldType.BOOLEAN: st.booleans(),
    FieldType.TIMESTAMP: st.integers(-5, 5).map(lambda n: EPOCH + dt.timedelta(seconds=n)),
    FieldType.DATE: st.integers(-5, 5).map(lambda n: dt.date(1970, 1, 1) + dt.timedelta(days=n)),
}


def bounds(kind):
    values = {
        FieldType.INTEGER: integers,
        FieldType.NUMBER: st.integers(-100, 100).map(lambda n: n / 10),
        FieldType.TIMESTAMP: st.integers(-5, 5).map(lambda n: n * 1_000_000),
        FieldType.DATE: st.integers(-5, 5),
    }
    return st.none() | st.builds(Bound, values[kind], st.booleans()) if kind in values else st.none()


@st.composite
def fields(draw, name):
    kind = draw(st.sampled_from(list(FieldType)))
    text = kind is FieldType.STRING
    stepped = kind in {FieldType.INTEGER, FieldType.NUMBER}
    return Field(
        name,
        kind,
        required=draw(st.booleans()),
        minimum=draw(bounds(kind)),
        maximum=draw(bounds(kind)),
        multiple_of=draw(st.sampled_from([None, 0.1, 0.25, 3.0, 1.5])) if stepped else None,
        min_length=draw(st.none() | st.integers(0, 3)) if text else None,
        max_length=draw(st.none() | st.integers(0, 5)) if text else None,
        pattern=draw(st.sampled_from([None, r"\d", "^a", "b$"])) if text else None,
        string_format=draw(st.none() | st.sampled_from(StringFormat)) if text else None,
    )


@st.composite
def metrics(draw, field):
    kinds = [MetricKind.NULL_VALUES, MetricKind.MISSING_VALUES]
    kind = draw(st.sampled_from([*kinds, MetricKind.INVALID_VALUES] if field.type is FieldType.STRING else kinds))
    words = tuple(draw(st.lists(st.sampled_from(TEXTS[1:]), min_size=1, max_size=3)))
    values = words if kind is MetricKind.INVALID_VALUES or field.type is FieldType.STRING else None
    return Metric(kind, ZERO, (field.name,), values if kind is not MetricKind.NULL_VALUES else None)


@st.composite
def cases(draw):
    columns = [draw(fields(name)) for name in ("a", "b")]
    found = draw(st.lists(st.sampled_from(columns).flatmap(metrics), max_size=1))
    key = draw(st.sampled_from([(), ("a",), ("a", "b")]))
    contract = Contract("t", "1", tuple(columns), DruidTarget("a"), metrics=tuple(found), primary_key=key)
    height = draw(st.integers(1, 8))
    frame = pl.DataFrame(
        [
            pl.Series(
                each.name,
                draw(st.lists(st.none() | VALUES[each.type], min_size=height, max_size=height)),
                dtype=TYPES[each.type],
            )
            for each in columns
        ]
    )
    return contract, frame


def fused(contract, frame):
    whole = frame.with_columns(pl.col(name).cast(pl.String).alias(RAW + name) for name in raw_columns(contract))
    return {
        (row, rule.column, rule.id)
        for rule in rules_of(contract)
        for row in whole.select(rule.broken.fill_null(value=False).alias("x") & pl.repeat(True, pl.len()))  # noqa: FBT003
        .to_series()
        .arg_true()
    }


@settings(max_examples=200)
@given(cases())
def test_both_name_the_same_rows_columns_and_rules(case):
    contract, frame = case
    oracle = {
        (row, breach.column, breach.rule)
        for breach in Schema(contract).judge(frame)
        for row in breach.broken.arg_true()
    }
    assert fused(contract, frame) == oracle


@pytest.mark.parametrize("step", [0.1, 0.01, 0.05, 0.3, 2.5, 1e-6])
def test_a_decimal_step_fails_for_no_binary_fraction(step):
    field = Field("x", FieldType.NUMBER, multiple_of=step)
    contract = Contract("t", "1", (field,), DruidTarget("x"))
    whole = [round(n * step, 9) for n in range(-1000, 100_000, 7)]
    off = [value + step / 3 for value in whole[:1000]]
    frame = pl.DataFrame({"x": whole + off})
    assert {row for row, _, _ in fused(contract, frame)} == set(range(len(whole), len(whole) + len(off)))


GOOD = {
    StringFormat.EMAIL: ["a@b.de", "first.last+tag@mail.example.org"],
    StringFormat.URI: ["https://example.org/a?b=c#d", "urn:isbn:1", "mailto:a@b.de"],
    StringFormat.UUID: ["123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000"],
    StringFormat.IPV4: ["0.0.0.0", "255.255.255.255", "192.0.2.1"],  # noqa: S104 - a value
    StringFormat.IPV6: ["::", "::1", "1::", "2001:db8::1", "1:2:3:4:5:6:7:8", "::ffff:192.0.2.1", "1:2:3:4:5:6:7::"],
    StringFormat.HOSTNAME: ["localhost", "www.example.org", "xn--bcher-kva.example", "1and1.de"],
}
BAD = {
    StringFormat.EMAIL: ["a", "a@b", "@b.de", "a@b.de ", "a b@c.de", "a@-b.de", "a@b..de"],
    StringFormat.URI: ["example.org", "//x", "http:", "http://a b", "1http://x"],
    StringFormat.UUID: ["123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400g"],
    StringFormat.IPV4: ["256.1.1.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4\n"],
    StringFormat.IPV6: ["1:2:3:4:5:6:7", ":::", "1::2::3", "12345::", "1:2:3:4:5:6:7:8:9", "g::"],
    StringFormat.HOSTNAME: ["-a.de", "a_b.de", "a..de", "a" * 64 + ".de", ""],
}


@pytest.mark.parametrize("kind", StringFormat)
def test_formats_take_what_is_one_and_refuse_what_is_not(kind):
    texts = pl.Series([*GOOD[kind], *BAD[kind]])
    taken = texts.str.contains(FORMATS[kind])
    assert texts.filter(taken).to_list() == GOOD[kind]
    # the same in the other engine of regular expressions, which is the oracle's; there `$` stands before a last newline, too
    python = [re.search(FORMATS[kind], text.rstrip("\n") + "!" * text.endswith("\n")) is not None for text in texts]
    assert taken.to_list() == python
