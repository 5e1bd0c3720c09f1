"""Rows that Druid has processed and a query does not count; outcomes that stand already; rules that let nobody query."""

from datetime import timedelta

import pytest
from submitter_fakes import Bench

from druid_submitter.domain.watch import TaskState
from sluice.contracts import DruidMode
from sluice.events import Outcome, Receipt, TaskCompleted
from sluice.testing import NOW, file_validated, verdict_accepted

TURNS = 8
"""After which rows are not merely late."""
DROP = [{"type": "dropForever"}]


@pytest.fixture
def bench():
    return Bench()


def stands(bench, event, outcome=Outcome.SUCCEEDED):
    told = {"task_id": event.data.task_id, "datasource": "sales", "filename": "a.csv", "accepted_at": NOW}
    fact = TaskCompleted(**told, outcome=outcome, rows=Receipt(accepted=10), completed_at=NOW)
    bench.verdicts.outcomes[fact.task_id] = fact
    return fact


@pytest.mark.parametrize("outcome", [Outcome.SUCCEEDED, Outcome.CANCELLED])
async def test_a_task_whose_outcome_stands_is_not_loaded_again(bench, outcome):
    event = file_validated(verdict_accepted(10))
    fact = stands(bench, event, outcome)
    for _ in range(2):
        await bench.record(event)
        await bench.turn(2)
    assert bench.druid.submitted == []
    assert bench.said(TaskCompleted) == [fact] * 2


async def lose(bench, event, counted):
    """All rows were loaded, and then some were taken away."""
    await bench.record(event)
    await bench.turn(2)
    bench.druid.finish(10)
    bench.druid.counted = counted


@pytest.mark.parametrize("counted", [0, 4])
async def test_rows_that_were_replaced_since_end_as_it_was_told_before(bench, counted):
    event = file_validated(verdict_accepted(10))
    await lose(bench, event, counted)
    await bench.turn(4)
    fact = stands(bench, event)
    await bench.turn(TURNS)
    assert bench.said(TaskCompleted) == [fact]


@pytest.mark.parametrize("counted", [0, 4])
async def test_rows_that_retention_took_away_have_failed_and_the_rule_is_named(bench, counted):
    await lose(bench, file_validated(verdict_accepted(10)), counted)
    bench.druid.retention = DROP
    await bench.turn(TURNS)
    if counted:
        assert bench.said(TaskCompleted) == []
        assert bench.druid.submitted[-1].endswith("_removal")
        bench.druid.counted = 0
        await bench.turn(2)
    (done,) = bench.said(TaskCompleted)
    assert (done.outcome, done.error.code) == (Outcome.FAILED, "retention-drops")
    assert "dropForever" in done.error.message


@pytest.mark.parametrize(("counted", "outcomes"), [(0, ["superseded"]), (4, [])])
async def test_rows_whose_place_a_later_file_took_are_superseded_if_none_is_left(counted, outcomes):
    bench = Bench(DruidMode.REPLACE)
    event = file_validated(verdict_accepted(10))
    await lose(bench, event, counted)
    later = file_validated(verdict_accepted(10))
    await bench.record(later)
    row, mine = bench.ingestions.rows[later.data.task_id], bench.ingestions.rows[event.data.task_id]
    fact = later.data.model_copy(update={"accepted_at": later.data.accepted_at + timedelta(days=1)})
    row |= {"phase": "concluded", "loaded": True, "wish": mine["wish"]}
    row["cause"] = type(later)(later.id, later.source, later.time, fact)
    await bench.turn(TURNS)
    assert [done.error.code for done in bench.said(TaskCompleted)] == outcomes


@pytest.mark.parametrize("counted", [0, 4])
async def test_rows_that_nothing_explains_are_waited_for_until_the_task_is_cancelled(bench, counted):
    event = file_validated(verdict_accepted(10))
    await lose(bench, event, counted)
    await bench.turn(80, seconds=31)
    assert bench.said(TaskCompleted) == []
    bench.ingestions.cancels.add(event.data.task_id)
    await bench.turn(TURNS, seconds=31)
    bench.druid.counted = 0
    await bench.turn(2, seconds=31)
    (done,) = bench.said(TaskCompleted)
    assert (done.outcome, done.rows.queryable) == (Outcome.CANCELLED, 0)


async def test_rows_that_come_late_are_no_loss(bench):
    event = file_validated(verdict_accepted(10))
    await lose(bench, event, 4)
    await bench.turn(30)
    bench.ingestions.cancels.add(event.data.task_id)
    await bench.turn()
    bench.druid.counted = 10
    await bench.turn(3)
    assert [done.outcome for done in bench.said(TaskCompleted)] == [Outcome.SUCCEEDED]


async def test_a_file_that_retention_would_drop_is_not_submitted(bench):
    bench.druid.retention, bench.druid.state = DROP, TaskState.UNKNOWN
    await bench.record(file_validated(verdict_accepted(10)))
    await bench.turn(3)
    (done,) = bench.said(TaskCompleted)
    assert (done.outcome, done.error.code) == (Outcome.FAILED, "retention-drops")
    assert bench.druid.submitted == []


@pytest.mark.parametrize("behind", [-3600, 0, 3600])
@pytest.mark.parametrize("seconds", [0.05, 2, 7])
async def test_rows_are_waited_for_a_quarter_of_a_minute_by_whatever_clock_and_however_often_looked_at(behind, seconds):
    bench = Bench(behind=behind)
    event = file_validated(verdict_accepted(10))
    await lose(bench, event, 0)
    bench.ingestions.cancels.add(event.data.task_id)
    began = bench.clock()
    while not bench.said(TaskCompleted):
        await bench.turn(seconds=seconds)
    assert timedelta(seconds=15) <= bench.clock() - began <= timedelta(seconds=15 + 2 * (8 + seconds))
    assert bench.said(TaskCompleted)[0].outcome is Outcome.CANCELLED
