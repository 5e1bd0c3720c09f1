"""A datasource that is paused: nothing new of it goes to Druid, and nothing of it is lost."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from ingestions_in_memory import nothing_is_paused
from submitter_fakes import Bench

from druid_submitter.adapters import paused
from druid_submitter.adapters.paused import PausedOnS3
from druid_submitter.domain.watch import TaskState
from sluice.contracts import DruidMode
from sluice.errors import Transient
from sluice.events import Envelope, Outcome, TaskCommand, TaskCompleted, TaskProgress
from sluice.ledger import paused_key
from sluice.pauses import Pause, Pauses
from sluice.testing import NOW, file_validated, verdict_accepted
from sluice.testing.bucket import Fault, InMemoryObjectStore


def accepted_at(minutes, datasource="sales"):
    event = file_validated(verdict_accepted(10))
    told = {"accepted_at": NOW + timedelta(minutes=minutes), "datasource": datasource}
    return replace(event, data=event.data.model_copy(update=told))


def reasons(bench):
    return [each.data.waits_for for each in bench.progress.published if isinstance(each.data, TaskProgress)]


async def test_nothing_goes_to_druid_and_the_task_says_why_it_waits():
    bench, event = Bench(), accepted_at(0)
    bench.paused = {"sales"}
    for _ in range(2):  # delivered twice
        await bench.record(event)
        await bench.turn(3, seconds=61)
    assert bench.druid.submitted == []
    assert set(reasons(bench)) == {"paused"}


async def test_others_go_on():
    bench = Bench()
    bench.paused = {"stock"}
    await bench.record(accepted_at(0))
    await bench.turn(2)
    assert len(bench.druid.submitted) == 1


async def test_what_waited_goes_in_the_order_of_acceptance():
    bench, events = Bench(DruidMode.REPLACE), [accepted_at(minutes) for minutes in (2, 0, 1)]
    bench.paused = {"sales"}
    for event in events:
        await bench.record(event)
        await bench.turn(2, seconds=61)
    bench.paused = set()
    bench.druid.finish(10)
    await bench.turn(20, seconds=61)
    done = [fact.task_id for fact in bench.said(TaskCompleted) if fact.outcome is Outcome.SUCCEEDED]
    assert done == [events[n].data.task_id for n in (1, 2, 0)]


async def test_what_is_in_druid_goes_on_to_its_outcome():
    bench = Bench()
    await bench.record(accepted_at(0))
    await bench.turn(2)
    bench.paused = {"sales"}
    bench.druid.finish(10)
    await bench.turn(4)
    assert [done.outcome for done in bench.said(TaskCompleted)] == [Outcome.SUCCEEDED]


async def test_one_that_was_admitted_just_before_leaves_its_place_to_others(monkeypatch):
    bench, event = Bench(), accepted_at(0)
    await bench.record(event)
    bench.paused = {"sales"}
    with monkeypatch.context() as late:
        late.setattr(bench.admission, "paused", nothing_is_paused)  # decided before the pause was known
        await bench.advance.submit()
        await bench.advance.submit()
    row = bench.ingestions.rows[event.data.task_id]
    assert (row["admitted"], row["slots"], row["waits_for"]) == (True, 0, "paused")
    await bench.turn(3, seconds=61)
    assert bench.druid.submitted == []
    bench.paused = set()
    await bench.turn(2, seconds=61)
    assert len(bench.druid.submitted) == 1


async def test_one_that_waits_can_be_cancelled():
    bench, event = Bench(), accepted_at(0)
    bench.paused = {"sales"}
    await bench.record(event)
    await bench.turn(2)
    asked = TaskCommand(task_id=event.data.task_id, command="cancel", requested_at=NOW)
    await bench.command(Envelope(str(uuid4()), "sluice/gateway", NOW, asked))
    bench.druid.state = TaskState.UNKNOWN
    await bench.turn(3)
    assert [done.outcome for done in bench.said(TaskCompleted)] == [Outcome.CANCELLED]


@pytest.fixture
def store():
    return InMemoryObjectStore()


async def test_who_is_paused_is_asked_again_after_a_while(store, monkeypatch):
    ask, pauses = PausedOnS3(Pauses(store)), Pauses(store)
    assert await ask() == frozenset()
    await pauses.begin("sales", Pause(by="ada", at=NOW))
    store.objects["paused/…"] = b""
    assert await ask() == frozenset()
    monkeypatch.setattr(paused, "GOOD_FOR", 0.0)
    ask = PausedOnS3(Pauses(store))
    assert await ask() == {"sales"}
    await pauses.end("sales")
    assert await ask() == frozenset()


async def test_a_storage_that_does_not_answer_is_no_permission(store):
    store.faults.append(Fault("list", "paused/"))
    ask = PausedOnS3(Pauses(store))
    with pytest.raises(Transient):
        await ask()
    assert await ask() == frozenset()
    assert paused_key("sales") == "paused/sales.json"
