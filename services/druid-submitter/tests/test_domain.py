import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from submitter_fakes import CONTRACT

from druid_submitter.domain.identity import druid_task_id
from druid_submitter.domain.interval import ALL_TIME, covering, parsed
from druid_submitter.domain.spec import build_spec
from druid_submitter.domain.watch import (
    Clear,
    Conclude,
    Hold,
    Missing,
    Presence,
    Prove,
    Remove,
    Resubmit,
    RowStats,
    TaskState,
    TaskStatus,
    Wait,
    after_status,
    clear,
    prove,
)
from sluice.contracts import DruidMode, ExtraColumns, Granularity, Policy
from sluice.events import Outcome, Receipt, TimeRange
from sluice.testing import verdict_accepted

TASK = UUID("018f4e7a-5b1c-7c3e-9d52-0a6f4c1b2d3e")
GOLDEN = Path(__file__).parent / "golden"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("mode", "there", "interval"),
    [
        ("replace", None, "2024-02-28T00:00:00.000Z/2024-03-02T00:00:00.000Z"),
        ("replace", ALL_TIME, "2024-02-28T00:00:00.000Z/2024-03-02T00:00:00.000Z"),
        ("replace-all", None, "2024-02-28T00:00:00.000Z/2024-03-02T00:00:00.000Z"),
        (
            "replace-all",
            parsed("2021-01-01T00:00:00.000Z/2024-03-01T00:00:00.000Z"),
            "2021-01-01T00:00:00.000Z/2024-03-02T00:00:00.000Z",
        ),
    ],
)
def test_a_file_that_replaces_names_the_interval_and_drops_what_is_there(mode, there, interval):
    """But for that, it is loaded as if it were appended."""
    verdict = verdict_accepted(time_range=TimeRange(first=at("2024-02-28T23:59:59"), last=at("2024-03-01T00:00:00")))
    contract = replace(CONTRACT, druid=replace(CONTRACT.druid, mode=DruidMode(mode)))
    spec = build_spec(contract, verdict, TASK, 2, there=there)
    how = spec["spec"]["ioConfig"]
    assert (how["appendToExisting"], how["dropExisting"]) == (False, True)
    assert spec["spec"]["dataSchema"]["granularitySpec"]["intervals"] == [interval]
    how |= {"appendToExisting": True, "dropExisting": False}
    spec["spec"]["dataSchema"]["granularitySpec"]["intervals"] = ["2024-02-28T00:00:00.000Z/2024-03-02T00:00:00.000Z"]
    assert spec == json.loads((GOLDEN / "append.json").read_text())


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2024-02-28T00:00:00.000Z/2024-03-02T00:00:00.000Z", "2024-02-28T00:00:00.000Z/2024-03-02T00:00:00.000Z"),
        ("9999-12-31T00:00:00.000Z/10000-01-01T00:00:00.000Z", "9999-12-31T00:00:00.000Z/10000-01-01T00:00:00.000Z"),
        (
            "-146136543-09-08T08:23:32.096Z/146140482-04-24T15:36:27.903Z",
            "0001-01-01T00:00:00.000Z/10000-01-01T00:00:00.000Z",
        ),
    ],
)
def test_an_interval_is_read_as_druid_writes_it(text, written):
    assert parsed(text).iso() == written


def test_columns_that_the_contract_does_not_know_are_one_column_of_druid_where_they_are_kept():
    keeping = replace(CONTRACT, policy=Policy(extra_columns=ExtraColumns.KEEP))
    known, kept = (
        build_spec(contract, verdict_accepted(), TASK, 1)["spec"]["dataSchema"]["dimensionsSpec"]["dimensions"]
        for contract in (CONTRACT, keeping)
    )
    assert [each["name"] for each in kept if each not in known] == ["__extra"]
    assert [each["name"] for each in known if each not in kept] == []


def test_a_druid_task_id_suits_druid_for_the_longest_datasource():
    assert len(druid_task_id("d" * 63, TASK, 999)) <= 200


