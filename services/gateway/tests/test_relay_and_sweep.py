import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from gateway.adapters.s3_commands import S3Commands
from gateway.adapters.s3_ledger import S3Ledger
from gateway.errors import BacklogFull
from gateway.ports import Acceptance
from gateway.usecases import Backlog, Relay, SweepCommands, SweepUnconcluded
from gateway.usecases.relay import BATCH
from gateway.usecases.sweep import LONGEST_WAIT
from sluice.errors import ObjectDenied, Transient
from sluice.events import Envelope, FileFormat, FileUploaded, ObjectRef, TaskCommand, accepted, day_of
from sluice.ledger import accepted_key, accepted_prefix, command_key, outcome_key
from sluice.messaging import encode_structured
from sluice.tasks import Tasks

AT = datetime(2026, 3, 4, 5, 6, 7, 891000, tzinfo=UTC)


def acceptance(task_id: UUID | None = None, at: datetime = AT) -> Acceptance:
    return accepted(
        FileUploaded(
            task_id=task_id or uuid4(),
            datasource="sales",
            filename="a.csv",
            accepted_at=at,
            format=FileFormat.CSV,
            object=ObjectRef(uri="s3://sluice/raw/a.csv", size=1),
        )
    )


async def test_the_relay_publishes_everything_it_was_handed(events: Any) -> None:
    relay = Relay(events, room=1000)
    batch = [acceptance() for _ in range(BATCH * 2 + 1)]
    assert all(relay.hand_over(each) for each in batch)
    for _ in range(3):
        assert await relay()
    assert {each.id for each in events.published} == {each.id for each in batch}
    assert len(events.published) == len(batch)


async def test_what_kafka_did_not_take_stays_and_goes_later_unchanged(events: Any) -> None:
    relay, one = Relay(events, room=10), acceptance()
    relay.hand_over(one)
    events.down = True
    for _ in range(3):
        with pytest.raises(Transient):
            await relay()
    events.down = False
    await relay()
    assert events.published == [one]


async def test_a_full_relay_says_so_and_a_task_in_it_is_not_taken_twice(events: Any) -> None:
    relay, one = Relay(events, room=1), acceptance()
    assert relay.hand_over(one)
    assert relay.hand_over(replace(one))
    assert not relay.hand_over(acceptance())
    await relay()
    assert events.published == [one]


async def test_an_idle_relay_wakes_for_news(events: Any) -> None:
    relay, one = Relay(events, room=1), acceptance()
    waiting = asyncio.create_task(relay())
    await asyncio.sleep(0)
    relay.hand_over(one)
    async with asyncio.timeout(2):
        assert await waiting
    assert events.published == [one]


class Sweeping:
    """Sweep and relay over a bucket in memory; `told` are the tasks published by one round."""

    def __init__(self, store: Any, events: Any, clock: Any) -> None:
        self.store, self.events, self.clock = store, events, clock
        clock.now = AT + timedelta(minutes=1)
        self.ledger, self.relay = S3Ledger(store), Relay(events, room=5)
        after, after_start = timedelta(seconds=60), timedelta(seconds=10)
        self.backlog = Backlog(most=3)
        self.leads = True
        self.sweep = SweepUnconcluded(
            self.ledger, self.relay, self.backlog, clock, after, after_start, days=2, leads=lambda: self.leads
        )

    async def accept(self, at: datetime = AT) -> Acceptance:
        one = acceptance(at=at)
        assert await self.ledger.record(one)
        return one

    async def told(self, after: float = 0) -> list[Any]:
        self.clock.forward(after)
        self.events.published.clear()
        assert await self.sweep() is False
        if self.relay._waiting:
            await self.relay()
        return list(self.events.published)


@pytest.fixture
def sweeping(store: Any, events: Any, clock: Any) -> Sweeping:
    return Sweeping(store, events, clock)


async def test_a_task_without_outcome_is_told_again_identically_and_ever_more_rarely(sweeping: Sweeping) -> None:
    one = await sweeping.accept()
    assert await sweeping.told() == []
    assert await sweeping.told(after=9) == []
    assert await sweeping.told(after=1) == [one]
    assert await sweeping.told(after=59) == []
    assert await sweeping.told(after=1) == [one]
    assert await sweeping.told(after=119) == []
    assert await sweeping.told(after=1) == [one]
    for _ in range(8):
        assert await sweeping.told(after=LONGEST_WAIT.total_seconds()) == [one]


async def test_a_task_accepted_while_we_run_gets_its_full_time(sweeping: Sweeping) -> None:
    await sweeping.told()
    one = await sweeping.accept()
    assert await sweeping.told() == []
    assert await sweeping.told(after=59) == []
    assert await sweeping.told(after=1) == [one]


async def test_tasks_with_an_outcome_are_left_alone_whatever_their_order(sweeping: Sweeping) -> None:
    tasks = [await sweeping.accept() for _ in range(4)]
    by_name = sorted(tasks, key=lambda each: str(each.data.task_id))
    for concluded in (by_name[0], by_name[2]):
        sweeping.store.objects[outcome_key(AT, concluded.data.task_id)] = b"{}"
    for stranger in (UUID(int=1), UUID(int=2), uuid4()):
        sweeping.store.objects[outcome_key(AT, stranger)] = b"{}"
    await sweeping.told()
    assert await sweeping.told(after=10) == [by_name[1], by_name[3]]
    sweeping.store.objects[outcome_key(AT, by_name[1].data.task_id)] = b"{}"
    assert await sweeping.told(after=60) == [by_name[3]]
    assert set(sweeping.sweep._watched) == {by_name[3].data.task_id}


