"""Where files come all the time, some segment of others is always on its way: only those are waited for that may hold own rows."""

from uuid import uuid4

import pytest
from submitter_fakes import CONTRACT, Bench

from druid_submitter.domain.identity import removal_ids
from druid_submitter.domain.interval import covering
from druid_submitter.domain.watch import TaskState
from sluice.contracts import DruidMode
from sluice.errors import Transient
from sluice.events import Envelope, Failed, Outcome, Problem, Receipt, TaskCommand, TaskCompleted
from sluice.testing import NOW, file_validated, verdict_accepted, verdict_rejected


@pytest.fixture
def bench():
    """Its Druid never has every segment loaded, and does not know our tasks yet."""
    bench = Bench()
    bench.druid.loaded, bench.druid.state = False, TaskState.UNKNOWN
    return bench


async def ask(bench, event, kind="cancel", **told):
    asked = TaskCommand(task_id=event.data.task_id, command=kind, requested_at=NOW, **told)
    await bench.command(Envelope(str(uuid4()), "sluice/gateway", NOW, asked))


def outcomes(bench):
    return [done.outcome for done in bench.said(TaskCompleted)]


@pytest.mark.parametrize(
    ("mode", "counted", "told"),
    [
        (DruidMode.APPEND, 9, []),
        (DruidMode.APPEND, 10, [Outcome.SUCCEEDED]),
        (DruidMode.REPLACE, 10, []),
        (DruidMode.REPLACE_ALL, 10, []),
    ],
)
async def test_an_append_has_succeeded_when_its_rows_are_counted_and_a_replace_when_no_older_ones_can_be(
    mode, counted, told
):
    bench = Bench(mode)
    await bench.record(file_validated(verdict_accepted(10)))
    await bench.turn(2)
    bench.druid.finish(10)
    bench.druid.counted, bench.druid.loaded = counted, False
    await bench.turn(3)
    assert outcomes(bench) == told


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [
        (verdict_rejected(10, 3), Outcome.REJECTED),
        (Failed(problem=Problem(code="parser-crashed", message="m")), Outcome.FAILED),
    ],
)
async def test_a_file_of_which_druid_was_given_nothing_is_refused_at_once(bench, verdict, outcome):
    await bench.record(file_validated(verdict))
    await bench.turn(1)
    assert outcomes(bench) == [outcome]


async def test_a_task_that_was_cancelled_before_druid_had_it_is_concluded_at_once(bench):
    event = file_validated(verdict_accepted(10))
    await ask(bench, event)
    await bench.record(event)
    await bench.turn(2)
    assert outcomes(bench) == [Outcome.CANCELLED]
    assert bench.druid.burnt, "a stalled replica may still submit it"


async def test_a_retraction_that_was_cancelled_before_druid_had_it_leaves_the_rows(bench):
    loaded = file_validated(verdict_accepted(10))
    bench.verdicts.facts[loaded.data.task_id] = loaded.data
    bench.druid.counted, retraction = 10, uuid4()
    about = {"datasource": "sales", "filename": "orders.csv", "accepted_at": NOW}
    await bench.command(
        Envelope(str(uuid4()), "t", NOW, TaskCommand(task_id=retraction, command="cancel", requested_at=NOW))
    )
    await ask(bench, loaded, "retract", retraction=retraction, **about)
    await bench.turn(2)
    (done,) = bench.said(TaskCompleted)
    assert (done.task_id, done.outcome, bench.druid.submitted) == (retraction, Outcome.CANCELLED, [])


@pytest.mark.parametrize("state", [TaskState.UNKNOWN, TaskState.FAILED])
@pytest.mark.parametrize("answered", [False, True])
async def test_of_a_task_that_druid_may_have_had_each_segment_of_its_own_days_is_waited_for(bench, state, answered):
    event = file_validated(verdict_accepted(10))
    bench.druid.refusing = None if answered else Transient("the answer was lost")
    await bench.record(event)
    await bench.turn(2)
    bench.druid.refusing, bench.druid.state = None, state
    await ask(bench, event)
    await bench.turn(4, seconds=31)
    assert outcomes(bench) == []
    at = event.data.verdict.time_range
    assert set(bench.druid.spans) == {covering(at.first, at.last, CONTRACT.druid.segment_granularity)}
    bench.druid.loaded = True
    await bench.turn(2)
    assert outcomes(bench) == [Outcome.CANCELLED]


