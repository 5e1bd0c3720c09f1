"""Our own block of a contract, its JSON Schema, and every combination that could never work."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from contract_builder import contract, loaded, refusals
from jsonschema import Draft202012Validator

from sluice.contracts import (
    Aggregator,
    AggregatorType,
    Dialect,
    DruidMode,
    DruidTarget,
    ExtraColumns,
    Granularity,
    Operator,
    Partitions,
    PartitionsType,
    Policy,
    PolicyMode,
    QueryGranularity,
    Rollup,
    RuleLimit,
    Threshold,
    Unit,
    load_contract,
)
from sluice.contracts.schema import SCHEMA_FILE, block_schema

CONTRACTS = Path(__file__).parents[3] / "contracts"
X = "- {name: x, logicalType: string}"
PANDERA = "quality: [{type: custom, engine: pandera, implementation: house-rules}]"
VALUE = "customProperties/0/value"


def test_what_is_not_said_has_a_default():
    plain = loaded()
    assert plain.druid == DruidTarget("at", Granularity.DAY)
    assert plain.dialect == Dialect()
    assert plain.policy == Policy()


def test_every_setting_of_the_dialect_is_read():
    said = """
        dialect:
          encoding: windows-1252
          delimiter: ";"
          quote: "'"
          decimal: ","
          nullWords: [n/a, " - ", ""]
          trueWords: [ja]
          falseWords: [nein]
          sheet: Sales
          headerRow: 3
          skipAfterHeader: 1
          footerRows: 2
    """
    assert loaded(block=said).dialect == Dialect(
        delimiter=";",
        quote="'",
        encoding="windows-1252",
        decimal=",",
        null_words=("", "n/a", "-"),
        true_words=("ja",),
        false_words=("nein",),
        sheet="Sales",
        header_row=3,
        skip_after_header=1,
        footer_rows=2,
    )


def test_aliases_are_of_their_columns():
    assert loaded(X, block="columns: {x: {aliases: [ex, ' Iks ']}}").field("x").aliases == ("ex", "Iks")


def test_a_policy_is_a_mode_or_an_object():
    assert loaded(block="policy: accept-good-rows").policy == Policy(PolicyMode.ACCEPT_GOOD_ROWS)
    said = """
        policy:
          mode: accept-good-rows
          maxRejected: {percent: 2.5}
          rules:
            - {rule: maximum, column: x, max: {rows: 10}}
            - {rule: "custom:house-rules", max: {percent: 1}}
            - {rule: stray-quote, max: {rows: 0}}
          extraColumns: keep
    """

    def most(amount: float, unit: Unit) -> Threshold:
        return Threshold(Operator.LESS_OR_EQUAL, (amount,), unit)

    assert loaded(X, block=said, table=PANDERA).policy == Policy(
        PolicyMode.ACCEPT_GOOD_ROWS,
        most(2.5, Unit.PERCENT),
        (
            RuleLimit("maximum", most(10, Unit.ROWS), "x"),
            RuleLimit("custom:house-rules", most(1, Unit.PERCENT)),
            RuleLimit("stray-quote", most(0, Unit.ROWS)),
        ),
        ExtraColumns.KEEP,
    )


@pytest.mark.parametrize("granularity", list(Granularity))
def test_segments_of_each_span(granularity):
    text = contract().replace("timeColumn: at", f"timeColumn: at\n        segmentGranularity: {granularity}")
    assert load_contract(text).druid == DruidTarget("at", granularity)


def test_a_file_may_have_its_time_in_druid():
    text = contract().replace("timeColumn: at", "timeColumn: at\n        timeLimitMinutes: 90")
    assert load_contract(text).druid == DruidTarget("at", time_limit_minutes=90)
    (told,) = refusals(text.replace("90", "0"))
    assert "druid/timeLimitMinutes: input should be greater than or equal to 1" in told


NUMBERS = "- {name: n, logicalType: integer}\n- {name: x, logicalType: number}\n- {name: s, logicalType: string}"


def in_druid(settings: str) -> str:
    """A contract with two numbers and a text, and more settings of druid."""
    return contract(NUMBERS).replace("timeColumn: at", f"timeColumn: at\n        {settings}")


def test_rows_are_rolled_up_and_laid_out_as_is_said():
    metrics = "[{name: most, type: longMax, column: n}, {name: sum, type: doubleSum, column: x}]"
    plain = load_contract(in_druid(f"rollup: {{queryGranularity: hour, metrics: {metrics}}}"))
    aggregators = (
        Aggregator("most", AggregatorType.LONG_MAX, "n"),
        Aggregator("sum", AggregatorType.DOUBLE_SUM, "x"),
    )
    assert plain.druid == DruidTarget("at", rollup=Rollup(QueryGranularity.HOUR, aggregators))
    assert [each.name for each in plain.dimensions] == ["s"]
    assert load_contract(in_druid("rollup: {}")).druid.rollup == Rollup()
    laid_out = "partitions: {type: hashed, columns: [s, n], shards: 4}"
    hashed = load_contract(in_druid(f"mode: replace\n        {laid_out}"))
    assert hashed.druid.mode is DruidMode.REPLACE
    assert hashed.druid.partitions == Partitions(PartitionsType.HASHED, ("s", "n"), shards=4)
    in_order = "partitions: {type: range, columns: [s], targetRows: 1000}"
    ranged = load_contract(in_druid(f"mode: replace-all\n        {in_order}"))
    assert ranged.druid.partitions == Partitions(PartitionsType.RANGE, ("s",), target_rows=1000)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("rollup: {queryGranularity: week}", "rollup/queryGranularity: a week does not lie within one day"),
        ("rollup: {queryGranularity: decade}", "rollup/queryGranularity: input should be"),
        ("rollup: {metrics: [{name: c, type: count, column: n}]}", "rollup/metrics/0/type: input should be"),
        (
            "rollup: {metrics: [{name: c, type: longSum, column: x}]}",
            "metrics/0/column: longSum would cut fractions off; use doubleSum",
        ),
        (
            "rollup: {metrics: [{name: c, type: longSum, column: s}]}",
            "metrics/0/column: a metric is of an integer or number",
        ),
        (
            "rollup: {metrics: [{name: c, type: longSum, column: at}]}",
            "metrics/0/column: a metric is of an integer or number",
        ),
        ("rollup: {metrics: [{name: c, type: longSum, column: z}]}", "metrics/0/column: the schema has no property"),
        (
            "rollup: {metrics: [{name: n, type: longSum, column: n}]}",
            "metrics/0/name: n is a column; call the metric otherwise",
        ),
        ("rollup: {metrics: [{name: __rows, type: longSum, column: n}]}", "metrics/0/name: names that begin with __"),
        ("rollup: {metrics: [{name: ' c', type: longSum, column: n}]}", "metrics/0/name: a name has 1 to 255"),
        ("partitions: {type: sorted}", "partitions/type: input should be"),
        ("partitions: {type: range, columns: [s]}", "partitions/type: range partitions cannot be appended to"),
        ("partitions: {type: range}", "partitions/columns: range partitions are in the order of columns; name one"),
        (
            "partitions: {type: range, columns: [s], shards: 2}",
            "partitions/shards: range partitions are as many as the",
        ),
        ("partitions: {type: range, columns: [s, n]}", "partitions/columns/1: Druid orders n, a number, as if it were"),
        ("partitions: {type: range, columns: [at]}", "partitions/columns/0: at is no dimension"),
        ("partitions: {type: range, columns: [s, s]}", "partitions/columns/1: stands twice"),
        ("partitions: {type: hashed}", "partitions/type: hashed partitions cannot be appended to"),
        ("partitions: {shards: 2}", "partitions: dynamic partitions take rows as they come"),
        ("partitions: {type: hashed, columns: [z]}", "partitions/columns/0: the schema has no property"),
        ("partitions: {type: hashed, columns: [at]}", "partitions/columns/0: at is no dimension"),
        ("partitions: {type: hashed, columns: [s, s]}", "partitions/columns/0: stands twice"),
        ("partitions: {type: hashed, shards: 2, targetRows: 1000}", "partitions/shards: stands instead of targetRows"),
        ("partitions: {type: hashed, targetRows: 10}", "partitions/targetRows: input should be greater"),
    ],
)
def test_what_druid_could_not_keep_is_refused(settings, expected):
    told = refusals(in_druid(settings))
    assert any(f"{VALUE}/druid/" in each and expected in each for each in told), told


def test_a_name_stands_for_one_metric_and_a_column_of_metrics_is_no_dimension():
    twice = "rollup: {metrics: [{name: c, type: longSum, column: n}, {name: c, type: longMax, column: n}]}"
    assert [each.split(": ", 2)[2] for each in refusals(in_druid(twice))] == [
        "two metrics have the same name; rename one of them"
    ] * 2
    kept = "rollup: {metrics: [{name: c, type: longSum, column: n}]}\n        mode: replace"
    (told,) = refusals(in_druid(f"{kept}\n        partitions: {{type: hashed, columns: [n]}}"))
    assert "n is no dimension of Druid: it is the time, or kept in metrics" in told


@pytest.mark.parametrize(
    ("fine", "coarse", "within"),
    [
        ("hour", "day", True),
        ("day", "day", True),
        ("none", "hour", True),
        ("day", "hour", False),
        ("week", "month", False),
        ("week", "year", False),
        ("week", "week", True),
        ("day", "week", True),
        ("month", "year", True),
    ],
)
def test_a_span_lies_within_another(fine, coarse, within):
    assert QueryGranularity(fine).within(Granularity(coarse)) is within


def test_an_alias_means_one_column():
    (told,) = refusals(contract(X, block="columns: {x: {aliases: [Day, d]}, at: {aliases: [day]}}"))
    assert (
        told == f"line 18: {VALUE}/columns/at/aliases/0: 'day' means the column x already; a name must mean one column"
    )


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("surprise: 1", f"line 18: {VALUE}/surprise: no such setting"),
        ("dialect: {delimeter: ';'}", f"line 18: {VALUE}/dialect/delimeter: no such setting"),
        ("dialect: {delimiter: ab}", f"line 18: {VALUE}/dialect/delimiter: must be one sign"),
        ("dialect: {delimiter: x}", f"line 18: {VALUE}/dialect/delimiter: must be one sign"),
        ("dialect: {quote: ','}", f"line 18: {VALUE}/dialect/quote: the same as the delimiter"),
        ("dialect: {decimal: ','}", f"line 18: {VALUE}/dialect/decimal: the same as the delimiter; set delimiter: ';'"),
        ("dialect: {delimiter: '.'}", f"line 18: {VALUE}/dialect/decimal: the same as the delimiter; set decimal: ','"),
        ("dialect: {quote: '.'}", f"line 18: {VALUE}/dialect/quote: the same as the decimal mark"),
        ("dialect: {encoding: latin-99}", f"line 18: {VALUE}/dialect/encoding: 'latin-99' is no encoding of text"),
        ("dialect: {encoding: idna}", f"line 18: {VALUE}/dialect/encoding: 'idna' is no encoding of text"),
        ("dialect: {encoding: unicode_escape}", f"line 18: {VALUE}/dialect/encoding: 'unicode_escape' is no encoding"),
        ("dialect: {encoding: base64}", f"line 18: {VALUE}/dialect/encoding: 'base64' is no encoding of text"),
        ("dialect: {headerRow: 0}", f"line 18: {VALUE}/dialect/headerRow: input should be greater than"),
        ("dialect: {headerRow: true}", f"line 18: {VALUE}/dialect/headerRow: input should be a valid integer"),
        ("dialect: {sheet: 'a/b'}", f"line 18: {VALUE}/dialect/sheet: string should match"),
        ("dialect: {nullWords: [1]}", f"line 18: {VALUE}/dialect/nullWords/0: must be text; put it in quotes"),
        ("dialect: {nullWords: ['TRUE']}", f"line 18: {VALUE}/dialect/nullWords/0: 'TRUE' stands for true or false"),
        ("dialect: {trueWords: []}", f"line 18: {VALUE}/dialect/trueWords: "),
        ("dialect: {trueWords: ['']}", f"line 18: {VALUE}/dialect/trueWords: an empty cell is nothing"),
        ("dialect: {falseWords: ['True']}", f"line 18: {VALUE}/dialect/falseWords: 'true' stands for true as well"),
        ("columns: {y: {aliases: [z]}}", f"line 18: {VALUE}/columns/y: the schema has no property of that name"),
        ("columns: {x: {aliases: ['']}}", f"line 18: {VALUE}/columns/x/aliases/0: a name that can be seen"),
        ("columns: {x: {aliases: [AT]}}", f"line 18: {VALUE}/columns/x/aliases/0: 'AT' means the column at already"),
        ("columns: {x: {aliases: [x]}}", f"line 18: {VALUE}/columns/x/aliases/0: 'x' means the column x already"),
        ("policy: accept-some", f"line 18: {VALUE}/policy: input should be 'all-or-nothing'"),
        ("policy: {mode: some}", f"line 18: {VALUE}/policy/mode: input should be 'all-or-nothing'"),
        ("policy: {extraColumns: maybe}", f"line 18: {VALUE}/policy/extraColumns: input should be 'refuse'"),
        ("policy: {maxRejected: {rows: 5}}", f"line 18: {VALUE}/policy: limits belong to mode accept-good-rows"),
        (
            "policy: {mode: accept-good-rows, maxRejected: {rows: 5, percent: 5}}",
            f"line 18: {VALUE}/policy/maxRejected: either rows or percent is needed",
        ),
        (
            "policy: {mode: accept-good-rows, maxRejected: {percent: 101}}",
            f"line 18: {VALUE}/policy/maxRejected/percent: input should be less than",
        ),
        (
            "policy: {mode: accept-good-rows, rules: [{rule: nonsense, max: {rows: 5}}]}",
            f"line 18: {VALUE}/policy/rules/0/rule: no such rule; possible are required, type",
        ),
        (
            "policy: {mode: accept-good-rows, rules: [{rule: 'custom:other', max: {rows: 5}}]}",
            f"line 18: {VALUE}/policy/rules/0/rule: no such rule",
        ),
        (
            "policy: {mode: accept-good-rows, rules: [{rule: type, column: y, max: {rows: 5}}]}",
            f"line 18: {VALUE}/policy/rules/0/column: the schema has no property",
        ),
        (
            "policy: {mode: accept-good-rows, rules: [{rule: ragged-row, column: x, max: {rows: 5}}]}",
            f"line 18: {VALUE}/policy/rules/0/column: ragged-row is of whole rows",
        ),
        (
            "policy: {mode: accept-good-rows, rules: [{rule: type, max: {rows: 5}}, {rule: type, max: {rows: 6}}]}",
            f"line 18: {VALUE}/policy/rules/0: a limit for the same rule and column stands twice",
        ),
    ],
)
def test_settings_that_cannot_be_honoured_are_refused_in_their_line(block, expected):
    told = refusals(contract(X, block=block))
    assert told[0].startswith(expected), told


@pytest.mark.parametrize(
    ("druid", "expected"),
    [
        (
            "timeColumn: x",
            "line 17: customProperties/0/value/druid/timeColumn: must name a property that is a timestamp",
        ),
        ("timeColumn: nobody", "line 17: customProperties/0/value/druid/timeColumn: must name a property"),
        ("segmentGranularity: day", "line 16: customProperties/0/value/druid/timeColumn: is missing"),
        ("timeColumn: at\n        rollup: true", "line 18: customProperties/0/value/druid/rollup: must be an object"),
        ("timeColumn: at\n        tier: hot", "line 18: customProperties/0/value/druid/tier: no such setting"),
        (
            "timeColumn: at\n        segmentGranularity: decade",
            "line 18: customProperties/0/value/druid/segmentGranularity: input",
        ),
        (
            "timeColumn: at\n        mode: upsert",
            "line 18: customProperties/0/value/druid/mode: input should be 'append'",
        ),
    ],
)
def test_druid_settings_that_cannot_be_honoured_are_refused_in_their_line(druid, expected):
    told = refusals(contract(X).replace("timeColumn: at", druid))
    assert told[0].startswith(expected), told


@pytest.mark.parametrize("mode", ["replace", "replace-all"])
def test_good_rows_may_not_replace_the_whole(mode):
    text = contract(X, block="policy: accept-good-rows").replace(
        "timeColumn: at", f"timeColumn: at\n        mode: {mode}"
    )
    expected = f"accept-good-rows with {mode} is refused: a part would replace the whole; use all-or-nothing"
    assert f"line 19: {VALUE}/policy: {expected}" in refusals(text)


def test_a_null_word_that_is_a_valid_value_is_refused():
    rule = "- {name: x, logicalType: string, enum: [{value: none}]}"
    (told,) = refusals(contract(rule, block="dialect: {nullWords: [none]}"))
    assert told.startswith(f"line 18: {VALUE}/dialect/nullWords: 'none' is a valid value of x")


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ("customProperties: []", "exactly one entry with property: sluice is needed"),
        ("customProperties: [{property: other, value: 1}]", "exactly one entry with property: sluice is needed"),
        (
            "customProperties: [{property: sluice, value: {}}, {property: sluice, value: {}}]",
            "exactly one entry with property: sluice is needed, and its value: {druid: {timeColumn: …}}; there are 2",
        ),
        ("customProperties: [{property: sluice, value: at}]", "must be an object with settings"),
        ("customProperties: [{property: sluice, value: {}}]", "druid: is missing"),
    ],
)
def test_the_block_stands_there_once(entries, said):
    told = refusals(contract().partition("customProperties")[0] + entries)
    assert said in told[0], told


def test_the_committed_schema_is_the_one_that_is_made():
    assert SCHEMA_FILE.read_text(encoding="utf-8") == block_schema()


def test_the_schema_is_written_by_a_command():
    os.utime(SCHEMA_FILE, (0, 0))
    subprocess.run([sys.executable, "-m", "sluice.contracts", "schema"], check=True, timeout=60)
    assert SCHEMA_FILE.stat().st_mtime > 0
    assert SCHEMA_FILE.read_text(encoding="utf-8") == block_schema()


@pytest.mark.parametrize("name", ["sales", "weather"])
def test_the_schema_takes_the_blocks_of_the_samples(name):
    document = yaml.safe_load((CONTRACTS / f"{name}.odcs.yaml").read_text())
    (block,) = [each["value"] for each in document["customProperties"] if each["property"] == "sluice"]
    validator = Draft202012Validator(json.loads(SCHEMA_FILE.read_text()))
    assert not list(validator.iter_errors(block))
    assert list(validator.iter_errors(block | {"surprise": 1}))
    assert list(validator.iter_errors(block | {"policy": "accept-some"}))
