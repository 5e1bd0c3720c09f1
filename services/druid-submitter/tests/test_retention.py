"""Retention rules as the Coordinator applies them: read in `org.apache.druid.server.coordinator.rules` of 33.0.0."""

from datetime import UTC, datetime

import pytest

from druid_submitter.domain.interval import parsed
from druid_submitter.domain.retention import before, ends_of, first_drop
from sluice.contracts import Granularity
from sluice.events import TimeRange

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
FOREVER, NEVER = {"type": "loadForever", "tieredReplicants": {"_default_tier": 2}}, {"type": "dropForever"}


def by(kind, period, **more):
    return {"type": f"{kind}ByPeriod", "period": period, **more}


def within(kind, interval):
    start, end = (each if "T" in each else f"{each}T00:00:00.000Z" for each in interval.split("/"))
    return {"type": f"{kind}ByInterval", "interval": f"{start}/{end}"}


@pytest.mark.parametrize(
    ("rules", "day", "dropped"),
    [
        ([FOREVER], "2020-01-01", None),
        ([NEVER], "2026-03-31", 0),
        ([FOREVER, NEVER], "2020-01-01", None),
        ([NEVER, FOREVER], "2020-01-01", 0),
        ([], "2020-01-01", None),
        ([by("load", "P1M"), NEVER], "2026-03-10", None),
        ([by("load", "P1M"), NEVER], "2026-02-27", 1),
        ([by("load", "P1M"), NEVER], "2026-02-28", None),
        ([by("load", "P1M"), NEVER], "2030-01-01", None),
        ([by("load", "P1M", includeFuture=False), NEVER], "2030-01-01", 1),
        ([by("load", "P1M", includeFuture=False), NEVER], "2026-03-31", None),
        ([by("load", "P1M")], "2020-01-01", -1),
        ([by("dropBefore", "P1M"), FOREVER], "2026-02-27", 0),
        ([by("dropBefore", "P1M"), FOREVER], "2026-02-28", None),
        ([by("drop", "P1M"), FOREVER], "2026-03-10", 0),
        ([by("drop", "P1M"), FOREVER], "2026-02-27", None),
        ([by("drop", "P1M"), FOREVER], "2030-01-01", 0),
        ([by("drop", "P1M", includeFuture=False), FOREVER], "2030-01-01", None),
        ([by("drop", "P1M", includeFuture=False), FOREVER], "2026-03-31", None),
        ([by("drop", "P1M", includeFuture=False), FOREVER], "2026-03-30", 0),
        ([within("drop", "2026-01-01/2026-01-02"), FOREVER], "2026-01-01", 0),
        ([within("drop", "2026-01-01T12:00:00.000Z/2026-01-02"), FOREVER], "2026-01-01", None),
        ([within("load", "2026-01-01T12:00:00.000Z/2026-01-02"), NEVER], "2026-01-01", None),
        ([within("load", "2026-01-02/2026-01-03"), NEVER], "2026-01-01", 1),
        ([{"type": "loadForever", "tieredReplicants": {}}], "2026-01-01", 0),
        ([{"type": "loadForever", "tieredReplicants": {"hot": 0, "cold": 0}}], "2026-01-01", 0),
        ([{"type": "broadcastForever"}], "2026-01-01", None),
        ([{"type": "loadByMoon"}, NEVER], "2026-01-01", None),
        ([by("load", "in a while"), NEVER], "2026-01-01", None),
        ([by("load", "P9999Y"), NEVER], "0001-01-02", None),
        ([{"no": "type"}, NEVER], "2026-01-01", None),
    ],
)
def test_the_first_rule_that_applies_wins(rules, day, dropped):
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    drop = first_drop(rules, ends_of(TimeRange(first=at, last=at), Granularity.DAY), NOW)
    if dropped is None:
        assert drop is None
    else:
        assert drop is not None
        assert drop.rule == (None if dropped < 0 else rules[dropped])


def test_a_file_of_which_any_end_is_dropped_is_told_with_the_rule_and_the_segment():
    rows = TimeRange(first=datetime(2026, 2, 1, tzinfo=UTC), last=NOW)
    drop = first_drop([by("load", "P1M"), NEVER], ends_of(rows, Granularity.DAY), NOW)
    assert drop is not None
    said = drop.problem.message
    assert "2026-02-01T00:00:00.000Z/2026-02-02T00:00:00.000Z" in said
    assert "dropForever" in said
    drop = first_drop([by("dropBefore", "P1M"), FOREVER], ends_of(rows, Granularity.DAY), NOW)
    assert drop is not None
    assert "dropBeforeByPeriod P1M" in drop.problem.message


def test_of_what_lies_between_first_and_last_row_nothing_is_certain():
    rows = TimeRange(first=datetime(2026, 1, 1, tzinfo=UTC), last=datetime(2026, 1, 3, tzinfo=UTC))
    assert first_drop([within("drop", "2026-01-02/2026-01-03"), FOREVER], ends_of(rows, Granularity.DAY), NOW) is None
    assert len(ends_of(rows, Granularity.DAY)) == 2
    assert ends_of(rows, Granularity.MONTH) == [parsed("2026-01-01T00:00:00.000Z/2026-02-01T00:00:00.000Z")]


@pytest.mark.parametrize(
    ("period", "then"),
    [
        ("P1M", "2026-02-28T12:00"),
        ("P13M", "2025-02-28T12:00"),
        ("P2Y1M1W1DT1H30M", "2024-02-21T10:30"),
        ("PT36H", "2026-03-30T00:00"),
        ("P0D", "2026-03-31T12:00"),
    ],
)
def test_a_period_is_taken_as_the_calendar_has_it(period, then):
    assert before(NOW, period) == datetime.fromisoformat(then).replace(tzinfo=UTC)


@pytest.mark.parametrize("period", ["", "P", "PT", "1M", "P-1M", "P1.5D"])
def test_what_is_no_period_is_none(period):
    with pytest.raises(ValueError, match="no period"):
        before(NOW, period)


@pytest.mark.parametrize(
    "odd",
    [{"type": "dropByInterval", "interval": None}, FOREVER | {"tieredReplicants": [1]}, {"type": "mayLoad"}, None],
)
def test_a_rule_that_cannot_be_read_says_nothing(odd):
    segments = [parsed("2026-03-01T00:00:00.000Z/2026-03-02T00:00:00.000Z")]
    assert first_drop([odd, NEVER], segments, NOW) is None
