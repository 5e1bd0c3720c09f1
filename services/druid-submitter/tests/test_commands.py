"""Cancel and retract, on fakes: at every step, before their task, twice, and when it is too late."""

from uuid import UUID, uuid4

import pytest
from submitter_fakes import Bench

from druid_submitter.domain.ingestion import Phase
from druid_submitter.domain.watch import TaskState
from druid_submitter.errors import SegmentsUnknown
from sluice.contracts import DruidMode
from sluice.errors import Transient
from sluice.events import DruidSubmitted, Envelope, Outcome, Receipt, TaskCommand, TaskCompleted, WaitsFor
from sluice.testing import NOW, file_validated, verdict_accepted, verdict_rejected


@pytest.fixture
def bench():
    return Bench()


def command(task_id: UUID, kind="cancel", **more) -> Envelope[TaskCommand]:
    asked = TaskCommand(task_id=task_id, command=kind, requested_at=NOW, **more)
    return Envelope(str(uuid4()), "sluice/gateway", NOW, asked)


async def cancel(bench, event, times=1):
    for _ in range(times):
        await bench.command(command(event.data.task_id))


def none_loaded(bench):
    (done,) = bench.said(TaskCompleted)
    assert (done.outcome, done.error.code) == (Outcome.CANCELLED, "cancelled")
    assert done.rows == Receipt(source=10, accepted=10, rejected=0, ingested=0, queryable=0)


@pytest.mark.parametrize("times", [1, 2])
async def test_a_cancel_before_the_verdict_waits_for_it(bench, times):
    event = file_validated(verdict_accepted(10))
    await cancel(bench, event, times)
    bench.druid.state = TaskState.UNKNOWN
    await bench.turn(2)
    assert bench.said(TaskCompleted) == []
    await bench.record(event)
    await bench.turn(4)
    none_loaded(bench)
    assert bench.druid.submitted == []
    assert bench.druid.burnt, "a stalled replica may still submit it"


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("times", [1, 2])
async def test_a_cancel_stops_what_druid_runs(bench, turns, times):
    event = file_validated(verdict_accepted(10))
    await bench.record(event)
    await bench.turn(turns)
    await cancel(bench, event, times)
    await bench.turn(4)
    none_loaded(bench)
    assert set(bench.druid.stopped) == set(bench.druid.submitted)


async def test_a_cancel_that_comes_too_late_changes_nothing(bench):
    event = file_validated(verdict_accepted(10))
    await bench.record(event)
    await bench.turn(2)
    bench.druid.finish(10)
    await cancel(bench, event)
    await bench.turn(3)
    (done,) = bench.said(TaskCompleted)
    assert (done.outcome, done.error, done.remark.code) == (Outcome.SUCCEEDED, None, "cancel-too-late")
    assert "retract the task" in done.remark.message
    await cancel(bench, event)
    await bench.turn(3)
    assert set(map(str, bench.said(TaskCompleted))) == {str(done)}


async def test_a_success_that_nobody_wanted_to_cancel_has_no_remark(bench):
    await bench.record(file_validated(verdict_accepted(10)))
    await bench.turn(2)
    bench.druid.finish(10)
    await bench.turn(3)
    (done,) = bench.said(TaskCompleted)
    assert (done.outcome, done.remark) == (Outcome.SUCCEEDED, None)


async def test_a_file_that_is_refused_stays_refused(bench):
    event = file_validated(verdict_rejected())
    await cancel(bench, event)
    await bench.record(event)
    await bench.turn(3)
    assert [done.outcome for done in bench.said(TaskCompleted)] == [Outcome.REJECTED]


async def test_a_cancel_waits_for_a_druid_that_does_not_answer(bench):
    event = file_validated(verdict_accepted(10))
    await bench.record(event)
    await bench.turn(2)
    bench.druid.refusing = Transient("down")
    await cancel(bench, event)
    await bench.turn(5)
    assert bench.said(TaskCompleted) == []
    bench.druid.refusing = None
    await bench.turn(4)
    none_loaded(bench)


async def test_rows_that_a_broken_ingestion_left_are_taken_out_first(bench):
    await bench.record(file_validated(verdict_accepted(10)))
    await bench.turn(2)
    bench.druid.state, bench.druid.counted = TaskState.FAILED, 4
    await bench.turn(4)
    assert bench.said(TaskCompleted) == []
    removal = bench.druid.specs[-1]
    assert (removal["type"], removal["id"]) == ("compact", f"{bench.druid.specs[0]['id']}_removal")
    bench.druid.counted = 0
    await bench.turn(3)
    assert [done.outcome for done in bench.said(TaskCompleted)] == [Outcome.FAILED]


