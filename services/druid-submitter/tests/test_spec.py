"""The spec of every contract: golden files for its shapes, and what holds for whatever contract can be loaded."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from submitter_fakes import CONTRACT

from druid_submitter.domain.interval import ALL_TIME, parsed
from druid_submitter.domain.spec import build_removal, build_spec, sub_tasks
from sluice.contracts import (
    Aggregator,
    AggregatorType,
    Contract,
    DruidMode,
    Granularity,
    Partitions,
    PartitionsType,
    QueryGranularity,
    Rollup,
    load_contract,
)
from sluice.errors import ContractInvalid
from sluice.events import TimeRange
from sluice.testing import verdict_accepted

TASK = UUID("018f4e7a-5b1c-7c3e-9d52-0a6f4c1b2d3e")
GOLDEN = Path(__file__).parent / "golden"
ROLLUP = Rollup(
    QueryGranularity.HOUR,
    (
        Aggregator("QuantitySum", AggregatorType.LONG_SUM, "Quantity"),
        Aggregator("HighestPrice", AggregatorType.DOUBLE_MAX, "UnitPrice"),
    ),
)
HASHED = Partitions(PartitionsType.HASHED, ("OrderID",), 2_000_000)
RANGE = Partitions(PartitionsType.RANGE, ("DeliveredOn", "OrderID"))
SHARDS = Partitions(PartitionsType.HASHED, shards=4)
PARTS = tuple(f"s3://sluice/canonical/sales/x/r/part-0000{number}.parquet" for number in range(3))


@pytest.mark.parametrize(
    ("name", "settings", "slots"),
    [
        ("append", {}, 1),
        ("rollup", {"rollup": ROLLUP}, 1),
        ("hashed", {"mode": DruidMode.REPLACE, "partitions": HASHED}, 1),
        ("shards", {"mode": DruidMode.REPLACE_ALL, "partitions": SHARDS, "rollup": ROLLUP}, 1),
        ("range", {"mode": DruidMode.REPLACE, "partitions": RANGE}, 2),
        ("parallel", {"segment_granularity": Granularity.MONTH}, 3),
    ],
)
def test_the_spec_is_the_golden_one(name, settings, slots):
    span = TimeRange(first=datetime(2024, 2, 28, 23, 59, 59, tzinfo=UTC), last=datetime(2024, 3, 1, tzinfo=UTC))
    verdict = verdict_accepted(time_range=span, canonical=PARTS[:1] if slots == 1 else PARTS)
    contract = replace(CONTRACT, druid=replace(CONTRACT.druid, **settings))
    there = parsed("2021-01-01T00:00:00.000Z/2024-03-01T00:00:00.000Z")
    spec = build_spec(contract, verdict, TASK, 2, there=there, slots=slots)
    assert spec == json.loads((GOLDEN / f"{name}.json").read_text())


@pytest.mark.parametrize(
    ("parts", "slots", "expected"), [(1, 1, 1), (1, 9, 1), (5, 1, 1), (5, 2, 1), (5, 3, 2), (5, 6, 5), (5, 99, 5)]
)
def test_a_supervisor_has_a_slot_of_its_own(parts, slots, expected):
    assert sub_tasks(parts, slots) == expected


letters = st.sampled_from(["a", "b", "c", "t"])
names = letters | st.just("__x") | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
KINDS = ["string", "integer", "number", "boolean", "date", "timestamp"]


@st.composite
def documents(draw: st.DrawFn, named: st.SearchStrategy[str]) -> dict:
    """Mostly contracts that load: their names are drawn from their own columns, and from anywhere."""
    columns = draw(st.dictionaries(named, st.sampled_from(KINDS), max_size=6)) | {
        "at": draw(st.sampled_from(KINDS[4:]))
    }
    known = st.sampled_from(sorted(columns))
    numbers = [name for name, kind in columns.items() if kind in {"integer", "number"}]
    measured = st.sampled_from(numbers) if numbers else known
    metrics = st.lists(
        st.fixed_dictionaries(
            {"name": named.map("m{}".format), "type": st.sampled_from([*AggregatorType, "count"]), "column": measured}
        ),
        max_size=3,
    )
    rollup = st.fixed_dictionaries({"queryGranularity": st.sampled_from(QueryGranularity), "metrics": metrics})
    dimensions = st.sampled_from(sorted(columns.keys() - {"at"}) or ["at"])
    parted = st.lists(dimensions, min_size=1, max_size=2, unique=True)
    partitions = st.fixed_dictionaries(
        {"type": st.sampled_from(PartitionsType)},
        optional={"columns": parted, "shards": st.integers(0, 9), "targetRows": st.just(5000)},
    )
    in_order = st.fixed_dictionaries({"type": st.just(PartitionsType.RANGE), "columns": parted})
    druid = {
        "timeColumn": "at",
        "segmentGranularity": draw(st.sampled_from(Granularity)),
        "mode": draw(st.sampled_from(DruidMode)),
        **draw(st.fixed_dictionaries({}, optional={"rollup": rollup, "partitions": partitions | in_order})),
    }
    properties = [{"name": name, "logicalType": kind, "required": name == "at"} for name, kind in columns.items()]
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "any",
        "version": "1.0.0",
        "status": "active",
        "schema": [{"name": draw(st.just("orders") | named), "properties": properties}],
        "customProperties": [{"property": "sluice", "value": {"druid": druid}}],
    }


instants = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds have none
OUR_WORDS = {"index_parallel", "uniform", "millis", "s3", "parquet", "dynamic", "hashed", "range", "maxSize", "count"}
OUR_WORDS |= {"string", "long", "double", "__time", "__task_id", "__extra", "__rows"}


@given(documents(letters) | documents(names), instants, instants, st.integers(1, 4), st.integers(1, 6))
def test_what_holds_for_every_contract_that_can_be_loaded(document, one, other, parts, slots):
    contract = None
    with suppress(ContractInvalid):
        contract = load_contract(json.dumps(document))
    if contract is None:
        return
    first, last = sorted((one, other))
    uris = tuple(f"s3://sluice/{number}" for number in range(parts))
    verdict = verdict_accepted(canonical=uris, time_range=TimeRange(first=first, last=last))
    spec = build_spec(contract, verdict, TASK, 1, slots=slots)
    schema, tuning = spec["spec"]["dataSchema"], spec["spec"]["tuningConfig"]
    assert len(spec["id"]) <= 200
    interval = parsed(schema["granularitySpec"]["intervals"][0])
    assert interval.start <= first <= last < interval.end
    assert_columns_are_kept_once(contract, schema)
    assert 1 <= tuning["maxNumConcurrentSubTasks"] <= max(1, min(parts, slots - 1))
    perfect = tuning["partitionsSpec"]["type"] != "dynamic"
    assert not (perfect and spec["spec"]["ioConfig"]["appendToExisting"])
    assert tuning.get("forceGuaranteedRollup", False) == perfect
    assert_columns_are_ordered_as_texts(schema, tuning["partitionsSpec"])
    names = {contract.datasource, *contract.columns, *(each["name"] for each in schema["metricsSpec"])}
    assert_only_words(spec, names | {*uris, spec["id"], str(TASK), *schema["granularitySpec"]["intervals"]})


def assert_columns_are_kept_once(contract: Contract, schema: dict) -> None:
    dimensions = [each["name"] for each in schema["dimensionsSpec"]["dimensions"]]
    metrics = {each["name"]: each.get("fieldName") for each in schema["metricsSpec"]}
    assert len({*dimensions, *metrics, "__time"}) == len(dimensions) + len(schema["metricsSpec"]) + 1
    assert {*dimensions, *metrics.values(), contract.druid.time_column} - {None, "__task_id"} == set(contract.columns)
    assert ("__rows" in metrics) == schema["granularitySpec"]["rollup"]


def assert_columns_are_ordered_as_texts(schema: dict, partitions: dict) -> None:
    kinds = {each["name"]: each["type"] for each in schema["dimensionsSpec"]["dimensions"]}
    if partitions["type"] == "range":
        assert partitions["targetRowsPerSegment"] >= 1_000
        assert {kinds[name] for name in partitions["partitionDimensions"]} == {"string"}


def assert_only_words(spec: dict, names: set[str]) -> None:
    """Every text is one of ours, one of Druid's, or a name that the contract's patterns have let through."""
    druids = {*AggregatorType, *(each.upper() for each in QueryGranularity)}
    for text in texts(spec):
        assert text in names or text in druids or text in OUR_WORDS, text
    assert all(name.isprintable() and name == name.strip() for name in names)
    assert all(re.fullmatch(r"[A-Za-z_]+", key) for key in keys(spec))


def texts(value: object) -> Iterator[str]:
    match value:
        case dict():
            for each in value.values():
                yield from texts(each)
        case list():
            for each in value:
                yield from texts(each)
        case str():
            yield value


def keys(value: object) -> Iterator[str]:
    match value:
        case dict():
            yield from value
            for each in value.values():
                yield from keys(each)
        case list():
            for each in value:
                yield from keys(each)


def removal(*segments):
    return build_removal("sales", "sluice_x", UUID(int=1), ALL_TIME, segments)


def test_a_removal_leaves_types_to_the_segments_that_agree_on_them():
    same = {"OrderID": "STRING", "Quantity": "LONG"}
    assert "dimensionsSpec" not in removal()
    assert "dimensionsSpec" not in removal(same, {**same, "Notes": "COMPLEX<json>"}, {})


@pytest.mark.parametrize(
    ("one", "other", "holds"),
    [
        ("LONG", "DOUBLE", "double"),
        ("FLOAT", "LONG", "double"),
        ("LONG", "STRING", "string"),
        ("STRING", "DOUBLE", "string"),
        ("STRING", "COMPLEX<json>", "string"),
    ],
)
def test_a_removal_names_types_that_hold_every_value_where_segments_differ(one, other, holds):
    spec = removal({"A": one, "B": "LONG"}, {"A": other, "C": "COMPLEX<json>", "D": "FLOAT"})
    types = {"A": holds, "B": "long", "C": "auto", "D": "float"}
    assert spec["dimensionsSpec"] == {"dimensions": [{"type": kind, "name": name} for name, kind in types.items()]}