@pytest.mark.parametrize(
    ("granularity", "first", "last", "interval"),
    [
        ("hour", "2024-03-01T10:59:59", "2024-03-01T11:00:00", "2024-03-01T10:00:00.000Z/2024-03-01T12:00:00.000Z"),
        ("day", "2024-02-29T00:00:00", "2024-02-29T23:59:59.999", "2024-02-29T00:00:00.000Z/2024-03-01T00:00:00.000Z"),
        ("week", "2024-03-03T12:00:00", "2024-03-04T00:00:00", "2024-02-26T00:00:00.000Z/2024-03-11T00:00:00.000Z"),
        ("month", "2024-01-31T00:00:00", "2024-02-01T00:00:00", "2024-01-01T00:00:00.000Z/2024-03-01T00:00:00.000Z"),
        ("day", "9999-12-31T00:00:00", "9999-12-31T23:59:59.999", "9999-12-31T00:00:00.000Z/10000-01-01T00:00:00.000Z"),
        ("year", "0001-01-01T00:00:00", "9999-12-31T00:00:00", "0001-01-01T00:00:00.000Z/10000-01-01T00:00:00.000Z"),
        ("year", "2012-01-01T00:00:00", "2015-12-31T00:00:00", "2012-01-01T00:00:00.000Z/2016-01-01T00:00:00.000Z"),
    ],
)
def test_an_interval_is_cut_where_segments_are(granularity, first, last, interval):
    assert covering(at(first), at(last), Granularity(granularity)).iso() == interval


instants = st.datetimes(
    min_value=datetime(1, 1, 1),  # noqa: DTZ001 - Hypothesis takes bounds without a zone
    max_value=datetime(9999, 12, 31, 23, 59, 59),  # noqa: DTZ001 - the same
    timezones=st.just(UTC),
)


@given(instants, instants, st.sampled_from(Granularity))
def test_no_row_lies_outside_its_interval(one, other, granularity):
    first, last = sorted((one, other))
    interval = covering(first, last, granularity)
    assert interval.start <= first <= last < interval.end
    assert covering(interval.start, interval.start, granularity).start == interval.start


@pytest.mark.parametrize(
    ("status", "unknown_polls", "expected"),
    [
        (TaskStatus(TaskState.RUNNING), 0, Wait),
        (TaskStatus(TaskState.SUCCESS), 0, Prove),
        (TaskStatus(TaskState.FAILED, "disk full"), 0, Clear),
        (TaskStatus(TaskState.UNKNOWN), 0, Wait),
        (TaskStatus(TaskState.UNKNOWN), 3, Resubmit),
    ],
)
def test_what_a_status_means(status, unknown_polls, expected):
    assert isinstance(after_status(status, unknown_polls), expected)


@pytest.mark.parametrize(
    ("stats", "presence", "expected"),
    [
        (RowStats(10, 0), Presence(10, loaded=True), Conclude),
        (None, Presence(10, loaded=True), Wait),
        (RowStats(10, 0), Presence(10, loaded=False), Wait),
        (RowStats(10, 0), Presence(9, loaded=True), Missing),
        (RowStats(10, 0), Presence(11, loaded=True), Hold),
        (RowStats(9, 1), Presence(9, loaded=True), Hold),
        (RowStats(9, 0), Presence(9, loaded=True), Hold),
    ],
)
def test_succeeded_only_if_all_three_name_the_same_number(stats, presence, expected):
    assert isinstance(prove(verdict_accepted(10), stats, presence), expected)


@pytest.mark.parametrize(
    ("presence", "expected"),
    [
        (Presence(0, loaded=True), Conclude(Outcome.FAILED, Receipt(accepted=10))),
        (Presence(0, loaded=False), Wait()),
        (Presence(10, loaded=False), Wait()),
        (Presence(1, loaded=True), Remove()),
        (Presence(10, loaded=True), Conclude(Outcome.SUCCEEDED, Receipt(accepted=10, ingested=10, queryable=10))),
        (Presence(11, loaded=True), Hold("a query counts 11 rows of a task that is to end as failed")),
    ],
)
def test_no_other_outcome_while_a_row_may_be_there(presence, expected):
    assert clear(Conclude(Outcome.FAILED, Receipt(accepted=10)), presence) == expected


def test_rows_of_a_file_that_was_refused_are_a_riddle():
    assert isinstance(clear(Conclude(Outcome.REJECTED, Receipt(accepted=0)), Presence(1, loaded=True)), Hold)