async def test_only_exact_names_of_the_last_days_count(sweeping: Sweeping) -> None:
    one = await sweeping.accept(AT - timedelta(days=2))
    await sweeping.accept(AT - timedelta(days=3))
    folder = accepted_prefix(day_of(AT))
    names = [f"{uuid4()}.json-{uuid4()}", str(uuid4()), f"{uuid4().hex}.json", f"{uuid4()}.JSON", "readme"]
    sweeping.store.objects |= {folder + name: encode_structured(acceptance()) for name in names}
    await sweeping.told()
    assert set(sweeping.sweep._watched) == {one.data.task_id}
    assert await sweeping.told(after=10) == [one]


async def test_a_broken_record_does_not_stop_the_others(sweeping: Sweeping) -> None:
    one, stranger = await sweeping.accept(), acceptance()
    await sweeping.ledger.record(stranger)
    document = sweeping.store.objects.pop(accepted_key(AT, stranger.data.task_id))
    sweeping.store.objects |= {accepted_key(AT, uuid4()): b"{", accepted_key(AT, uuid4()): document}
    await sweeping.told()
    assert await sweeping.told(after=10) == [one]


async def test_a_record_that_s3_does_not_let_us_at_does_not_stop_the_others(sweeping: Sweeping, fault: Any) -> None:
    one, denied = await sweeping.accept(), await sweeping.accept()
    await sweeping.told()
    sweeping.store.faults.append(fault("get", accepted_key(AT, denied.data.task_id), error=ObjectDenied))
    assert await sweeping.told(after=10) == [one]
    assert {each.id for each in await sweeping.told(after=60)} == {one.id, denied.id}


async def test_no_room_in_the_relay_postpones_and_loses_nothing(sweeping: Sweeping) -> None:
    tasks = {(await sweeping.accept()).id for _ in range(12)}
    await sweeping.told()
    told = set()
    for expected in (5, 5, 2):
        published = await sweeping.told(after=10)
        assert len(published) == expected
        told |= {each.id for each in published}
    assert told == tasks


async def test_storage_that_does_not_answer_is_waited_out(sweeping: Sweeping, fault: Any) -> None:
    one = await sweeping.accept()
    await sweeping.told()
    sweeping.store.faults.append(fault("get", "accepted/"))
    with pytest.raises(Transient):
        await sweeping.told(after=10)
    assert await sweeping.told() == [one]


async def test_the_backlog_is_counted_whatever_is_told(sweeping: Sweeping) -> None:
    tasks = [await sweeping.accept() for _ in range(12)]
    await sweeping.told(after=10)
    assert sweeping.backlog.counted == 12
    with pytest.raises(BacklogFull):
        sweeping.backlog.require_room()
    for one in tasks[1:]:
        sweeping.store.objects[outcome_key(AT, one.data.task_id)] = b"{}"
    await sweeping.told()
    sweeping.backlog.grown()
    sweeping.backlog.require_room()
    sweeping.backlog.grown()
    with pytest.raises(BacklogFull):
        sweeping.backlog.require_room()


async def test_a_day_that_is_over_is_listed_once_an_hour(sweeping: Sweeping) -> None:
    await sweeping.told()
    old = await sweeping.accept(AT - timedelta(days=2))
    assert await sweeping.told(after=LONGEST_WAIT.total_seconds() - 1) == []
    assert sweeping.backlog.counted == 0
    await sweeping.told(after=1)
    assert await sweeping.told(after=60) == [old]


async def test_a_replica_that_does_not_lead_counts_and_tells_nothing(sweeping: Sweeping) -> None:
    one = await sweeping.accept()
    sweeping.leads = False
    assert await sweeping.told() == await sweeping.told(after=3600) == []
    assert sweeping.backlog.counted == 1
    sweeping.leads = True
    assert await sweeping.told() == [one]


@pytest.mark.parametrize("hindrance", ["record denied", "outcome denied", "outcome broken"])
async def test_a_command_of_which_too_little_can_be_read_does_not_stop_the_others(
    store: Any, events: Any, clock: Any, fault: Any, hindrance: str
) -> None:
    clock.now = AT
    relay, commands = Relay(events, room=5), S3Commands(store)
    sweep = SweepCommands(commands, Tasks(store), relay, clock, timedelta(seconds=60), days=1)
    asked = [
        Envelope(str(uuid4()), "sluice/gateway", AT, cancel)
        for cancel in (
            TaskCommand(task_id=uuid4(), command="cancel", requested_at=AT, accepted_at=AT) for _ in range(2)
        )
    ]
    hindered, other = sorted(asked, key=lambda each: each.id)
    for each in asked:
        await commands.record(each)
    await sweep()
    outcome = outcome_key(AT, hindered.data.task_id)
    match hindrance:
        case "record denied":
            store.faults.append(fault("get", command_key(AT, UUID(hindered.id)), error=ObjectDenied))
        case "outcome denied":
            store.faults.append(fault("get", outcome, error=ObjectDenied))
        case "outcome broken":
            store.objects[outcome] = b"{"
    clock.forward(60)
    await sweep()
    await relay()
    assert events.published == [other]
    store.objects.pop(outcome, None)
    clock.forward(LONGEST_WAIT.total_seconds())
    await sweep()
    await relay()
    assert {each.id for each in events.published[1:]} == {hindered.id, other.id}