@pytest.mark.parametrize("mode", DruidMode)
async def test_a_cancel_says_what_it_could_not_undo(mode):
    bench = Bench(mode)
    event = file_validated(verdict_accepted(10))
    await bench.record(event)
    await bench.turn(2)
    bench.druid.counted = 4
    await cancel(bench, event)
    await bench.turn(4)
    assert bench.druid.submitted[-1].endswith("_removal")
    bench.druid.counted = 0
    await bench.turn(3)
    (done,) = bench.said(TaskCompleted)
    assert (done.outcome, done.error.code) == (Outcome.CANCELLED, "cancelled")
    assert ("not brought back" in done.error.message) == (mode is not DruidMode.APPEND)


async def test_rows_that_are_all_there_after_all_have_succeeded(bench):
    await bench.record(file_validated(verdict_accepted(10)))
    await bench.turn(2)
    bench.druid.state, bench.druid.counted = TaskState.FAILED, 10
    await bench.turn(4)
    (done,) = bench.said(TaskCompleted)
    assert (done.outcome, done.rows.queryable, done.error) == (Outcome.SUCCEEDED, 10, None)


def retraction_of(bench, verdict=None) -> Envelope[TaskCommand]:
    loaded = file_validated(verdict or verdict_accepted(10))
    bench.verdicts.facts[loaded.data.task_id] = loaded.data
    about = {"datasource": "sales", "filename": "orders.csv", "accepted_at": NOW}
    return command(loaded.data.task_id, "retract", retraction=uuid4(), **about)


async def retraction_in_druid(bench, turns=2, counted=10) -> Envelope[TaskCommand]:
    asked = retraction_of(bench)
    bench.druid.counted = counted
    await bench.command(asked)
    await bench.turn(turns)
    return asked


async def settle(bench):
    """Until what a query counts is taken for what is there."""
    await bench.turn(10, seconds=5)


@pytest.mark.parametrize("times", [1, 2])
async def test_a_retraction_is_a_task_that_succeeds_when_no_row_is_counted(bench, times):
    asked = retraction_of(bench)
    bench.druid.counted = 10
    for _ in range(times):
        await bench.command(asked)
    await bench.turn(2)
    (spec,) = bench.druid.specs
    assert (spec["type"], spec["dataSource"]) == ("compact", "sales")
    assert spec["transformSpec"]["filter"]["field"]["value"] == str(asked.data.task_id)
    assert str(asked.data.retraction) in spec["id"]
    bench.druid.state = TaskState.SUCCESS
    await bench.turn(3)
    assert bench.said(TaskCompleted) == [], "rows are still counted"
    bench.druid.counted = 0
    await bench.turn(2)
    (done,) = bench.said(TaskCompleted)
    assert (done.task_id, done.retracts, done.outcome) == (
        asked.data.retraction,
        asked.data.task_id,
        Outcome.SUCCEEDED,
    )
    assert [fact.task_id for fact in bench.said(DruidSubmitted)] == [asked.data.retraction]
    await bench.command(asked)
    assert [each.outcome for each in bench.said(TaskCompleted)] == [Outcome.SUCCEEDED] * 2


async def test_a_retraction_waits_until_the_broker_knows_each_segment_and_says_for_whom(bench, monkeypatch):
    async def unknown(*_):
        raise SegmentsUnknown("not yet")

    with monkeypatch.context() as late:
        late.setattr(bench.druid, "segment_types", unknown)
        await bench.command(retraction_of(bench))
        await bench.turn(10, seconds=60)
    assert bench.druid.submitted == []
    assert [event.data.waits_for for event in bench.progress.published] == [WaitsFor.DRUID]
    await bench.turn(2, seconds=60)
    assert len(bench.druid.submitted) == 1


async def test_a_retraction_that_druid_could_not_do_fails_and_leaves_the_rows(bench):
    asked = await retraction_in_druid(bench)
    bench.druid.state = TaskState.FAILED
    await settle(bench)
    (done,) = bench.said(TaskCompleted)
    assert (done.outcome, done.error.code, done.retracts) == (
        Outcome.FAILED,
        "ingestion-failed",
        asked.data.task_id,
    )


@pytest.mark.parametrize("times", [1, 2])
async def test_a_retraction_that_is_cancelled_before_druid_has_it_leaves_the_rows(bench, times):
    asked = retraction_of(bench)
    bench.druid.counted, bench.druid.state = 10, TaskState.UNKNOWN
    await bench.command(asked)
    for _ in range(times):
        await bench.command(command(asked.data.retraction))
    await bench.turn(4)
    (done,) = bench.said(TaskCompleted)
    assert (done.task_id, done.retracts) == (asked.data.retraction, asked.data.task_id)
    assert (done.outcome, done.error.code) == (Outcome.CANCELLED, "cancelled")
    assert "taken no row out" in done.error.message
    assert bench.druid.submitted == []


