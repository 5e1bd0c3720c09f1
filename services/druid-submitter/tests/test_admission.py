"""Who goes to Druid next: pure, then the same scenarios on the fake and on Postgres, where two replicas decide at once."""

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingestions_in_memory import InMemoryAdmission, InMemoryIngestions, nothing_is_paused

from druid_submitter.adapters.admission import PostgresAdmission
from druid_submitter.adapters.pace import PostgresPace
from druid_submitter.adapters.postgres import PostgresIngestions
from druid_submitter.app import migrate
from druid_submitter.domain.admission import SUPERVISED, Capacity, Room, Wanted, grant
from druid_submitter.domain.ingestion import Phase
from druid_submitter.domain.interval import Interval
from druid_submitter.domain.turn import Later, Now, to_load
from druid_submitter.settings import SubmitterSettings
from sluice import postgres
from sluice.contracts import DruidMode, PartitionsType
from sluice.events import Envelope, WaitsFor
from sluice.testing import NOW, ManualClock, file_validated

DAY = Interval(NOW, NOW + timedelta(days=1))
APPEND, REPLACE = to_load(DruidMode.APPEND, DAY), to_load(DruidMode.REPLACE, DAY)
RANGE = to_load(DruidMode.REPLACE, DAY, layout=PartitionsType.RANGE)
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
    ("wished", "room", "per_slot", "slots"),
    [
        ([1, 1, 1], Room(2, 2, others=0, taken=0), 1, [1, 1]),
        ([9, 1], Room(4, 4, others=0, taken=0), 2, [4, 1]),
        ([4, 9, 1], Room(8, 8, others=0, taken=0), 3, [4, 4, 1]),
        ([9, 9], Room(6, 6, others=0, taken=0), 3, [6, 1]),
        ([9], Room(2, 2, others=0, taken=0), 3, [1]),
        ([9], Room(2, 2, others=0, taken=5), 3, [1]),
        ([9, 9], Room(None, 0, others=0, taken=0), 3, [1, 1]),
        ([9], Room(9, 9, others=0, taken=9), 1, []),
    ],
)
def test_a_parallel_task_gets_slots_that_are_free_and_else_runs_in_one(wished, room, per_slot, slots):
    assert grant([Wanted(each) for each in wished], room, per_slot, 20) == slots


ONE, TWO, FIVE = Wanted(1), Wanted(2, needs=2), Wanted(5, needs=2)


@pytest.mark.parametrize(
    ("wanted", "room", "slots"),
    [
        ([TWO, ONE], Room(2, 2, others=0, taken=0), [2, 1]),
        ([FIVE, FIVE], Room(6, 6, others=0, taken=0), [5]),
        ([FIVE, ONE], Room(3, 3, others=1, taken=0), [2, 1]),
        ([ONE, TWO, ONE], Room(2, 2, others=0, taken=0), [1]),
        ([TWO, ONE], Room(4, 4, others=0, taken=3), []),
        ([TWO, ONE], Room(1, 6, others=0, taken=0), [2, 1]),
        ([TWO, ONE], Room(1, 6, others=0, taken=1), []),
        ([TWO, ONE], Room(0, 6, others=0, taken=0), [2, 1]),
        ([TWO, FIVE, ONE], Room(None, 0, others=0, taken=0), [2, 2, 1]),
        ([TWO, FIVE, ONE], Room(None, 0, others=0, taken=2), [2]),
        ([TWO, ONE], Room(None, 0, others=0, taken=4), []),
    ],
)
def test_whoever_cannot_do_its_work_in_one_gets_what_it_needs_or_holds_the_others_back(wanted, room, slots):
    assert grant(wanted, room, 3, unknown=5) == slots


@pytest.mark.parametrize(
    ("room", "reach"),
    [
        (Room(4, 4, others=3, taken=0), 1),
        (Room(4, 4, others=5, taken=0), 1),
        (Room(1, 6, others=1, taken=5), 5),
        (Room(None, 0, others=0, taken=4), 7),
    ],
)
def test_one_slot_is_in_reach_of_everybody_and_more_as_others_leave(room, reach):
    assert room.reach(unknown=7) == reach


singles = st.integers(1, 9).map(Wanted)
supervised = st.integers(2, 9).map(lambda slots: Wanted(slots, needs=2))
wishes = st.lists(singles | supervised, max_size=12)


def rooms(least=0, grows=0):
    """Of a Druid that says how many slots it has, at least `least`, and may start workers for `grows` more."""
    numbers = (st.integers(least, 12), st.integers(0, grows), st.integers(0, 12), st.integers(0, 40))
    return st.builds(lambda slots, more, others, taken: Room(slots, slots + more, others, taken), *numbers)


@given(wishes, rooms(), st.floats(1, 4))
def test_what_supervisors_hold_is_free(wanted, room, per_slot):
    held = [each for each in grant(within_reach(wanted, room), room, per_slot, 20) if each > 1]
    assert sum(held) <= max(room.free, 0)
    assert len(held) < max(room.free, 1)


@given(wishes, st.integers(1, 12), st.floats(1, 4))
def test_what_supervisors_hold_is_within_what_is_allowed_where_druid_does_not_say(wanted, unknown, per_slot):
    room = Room(None, 0, others=0, taken=0)
    assert (
        sum(each for each in grant(within_reach(wanted, room, unknown), room, per_slot, unknown) if each > 1) <= unknown
    )


