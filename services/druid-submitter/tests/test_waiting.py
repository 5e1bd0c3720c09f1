"""For what a task waits, how it says so, and that nothing that passes ends it."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from submitter_fakes import Bench

from druid_submitter.adapters.druid import ONE_BY_ONE, HttpDruidTasks
from druid_submitter.domain.admission import Capacity
from druid_submitter.domain.ingestion import Phase
from druid_submitter.domain.interval import ALL_TIME
from druid_submitter.domain.pace import SLOWEST
from druid_submitter.domain.watch import TaskState
from druid_submitter.errors import QueueFull
from sluice.contracts import DruidMode
from sluice.druid import DruidConnection, Role
from sluice.druid.places import Places
from sluice.errors import ObjectDenied, Transient
from sluice.events import DruidSubmitted, Outcome, TaskCompleted, WaitsFor
from sluice.testing import file_validated, verdict_accepted


def waits(bench):
    return [event.data.waits_for for event in bench.progress.published if event.data.waits_for]


def phases(bench):
    return [row["phase"] for row in bench.ingestions.rows.values()]


@pytest.mark.parametrize(
    ("error", "reason"),
    [(QueueFull("429"), WaitsFor.QUEUE), (Transient("503"), WaitsFor.DRUID)],
)
async def test_a_druid_that_takes_nothing_is_waited_out_for_as_long_as_it_takes(error, reason):
    bench = Bench()
    bench.druid.refusing = error
    event = file_validated(verdict_accepted(10))
    for _ in range(2):
        await bench.record(event)
    await bench.turn(500, seconds=60)
    assert phases(bench) == [Phase.SUBMITTING]
    assert bench.said(TaskCompleted) == []
    assert waits(bench) == [reason], "told on a change only"
    bench.druid.refusing = None
    bench.druid.finish(10)
    await bench.turn(4, seconds=60)
    assert [done.outcome for done in bench.said(TaskCompleted)] == [Outcome.SUCCEEDED]
    assert len(bench.druid.submitted) == 1


async def test_an_s3_that_does_not_let_us_in_is_waited_out(monkeypatch):
    """Rights that were taken away, credentials that are over, a clock that is wrong: no file is to blame."""
    bench = Bench()
    bench.druid.state = TaskState.UNKNOWN

    async def denied(*_):
        raise ObjectDenied("S3 does not let us at outcomes/x")

    await bench.record(file_validated(verdict_accepted(10)))
    with monkeypatch.context() as shut_out:
        shut_out.setattr(bench.verdicts, "outcome", denied)
        await bench.turn(50, seconds=60)
        assert phases(bench) == [Phase.SUBMITTING]
    await bench.turn(4, seconds=60)
    bench.druid.finish(10)
    await bench.turn(4, seconds=60)
    assert [done.outcome for done in bench.said(TaskCompleted)] == [Outcome.SUCCEEDED]


async def test_one_task_knocks_for_all_while_druid_takes_nothing():
    bench = Bench()
    for _ in range(10):
        await bench.record(file_validated(verdict_accepted(10)))
    knocks = []

    async def refuse(_spec):
        knocks.append(bench.clock())
        raise Transient("503")

    submit, bench.druid.submit = bench.druid.submit, refuse
    await bench.turn(600, seconds=1)
    assert len(knocks) < 600 / 5
    assert set(waits(bench)) == {WaitsFor.DRUID}
    bench.druid.submit = submit
    await bench.turn(120, seconds=1)
    assert len(bench.druid.submitted) == 10


async def test_nobody_is_kept_from_druid_by_a_clock_that_is_set_back():
    bench = Bench()
    bench.druid.refusing = Transient("503")
    await bench.record(file_validated(verdict_accepted(10)))
    await bench.turn(3)
    bench.behind, bench.druid.refusing = 3600, None
    bench.druid.finish(10)
    await bench.turn(5)
    assert [done.outcome for done in bench.said(TaskCompleted)] == [Outcome.SUCCEEDED]


async def test_a_task_tells_when_it_waits_for_something_else():
    bench = Bench(DruidMode.REPLACE)
    bench.druid.room = Capacity(0, 0, 0)
    first, second = file_validated(verdict_accepted(10)), file_validated(verdict_accepted(10))
    for event in (first, second):
        await bench.record(event)
    await bench.turn(10)
    told = {event.data.task_id: event.data.waits_for for event in bench.progress.published}
    assert set(told.values()) == {WaitsFor.WORKERS, WaitsFor.EARLIER_REPLACE}
    assert len(waits(bench)) == 2
    bench.druid.room = Capacity(4, 4, 0)
    bench.druid.finish(10)
    await bench.turn(20, seconds=30)
    assert len(bench.said(TaskCompleted)) == 2
    assert {row["waits_for"] for row in bench.ingestions.rows.values()} == {None}


async def test_what_is_admitted_at_once_waits_for_nothing():
    bench = Bench()
    bench.druid.finish(10)
    await bench.record(file_validated(verdict_accepted(10)))
    await bench.turn(3)
    assert len(bench.said(TaskCompleted)) == 1
    assert waits(bench) == []


async def test_a_file_that_replaces_rows_waits_for_somebody_elses_lock():
    bench = Bench(DruidMode.REPLACE)
    bench.druid.locks = [ALL_TIME]
    await bench.record(file_validated(verdict_accepted(10)))
    await bench.turn(10, seconds=60)
    assert bench.druid.submitted == []
    assert waits(bench) == [WaitsFor.LOCK]
    bench.druid.locks = []
    await bench.turn(3, seconds=60)
    assert len(bench.said(DruidSubmitted)) == 1


async def test_a_file_that_appends_minds_no_lock():
    bench = Bench()
    bench.druid.locks = [ALL_TIME]
    await bench.record(file_validated(verdict_accepted(10)))
    await bench.turn()
    assert len(bench.druid.submitted) == 1


async def test_a_task_that_waits_can_be_cancelled():
    bench = Bench()
    bench.druid.room = Capacity(0, 0, 0)
    bench.druid.state = TaskState.UNKNOWN
    event = file_validated(verdict_accepted(10))
    await bench.record(event)
    await bench.turn(5)
    await bench.ingestions.cancel(event)
    await bench.turn(2)
    assert [done.outcome for done in bench.said(TaskCompleted)] == [Outcome.CANCELLED]


@pytest.mark.parametrize("question", ["submit", "statuses", "presence"])
async def test_leases_are_renewed_for_as_long_as_druid_takes_to_answer(question):
    bench = Bench(lease=timedelta(milliseconds=3))
    renewed, answer = asyncio.Event(), getattr(bench.druid, question)

    async def renew(_held):
        renewed.set()

    async def slow(*asked, **more):
        renewed.clear()
        async with asyncio.timeout(10):
            await renewed.wait()
        return await answer(*asked, **more)

    bench.ingestions.renew = renew
    setattr(bench.druid, question, slow)
    bench.druid.finish(10)
    await bench.record(file_validated(verdict_accepted(10)))
    await bench.turn(3)
    assert [done.outcome for done in bench.said(TaskCompleted)] == [Outcome.SUCCEEDED]


async def test_a_step_that_never_ends_is_broken_off_and_tried_again():
    bench = Bench(step=timedelta(milliseconds=10))
    answer, asked = bench.druid.presence, []

    async def first_never(*about, **more):
        asked.append(about)
        if len(asked) == 1:
            await asyncio.Event().wait()
        return await answer(*about, **more)

    bench.druid.presence = first_never
    bench.druid.finish(10)
    await bench.record(file_validated(verdict_accepted(10)))
    async with asyncio.timeout(10):
        await bench.turn(10, seconds=60)
    assert len(asked) > 1
    assert [done.outcome for done in bench.said(TaskCompleted)] == [Outcome.SUCCEEDED]


async def test_one_question_a_pause_asks_for_all_that_run():
    bench = Bench()
    bench.druid.room = Capacity(100, 100, 0)
    for number in range(100):
        await bench.record(file_validated(verdict_accepted(10)))
        await bench.turn(seconds=number / 500)
    await bench.turn(600, seconds=0.1)
    bench.druid.asked.clear()
    began = bench.clock()
    await bench.turn(240, seconds=0.1)
    pauses = (bench.clock() - began) // timedelta(seconds=SLOWEST)
    assert pauses > 1
    assert bench.druid.asked == [100] * pauses


async def asked(answer):
    """A Druid that gives the answer to everything."""
    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return HttpDruidTasks(DruidConnection(http, Places(dict.fromkeys(Role, ("http://druid",)))))


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (429, '{"error": "Task queue is full"}', QueueFull),
        (503, "", Transient),
        (200, "<html>sign in</html>", Transient),
        (502, "<html>bad gateway</html>", Transient),
        (401, "<html>Unauthorized</html>", Transient),
        (400, "<html>The plain HTTP request was sent to HTTPS port</html>", Transient),
    ],
)
async def test_what_says_nothing_of_the_task_passes(status, body, error):
    druid = await asked(lambda _: httpx.Response(status, text=body))
    with pytest.raises(error):
        await druid.submit({"type": "index_parallel", "id": "x"})


@pytest.mark.parametrize(
    ("status", "body", "capacity"),
    [
        (200, {"currentClusterCapacity": 4, "maximumCapacityWithAutoScale": -1, "usedClusterCapacity": 1}, (4, 4, 1)),
        (200, {"currentClusterCapacity": 0, "maximumCapacityWithAutoScale": 6, "usedClusterCapacity": 0}, (0, 6, 0)),
        (200, {"currentClusterCapacity": -1, "maximumCapacityWithAutoScale": -1, "usedClusterCapacity": -1}, None),
        (404, {}, None),
        (403, {}, None),
    ],
)
async def test_slots_as_druid_counts_them(status, body, capacity):
    druid = await asked(lambda _: httpx.Response(status, json=body))
    assert await druid.capacity() == (Capacity(*capacity) if capacity else None)


@pytest.mark.parametrize("text", ["", "<html/>"])
async def test_a_druid_without_a_leader_says_nothing_of_its_slots(text):
    druid = await asked(lambda _: httpx.Response(503 if not text else 200, text=text))
    with pytest.raises(Transient):
        await druid.capacity()


@pytest.mark.parametrize("status", [403, 404])
async def test_where_druid_does_not_tell_its_locks_none_are_waited_for(status):
    druid = await asked(lambda _: httpx.Response(status))
    assert list(await druid.locked("sales")) == []


async def test_those_that_druid_does_not_name_are_asked_for_singly_a_few_at_a_time():
    single = []

    def answer(request):
        if request.method == "POST":
            return httpx.Response(200, json={"t0": {"id": "t0", "status": "RUNNING"}})
        single.append(request.url.path)
        return httpx.Response(404, text="Cannot find any task with id: [x]")

    statuses = await (await asked(answer)).statuses([f"t{n}" for n in range(100)])
    assert len(single) == ONE_BY_ONE
    assert {name for name, status in statuses.items() if status.state is TaskState.UNKNOWN} == {
        f"t{n}" for n in range(1, 1 + ONE_BY_ONE)
    }
    assert set(statuses) == {f"t{n}" for n in range(1 + ONE_BY_ONE)}
