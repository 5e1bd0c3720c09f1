"""Two versions of a contract: where rows are kept otherwise in Druid, and whose queries that breaks."""

import pytest
from contract_builder import contract

from sluice.contracts import compare, load_contract

COLUMNS = {"n": "integer", "m": "integer", "w": "string"}


def druid_changes(old: str, new: str) -> set[tuple[str, bool]]:
    """Codes, and whether each breaks readers; of a contract with two numbers and a text, by its settings of druid."""
    columns = contract("\n".join(f"- {{name: {each}, logicalType: {kind}}}" for each, kind in COLUMNS.items()))
    before, after = (
        load_contract(columns.replace("timeColumn: at", f"timeColumn: at\n        {each}")) for each in (old, new)
    )
    found = compare(before, after).changes
    assert not any(each.senders for each in found)
    return {(each.code, each.readers) for each in found}


def rollup(granularity: str = "hour", **metrics: str) -> str:
    """A metric by its name: `type column`."""
    told = ({"name": name, "type": what.split()[0], "column": what.split()[1]} for name, what in metrics.items())
    return f"rollup: {{queryGranularity: {granularity}, metrics: {list(told)}}}".replace("'", "")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("mode: append", rollup(), {("rollup", True)}),
        (rollup(), "mode: append", {("rollup", True)}),
        ("mode: append", rollup(s="longSum n"), {("rollup", True), ("metric", True)}),
        (rollup(), rollup(), set()),
        (rollup(), rollup("day"), {("query-granularity", True)}),
        (rollup("day"), rollup(), {("query-granularity", False)}),
        (rollup(s="longSum n"), rollup(s="longSum n", t="longMax n"), {("metric", False)}),
        (rollup(s="longSum n"), rollup(), {("metric", True)}),
        (rollup(s="longSum n"), rollup(s="longMax n"), {("metric", True)}),
        (rollup(s="longSum n", t="longSum m"), rollup(s="longSum m", t="longSum m"), {("metric", True)}),
        ("mode: replace", "mode: replace\n        partitions: {type: hashed}", {("partitions", False)}),
        (
            "mode: replace\n        partitions: {type: hashed}",
            "mode: replace\n        partitions: {type: range, columns: [w]}",
            {("partitions", False)},
        ),
    ],
)
def test_rows_that_are_kept_otherwise(old, new, expected):
    assert expected <= druid_changes(old, new)
    assert bool(expected) == bool(druid_changes(old, new))


def test_metrics_follow_a_column_that_is_renamed():
    old = contract("- {name: n, logicalType: integer}").replace(
        "timeColumn: at", f"timeColumn: at\n        {rollup(s='longSum n')}"
    )
    new = old.replace("name: n,", "name: k,").replace("column: n", "column: k")
    aliased = new + "      columns: {k: {aliases: [n]}}\n"
    found = compare(load_contract(old), load_contract(aliased)).changes
    assert {each.code for each in found} == {"column-renamed"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (rollup(s="longSum n"), rollup(s="longMax n"), "the metric longSum and is the metric longMax"),
        ("mode: append", rollup(k="longSum n"), "a column and is the metric longSum"),
        (rollup(s="longMax n"), rollup(s="longMax n", k="longSum n"), "a column and is the metric longSum"),
        (rollup(k="longSum n"), "mode: append", "the metric longSum and is a column"),
    ],
)
def test_a_name_that_druid_would_keep_in_two_ways_is_said_to_close_the_way_back(old, new, said):
    """`k` is a column where no metric is called so."""

    def kept(settings: str):
        columns = ("n", "m") if "name: k" in settings else ("n", "m", "k")
        text = contract("\n".join(f"- {{name: {each}, logicalType: integer}}" for each in columns))
        return load_contract(text.replace("timeColumn: at", f"timeColumn: at\n        {settings}"))

    (clash,) = (each for each in compare(kept(old), kept(new)).changes if "retracts no file" in each.message)
    assert clash.readers
    assert said in clash.message
