"""Who goes to Druid next: pure, then the same scenarios on the fake and on Postgres, where two replicas decide at once."""

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import pytest
from ingestions_in_memory import InMemoryAdmission, InMemoryIngestions

from druid_submitter.adapters.admission import PostgresAdmission
from druid_submitter.adapters.pace import PostgresPace
from druid_submitter.adapters.postgres import PostgresIngestions
from druid_submitter.app import migrate
from druid_submitter.domain.admission import Capacity, Room, grant
from druid_submitter.domain.ingestion import Phase
from druid_submitter.domain.interval import Interval
from druid_submitter.domain.turn import Later, Now, to_load
from druid_submitter.settings import SubmitterSettings
from sluice import postgres
from sluice.clock import utc_now
from sluice.contracts import DruidMode
from sluice.events import Envelope, WaitsFor
from sluice.testing import NOW, ManualClock, file_validated

DAY = Interval(NOW, NOW + timedelta(days=1))
APPEND, REPLACE = to_load(DruidMode.APPEND, DAY), to_load(DruidMode.REPLACE, DAY)
FOUR = Capacity(slots=4, most=4, used=0)


@pytest.mark.parametrize(
    ("room", "places"),
    [
        (Room(4, 4, others=0, taken=0), 8),
        (Room(4, 4, others=0, taken=8), 0),
        (Room(4, 4, others=3, taken=1), 1),
        (Room(4, 4, others=4, taken=0), 1),
        (Room(4, 4, others=4, taken=1), 0),
        (Room(0, 0, others=0, taken=0), 0),
        (Room(0, 6, others=0, taken=0), 12),
        (Room(None, 0, others=0, taken=7), 13),
        (Room(None, 0, others=0, taken=21), 0),
    ],
)
def test_there_is_room_for_twice_the_slots_that_others_leave(room, places):
    assert max(room.places(2.0, unknown=20), 0) == places


@pytest.mark.parametrize(
    ("wished", "places", "free", "given"),
    [
        ([1, 1, 1], 2, 2, [1, 1]),
        ([9, 1], 8, 4, [4, 1]),
        ([4, 9, 1], 20, 8, [4, 4, 1]),
        ([9, 9], 20, 6, [6, 1]),
        ([9], 20, 2, [1]),
        ([9], 20, -3, [1]),
        ([9], 0, 9, []),
    ],
)
def test_a_parallel_task_gets_slots_that_are_free_and_else_runs_in_one(wished, places, free, given):
    assert grant(wished, places, free) == given


def test_supervisors_never_hold_every_slot():
    for slots in range(1, 30):
        given = grant([7] * 40, places=2 * slots, free=slots)
        assert sum(each for each in given if each > 1) <= slots
        assert sum(each > 1 for each in given) < slots


@pytest.fixture
async def queue(kind):
    if kind == "memory":
        ingestions = InMemoryIngestions(ManualClock())
        yield Queue(ingestions, InMemoryAdmission(ingestions, tasks_per_slot=2), ingestions.clock)
        return
    settings = SubmitterSettings()
    await migrate(settings)
    async with postgres.open_pool(settings.postgres_dsn.get_secret_value()) as pool:
        await pool.execute("TRUNCATE submitter.ingestions, submitter.cancels, submitter.outbox")
        await pool.execute("UPDATE submitter.overlord SET capacity_due = '-infinity', status_due = '-infinity'")
        ingestions, admission = PostgresIngestions(pool, lease_seconds=3600), PostgresAdmission(pool, 2, 20)
        yield Queue(ingestions, admission, utc_now)


@dataclass
class Queue:
    ingestions: InMemoryIngestions | PostgresIngestions
    admission: InMemoryAdmission | PostgresAdmission
    clock: object

    async def comes(self, number, datasource, wish=APPEND):
        """Recorded, its wish kept, and given back to be looked at in a long time."""
        event = file_validated(task_id=UUID(int=number + 1))
        told = {"accepted_at": NOW + timedelta(seconds=number), "datasource": datasource}
        await self.ingestions.record(Envelope(event.id, event.source, event.time, event.data.model_copy(update=told)))
        (held,) = await self.ingestions.lease({Phase.SUBMITTING}, 1000)
        turn = await self.ingestions.turn(held, wish)
        await self.ingestions.wait(held, self.clock() + timedelta(days=1))
        return turn

    async def admitted(self):
        """Those that were admitted and woken, by datasource."""
        return await self.ingestions.lease({Phase.SUBMITTING}, 1000)

    async def done(self, held):
        """Druid is done with them."""
        for each in held:
            await self.ingestions.proving(each)


async def test_never_more_than_there_is_room_and_never_none_while_there_is(queue):
    await queue.admission.keep(FOUR)
    for number in range(24):
        await queue.comes(number, f"d{number % 3}")
    order = []
    for _ in range(3):
        # replicas that decide at the same moment
        await asyncio.gather(*(queue.admission.admit() for _ in range(4)))
        held = await queue.admitted()
        assert len(held) == 8
        await asyncio.gather(*(queue.admission.admit() for _ in range(4)))
        assert await queue.admitted() == []
        order += sorted(each.task_id.int for each in held)
        await queue.done(held)
    assert order == list(range(1, 25))


async def test_many_files_of_one_datasource_hold_up_nobody_elses(queue):
    await queue.admission.keep(FOUR)
    many = 40
    for number in range(many):
        await queue.comes(number, "many")
    await queue.admission.admit()
    held = await queue.admitted()
    assert Counter(each.datasource for each in held) == {"many": 8}
    for number in range(20):
        await queue.comes(many + number, f"single{number}")
    await queue.done(held[:7])
    await queue.admission.admit()
    assert {each.datasource for each in await queue.admitted()} == {f"single{number}" for number in range(7)}