@given(wishes, rooms(least=1, grows=3), st.floats(1, 4))
def test_all_get_their_turn_in_order_as_soon_as_enough_is_done(wanted, room, per_slot):
    """However much was taken: what runs ends one by one, and each that is granted what it needs ends as well."""
    waiting, running = within_reach(wanted, room), [1] * room.taken
    while waiting or running:
        got = grant(waiting, replace(room, taken=sum(running)), per_slot, 20)
        assert all(slots >= each.needs for slots, each in zip(got, waiting, strict=False))
        waiting, running = waiting[len(got) :], running + got
        assert running, "nobody runs, and all wait"
        running = running[1:]


@given(st.lists(singles, max_size=12), rooms(), st.floats(1, 4))
def test_whoever_can_do_its_work_in_one_is_held_back_by_nothing_but_places(wanted, room, per_slot):
    got = grant(wanted, room, per_slot, 20)
    places = room.places(per_slot, 20)
    assert len(got) == len(wanted) or sum(got) >= places
    assert sum(got[:-1]) < max(places, 1)
    assert all(slots == 1 or SUPERVISED <= slots <= each.slots for slots, each in zip(got, wanted, strict=False))


def within_reach(wanted, room, unknown=20):
    return [each for each in wanted if each.needs <= room.reach(unknown)]


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
        ingestions, admission = (
            PostgresIngestions(pool, lease_seconds=3600),
            PostgresAdmission(pool, 2, 20, nothing_is_paused),
        )
        yield Queue(ingestions, admission, None)


@dataclass
class Queue:
    ingestions: InMemoryIngestions | PostgresIngestions
    admission: InMemoryAdmission | PostgresAdmission
    clock: ManualClock | None

    async def comes(self, number, datasource, wish=APPEND):
        """Recorded, its wish kept, and given back to be looked at in a long time."""
        event = file_validated(task_id=UUID(int=number + 1))
        told = {"accepted_at": NOW + timedelta(seconds=number), "datasource": datasource}
        await self.ingestions.record(Envelope(event.id, event.source, event.time, event.data.model_copy(update=told)))
        (held,) = await self.ingestions.lease({Phase.SUBMITTING}, 1000)
        turn = await self.ingestions.turn(held, wish)
        await self.ingestions.wait(held, timedelta(days=1))
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


async def test_whoever_needs_two_slots_gets_them_when_they_are_free_and_before_those_behind_it(queue):
    await queue.admission.keep(Capacity(2, 2, 0))
    await queue.comes(0, "sales")
    await queue.comes(1, "ranged", RANGE)
    await queue.comes(2, "stock")
    await asyncio.gather(*(queue.admission.admit() for _ in range(4)))
    (first,) = await queue.admitted()
    assert first.datasource == "sales"
    await queue.done([first])
    await asyncio.gather(*(queue.admission.admit() for _ in range(4)))
    ranged, behind = sorted(await queue.admitted(), key=lambda each: each.task_id)
    assert await queue.ingestions.turn(ranged, RANGE) == Now(2)
    assert await queue.ingestions.turn(behind, APPEND) == Now(1)


async def test_whoever_needs_more_than_others_leave_waits_and_holds_up_nobody(queue):
    await queue.admission.keep(Capacity(2, 2, used=1))
    for number in range(3):
        await queue.comes(number, f"ranged{number}", RANGE)
    assert await queue.comes(3, "ranged3", RANGE) == Later(WaitsFor.SLOT)
    await queue.comes(4, "sales")
    await queue.comes(5, "stock")
    await queue.admission.admit()
    held = await queue.admitted()
    assert {each.datasource for each in held} == {"sales", "stock"}
    await queue.done(held)
    await queue.admission.keep(Capacity(2, 2, 0))
    await queue.admission.admit()
    (ranged,) = await queue.admitted()
    assert await queue.ingestions.turn(ranged, RANGE) == Now(2)


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
    await queue.ingestions.step_back(held, timedelta(0), WaitsFor.PAUSED)
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
    await queue.ingestions.step_back(first, timedelta(seconds=0.5), WaitsFor.LOCK)
    assert await queue.ingestions.turn(first, REPLACE) == Later(WaitsFor.LOCK)
    await queue.admission.admit()
    (third,) = await queue.admitted()
    assert third.datasource == "store"
    await queue.done([second, third])
    async with asyncio.timeout(20):
        while await queue.ingestions.turn(first, REPLACE) != Now(1):
            if queue.clock:
                queue.clock.advance(0.3)
            await queue.admission.admit()
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("renewed", [False, True])
async def test_whoever_is_admitted_while_it_is_held_is_due_once_it_is_given_back(queue, renewed):
    await queue.admission.keep(FOUR)
    event = file_validated()
    await queue.ingestions.record(event)
    (held,) = await queue.ingestions.lease({Phase.SUBMITTING}, 10)
    await queue.ingestions.turn(held, APPEND)
    await queue.admission.admit()  # by another replica, between question and wait
    if renewed:
        await queue.ingestions.renew([held])
    await queue.ingestions.wait(held, timedelta(days=1))
    (woken,) = await queue.admitted()
    assert isinstance(await queue.ingestions.turn(woken, APPEND), Now)


async def test_what_was_given_back_is_not_held_again(queue):
    await queue.ingestions.record(file_validated())
    (held,) = await queue.ingestions.lease({Phase.SUBMITTING}, 10)
    await queue.ingestions.wait(held, timedelta(0))
    await queue.ingestions.renew([held])
    assert len(await queue.ingestions.lease({Phase.SUBMITTING}, 10)) == 1


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