@pytest.mark.parametrize("again", ["next attempt", "same attempt"])
async def test_an_append_that_druid_had_twice_has_succeeded_only_when_no_row_can_be_doubled(bench, again):
    bench.druid.loaded, bench.druid.state = True, TaskState.RUNNING
    await bench.record(file_validated(verdict_accepted(10)))
    await bench.turn(2)
    bench.druid.state = TaskState.FAILED if again == "next attempt" else TaskState.UNKNOWN
    bench.druid.error = "This task disappeared on the worker where it was assigned. See overlord logs for more details."
    while len(bench.druid.submitted) < 2:
        await bench.turn(1)
    bench.druid.finish(10)
    bench.druid.loaded = False  # what is counted may be rows of the first time
    await bench.turn(4)
    assert outcomes(bench) == []
    bench.druid.counted = 20
    await bench.turn(4, seconds=31)
    assert outcomes(bench) == []


@pytest.mark.parametrize("ruled_out", [0, 1])
@pytest.mark.parametrize("removal", [TaskState.RUNNING, TaskState.SUCCESS])
async def test_what_druid_takes_out_has_not_succeeded_whatever_is_counted_until_then(bench, removal, ruled_out):
    bench.druid.loaded, bench.druid.state = True, TaskState.RUNNING
    event = file_validated(verdict_accepted(10))
    await bench.record(event)
    await bench.turn(2)
    bench.druid.burnt += removal_ids(bench.druid.submitted[0])[:ruled_out]  # by one that died before it could conclude
    bench.druid.state, bench.druid.counted = TaskState.FAILED, 4
    await bench.turn(2)
    druid_id = bench.druid.submitted[-1]
    assert "_removal" in druid_id
    bench.druid.removals[druid_id], bench.druid.counted = removal, 10
    await bench.turn(3, seconds=4)
    assert outcomes(bench) == []
    bench.druid.counted = 0
    await bench.turn(2)
    assert outcomes(bench) == [Outcome.FAILED]


async def test_no_removal_that_somebody_was_about_to_begin_takes_out_the_rows_of_one_that_has_succeeded_after_all(
    bench,
):
    bench.druid.loaded, bench.druid.state = True, TaskState.RUNNING
    event = file_validated(verdict_accepted(10))
    await bench.record(event)
    await bench.turn(2)
    await ask(bench, event)
    bench.druid.finish(10)
    await bench.turn(2)
    assert outcomes(bench) == [Outcome.SUCCEEDED]
    assert bench.druid.burnt == removal_ids(bench.druid.submitted[0])


async def test_what_has_ended_before_the_database_was_restored_ends_so_again(bench):
    bench.druid.loaded, bench.druid.state = True, TaskState.RUNNING
    event = file_validated(verdict_accepted(10))
    await bench.record(event)
    await bench.turn(2)
    # of the first attempt rows were taken out; those of the second are there
    bench.druid.removals[removal_ids(bench.druid.submitted[0])[0]] = TaskState.SUCCESS
    bench.druid.state, bench.druid.counted = TaskState.FAILED, 10
    await bench.turn(4)
    assert outcomes(bench) == []
    told = {"task_id": event.data.task_id, "datasource": "sales", "filename": "a.csv", "accepted_at": NOW}
    stands = TaskCompleted(**told, outcome=Outcome.SUCCEEDED, rows=Receipt(accepted=10), completed_at=NOW)
    bench.verdicts.outcomes[stands.task_id] = stands
    await bench.turn(2)
    assert bench.said(TaskCompleted) == [stands]


async def test_rows_of_a_task_that_nobody_has_admitted_here_are_counted_with_care(bench):
    event = file_validated(verdict_accepted(10))
    await ask(bench, event)
    bench.druid.counted = 4  # the database was restored, and Druid has forgotten the task
    await bench.record(event)
    await bench.turn(3)
    assert (outcomes(bench), bench.druid.submitted) == ([], [])
    bench.druid.loaded, bench.druid.counted = True, 10
    await bench.turn(2)
    assert outcomes(bench) == [Outcome.SUCCEEDED]