@pytest.mark.parametrize("turns", [2, 3])
@pytest.mark.parametrize("lost", [False, True])
async def test_a_retraction_that_druid_has_goes_on_when_it_is_cancelled(bench, turns, lost):
    asked = await retraction_in_druid(bench, turns)
    if lost:  # as if the submitter had died before it could say so
        bench.ingestions.rows[asked.data.retraction]["phase"] = Phase.SUBMITTING
    await bench.command(command(asked.data.retraction))
    bench.druid.counted = 4  # one day is done, the other is not
    await bench.turn(4, seconds=5)
    assert (bench.said(TaskCompleted), bench.druid.stopped) == ([], [])
    bench.druid.state, bench.druid.counted = TaskState.SUCCESS, 0
    await bench.turn(4, seconds=5)
    (done,) = bench.said(TaskCompleted)
    assert (done.outcome, done.error, done.remark.code) == (Outcome.SUCCEEDED, None, "cancel-too-late")
    assert "taken out already" in done.remark.message


async def test_a_cancelled_retraction_of_which_nobody_heard_that_druid_has_it_is_not_waited_for_without_end(bench):
    asked = await retraction_in_druid(bench)
    bench.ingestions.rows[asked.data.retraction]["phase"] = Phase.SUBMITTING
    await bench.command(command(asked.data.retraction))
    await bench.turn(50, seconds=5)
    assert (bench.said(TaskCompleted), bench.druid.stopped) == ([], [])
    await bench.turn(60, seconds=5)
    (done,) = bench.said(TaskCompleted)
    assert set(bench.druid.stopped) == set(bench.druid.submitted)
    assert (done.outcome, done.error.code) == (Outcome.CANCELLED, "cancelled")


async def test_a_failed_retraction_ends_also_where_nothing_tells_what_was_loaded(bench):
    await retraction_in_druid(bench)
    bench.druid.state = TaskState.FAILED
    bench.verdicts.facts.clear()
    await settle(bench)
    (done,) = bench.said(TaskCompleted)
    assert done.outcome is Outcome.FAILED


async def test_segments_that_come_and_go_do_not_hold_up_a_failed_retraction(bench):
    await retraction_in_druid(bench)
    bench.druid.state = TaskState.FAILED
    for _ in range(10):
        bench.druid.loaded = not bench.druid.loaded
        await bench.turn(1, seconds=5)
    (done,) = bench.said(TaskCompleted)
    assert done.outcome is Outcome.FAILED


@pytest.mark.parametrize("left", [4, 10])
@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_retraction_that_fails_says_how_many_rows_are_still_there(bench, left, cancelled):
    asked = await retraction_in_druid(bench, counted=left)
    bench.druid.state = TaskState.FAILED
    if cancelled:  # so that it is not tried again
        bench.druid.error = "This task disappeared on the worker where it was assigned."
        await bench.command(command(asked.data.retraction))
    await settle(bench)
    (done,) = bench.said(TaskCompleted)
    assert done.outcome is (Outcome.CANCELLED if cancelled else Outcome.FAILED)
    assert ("4 of the 10 rows that were loaded are still there" in done.error.message) == (left == 4)
    assert ("taken no row out" in done.error.message) == (cancelled and left == 10)


async def test_rows_that_a_broker_still_counts_for_a_moment_are_not_there(bench):
    await retraction_in_druid(bench)
    bench.druid.state = TaskState.FAILED  # though it had published all of it
    await bench.turn(4, seconds=2)
    assert bench.said(TaskCompleted) == []
    bench.druid.counted = 0
    await bench.turn(4, seconds=2)
    (done,) = bench.said(TaskCompleted)
    assert done.outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize("known", [True, False])
async def test_nothing_is_taken_out_where_nothing_was_loaded(bench, known):
    asked = retraction_of(bench, verdict_rejected())
    if not known:
        bench.verdicts.facts.clear()
    bench.druid.state = TaskState.UNKNOWN
    await bench.command(asked)
    await bench.turn(3)
    (done,) = bench.said(TaskCompleted)
    assert (done.outcome, done.error.code) == (Outcome.FAILED, "nothing-to-retract")
    assert bench.druid.submitted == []


async def test_a_retract_without_a_task_of_its_own_is_nobody_s(bench):
    await bench.command(command(uuid4(), "retract"))
    await bench.turn(2)
    assert bench.ingestions.rows == {}