async def test_whoever_is_admitted_is_submitted_before_a_crowd_says_what_it_wishes(queue):
    await queue.admission.keep(FOUR)
    await queue.comes(0, "sales")
    crowd = [file_validated() for _ in range(10)]
    for event in crowd:
        await queue.ingestions.record(event)
    await queue.admission.admit()
    (held,) = await queue.ingestions.lease({Phase.SUBMITTING}, 1)
    assert held.task_id.int == 1


async def test_twenty_datasources_share_what_there_is(queue):
    await queue.admission.keep(Capacity(20, 20, 0))
    for number in range(60):
        await queue.comes(number, f"d{number // 3}")
    await queue.admission.admit()
    held = await queue.admitted()
    assert Counter(Counter(each.datasource for each in held).values()) == {2: 20}


async def test_what_others_use_is_left_to_them(queue):
    for number in range(10):
        await queue.comes(number, "sales")
    await queue.admission.keep(Capacity(4, 4, used=3))
    await queue.admission.admit()
    assert len(await queue.admitted()) == 2


async def test_without_workers_everything_waits_and_says_so(queue):
    await queue.admission.keep(Capacity(0, 0, 0))
    await queue.comes(0, "sales")
    await queue.admission.admit()
    assert await queue.admitted() == []
    assert await queue.comes(1, "sales") == Later(WaitsFor.WORKERS)
    await queue.admission.keep(FOUR)
    await queue.admission.admit()
    assert len(await queue.admitted()) == 2


async def test_a_task_says_which_kind_of_task_is_before_it(queue):
    await queue.admission.keep(FOUR)
    await queue.comes(0, "sales", REPLACE)
    assert await queue.comes(1, "sales") == Later(WaitsFor.EARLIER_REPLACE)
    assert await queue.comes(2, "stock") == Later(WaitsFor.SLOT)
    assert await queue.comes(3, "stock", REPLACE) == Later(WaitsFor.EARLIER_LOAD)


async def test_a_paused_datasource_gets_no_place_and_holds_up_nobody(queue):
    async def sales():
        return {"sales"}

    await queue.admission.keep(FOUR)
    await queue.comes(0, "sales")
    await queue.comes(1, "stock")
    paused = replace(queue.admission, paused=sales)
    await paused.admit()
    assert [each.datasource for each in await queue.admitted()] == ["stock"]
    await queue.admission.admit()
    (held,) = await queue.admitted()
    await queue.ingestions.step_back(held, queue.clock() - timedelta(seconds=1), WaitsFor.PAUSED)
    (held,) = await queue.admitted()
    await paused.admit()
    assert isinstance(await queue.ingestions.turn(held, APPEND), Later)
    await queue.admission.admit()
    assert isinstance(await queue.ingestions.turn(held, APPEND), Now)


async def test_whoever_waits_for_a_lock_leaves_its_place_to_others_and_keeps_its_turn(queue):
    await queue.admission.keep(Capacity(1, 1, 0))
    await queue.comes(0, "sales", REPLACE)
    await queue.comes(1, "sales")
    await queue.comes(2, "stock")
    await queue.comes(3, "store")
    await queue.admission.admit()
    first, second = sorted(await queue.admitted(), key=lambda each: each.task_id)
    assert (first.task_id.int, second.task_id.int) == (1, 3)
    await queue.ingestions.step_back(first, queue.clock() + timedelta(seconds=0.5), WaitsFor.LOCK)
    assert await queue.ingestions.turn(first, REPLACE) == Later(WaitsFor.LOCK)
    await queue.admission.admit()
    (third,) = await queue.admitted()
    assert third.datasource == "store"
    await queue.done([second, third])
    async with asyncio.timeout(20):
        while await queue.ingestions.turn(first, REPLACE) != Now(1):
            if isinstance(queue.clock, ManualClock):
                queue.clock.advance(0.3)
            await queue.admission.admit()
            await asyncio.sleep(0.05)


async def test_whoever_is_admitted_while_it_is_being_given_back_is_due_at_once(queue):
    await queue.admission.keep(FOUR)
    event = file_validated()
    await queue.ingestions.record(event)
    (held,) = await queue.ingestions.lease({Phase.SUBMITTING}, 10)
    await queue.ingestions.turn(held, APPEND)
    await queue.admission.admit()  # by another replica, between question and wait
    await queue.ingestions.wait(held, queue.clock() + timedelta(days=1))
    (woken,) = await queue.admitted()
    assert isinstance(await queue.ingestions.turn(woken, APPEND), Now)


@pytest.mark.parametrize("kind", [pytest.param("real", marks=pytest.mark.real)], indirect=True)
async def test_all_replicas_together_ask_once(queue):
    pool = queue.ingestions.pool
    pace, admission = PostgresPace(pool), queue.admission
    assert not await admission.capacity_is_due(), "nothing waits"
    assert not await pace.may_ask(), "nothing runs"
    await queue.comes(0, "sales")
    assert sorted(await asyncio.gather(*(admission.capacity_is_due() for _ in range(4)))) == [False] * 3 + [True]
    await pool.execute("UPDATE submitter.ingestions SET phase = 'submitted', due_at = now(), leased_until = now()")
    assert sorted(await asyncio.gather(*(pace.may_ask() for _ in range(4)))) == [False] * 3 + [True]
    due = "SELECT extract(epoch FROM status_due - now()) FROM submitter.overlord"
    pauses = []
    for _ in range(6):
        await pace.silent()
        pauses.append(await pool.fetchval(due))
    assert pauses[0] < 1
    assert pauses[-1] > 4
    await pace.heard()
    await pace.silent()
    assert await pool.fetchval(due) < 1
