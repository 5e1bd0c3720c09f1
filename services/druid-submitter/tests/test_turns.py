"""Whose turn it is in a datasource: the same scenarios on the fake and on Postgres."""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from ingestions_in_memory import InMemoryAdmission, InMemoryIngestions, nothing_is_paused

from druid_submitter.adapters.admission import PostgresAdmission
from druid_submitter.adapters.postgres import PostgresIngestions
from druid_submitter.app import migrate
from druid_submitter.domain.ingestion import Ingestion, Phase
from druid_submitter.domain.interval import ALL_TIME, Interval
from druid_submitter.domain.turn import Later, Now, Superseded, Wish, to_load, to_take_out
from druid_submitter.settings import SubmitterSettings
from sluice import postgres
from sluice.contracts import DruidMode
from sluice.events import Envelope, Outcome, Receipt, TaskCommand, TaskCompleted, follow
from sluice.testing import NOW, ManualClock, file_validated

DAYS = [Interval(NOW + timedelta(days=n), NOW + timedelta(days=n + 1)) for n in range(3)]
APPEND, REPLACE = to_load(DruidMode.APPEND, DAYS[0]), to_load(DruidMode.REPLACE, DAYS[0])
ELSEWHERE, ALL = to_load(DruidMode.REPLACE, DAYS[2]), to_load(DruidMode.REPLACE_ALL, DAYS[0])
TAKE_OUT = to_take_out(DAYS[0])


@pytest.fixture
async def queue(kind):
    if kind == "memory":
        ingestions = InMemoryIngestions(ManualClock())
        yield Queue(ingestions, InMemoryAdmission(ingestions, unknown_slots=1000, paused=nothing_is_paused))
        return
    settings = SubmitterSettings()
    await migrate(settings)
    async with postgres.open_pool(settings.postgres_dsn.get_secret_value()) as pool:
        await pool.execute("TRUNCATE submitter.ingestions, submitter.cancels, submitter.outbox")
        admission = PostgresAdmission(pool, tasks_per_slot=2, unknown_slots=1000, paused=nothing_is_paused)
        await admission.keep(None)
        yield Queue(PostgresIngestions(pool, lease_seconds=3600), admission)


@dataclass
class Queue:
    """Tasks by the number under which they were accepted, whenever their verdict comes."""

    ingestions: InMemoryIngestions | PostgresIngestions
    admission: InMemoryAdmission | PostgresAdmission
    held: dict[int, Ingestion] = field(default_factory=dict)
    wishes: dict[int, Wish] = field(default_factory=dict)

    async def comes(self, number: int, wish: Wish, datasource: str = "sales") -> None:
        at, task_id = NOW + timedelta(seconds=number), UUID(int=number + 1)
        event = file_validated(task_id=task_id)
        if wish is TAKE_OUT:
            asked = {"datasource": datasource, "filename": "a.csv", "accepted_at": NOW, "retraction": task_id}
            fact = TaskCommand(task_id=uuid4(), command="retract", requested_at=at, **asked)
            cause = Envelope(str(uuid4()), "sluice/gateway", at, fact)
        else:
            changed = event.data.model_copy(update={"accepted_at": at, "datasource": datasource})
            cause = Envelope(event.id, event.source, event.time, changed)
        assert await self.ingestions.record(cause)
        (self.held[number],) = await self.lease()
        self.wishes[number] = wish

    async def lease(self) -> list[Ingestion]:
        return await self.ingestions.lease({Phase.SUBMITTING}, 1000)

    async def turn(self, number: int) -> str:
        """Ask, as a task does that was woken or has waited."""
        await self.ingestions.turn(self.held[number], self.wishes[number])
        await self.admission.admit()
        match await self.ingestions.turn(self.held[number], self.wishes[number]):
            case Now():
                return "now"
            case Later():
                return "later"
            case Superseded():
                return "superseded"

    async def turns(self, *numbers: int) -> list[str]:
        return [await self.turn(number) for number in numbers]

    async def ends(self, number: int, outcome: Outcome = Outcome.SUCCEEDED, retracts: int | None = None) -> None:
        ingestion = self.held[number]
        told = {"task_id": ingestion.task_id, "datasource": ingestion.datasource, "filename": "a.csv"}
        if retracts is not None:
            told["retracts"] = self.held[retracts].task_id
        done = TaskCompleted(**told, accepted_at=NOW, outcome=outcome, rows=Receipt(), completed_at=NOW)
        await self.ingestions.conclude(ingestion, follow(ingestion.cause, done, source="s", time=NOW))


async def test_appends_run_beside_each_other(queue):
    for number in (2, 0, 1):
        await queue.comes(number, APPEND)
    assert await queue.turns(0, 1, 2, 2) == ["now"] * 4


@pytest.mark.parametrize("wish", [REPLACE, ELSEWHERE, ALL, TAKE_OUT])
async def test_what_rewrites_rows_runs_alone_and_in_its_order(queue, wish):
    await queue.comes(0, APPEND)
    await queue.comes(1, wish)
    await queue.comes(2, APPEND)
    await queue.comes(3, wish)
    assert await queue.turns(3, 2, 1) == ["later"] * 3
    assert await queue.turns(0, 1, 2, 3) == ["now", "later", "later", "later"]
    await queue.ends(0)
    assert await queue.turns(3, 2, 1, 1, 2) == ["later", "later", "now", "now", "later"]
    await queue.ends(1)
    assert await queue.turns(3, 2, 3) == ["later", "now", "later"]
    await queue.ends(2)
    assert await queue.turns(3) == ["now"]


async def test_a_task_whose_wish_is_not_known_yet_may_be_one_that_runs_alone(queue):
    await queue.comes(0, REPLACE)
    await queue.comes(1, APPEND)
    assert await queue.turns(1) == ["later"]


async def test_datasources_do_not_wait_for_each_other(queue):
    await queue.comes(0, ALL, "sales")
    await queue.comes(1, ALL, "stock")
    assert await queue.turns(1, 0) == ["now", "now"]


@pytest.mark.parametrize(
    ("earlier", "later", "turn"),
    [
        (REPLACE, REPLACE, "superseded"),
        (REPLACE, APPEND, "superseded"),
        (APPEND, REPLACE, "superseded"),
        (APPEND, ALL, "superseded"),
        (ALL, ELSEWHERE, "superseded"),
        (REPLACE, ELSEWHERE, "now"),
        (APPEND, ELSEWHERE, "now"),
        (APPEND, APPEND, "now"),
        (TAKE_OUT, REPLACE, "now"),
        (REPLACE, TAKE_OUT, "now"),
    ],
)
async def test_a_file_that_comes_after_a_later_one_is_superseded_where_one_takes_the_others_place(
    queue, earlier, later, turn
):
    await queue.comes(3, earlier, "elsewhere")
    await queue.comes(1, later)
    assert await queue.turns(1) == ["now"]
    await queue.comes(0, earlier)
    before = "now" if earlier is APPEND and later is APPEND else "later"
    assert await queue.turns(0) == [before]
    await queue.ends(1)
    assert await queue.turns(0) == [turn]
    for number, asked in ((0, turn == "superseded"), (3, False)):
        assert await queue.ingestions.superseded(queue.held[number], earlier) is asked


@pytest.mark.parametrize(("outcome", "turn"), [(Outcome.SUCCEEDED, "now"), (Outcome.FAILED, "superseded")])
async def test_a_later_file_whose_rows_were_taken_out_supersedes_nobody(queue, outcome, turn):
    await queue.comes(1, REPLACE)
    await queue.turns(1)
    await queue.ends(1)
    await queue.comes(2, TAKE_OUT)
    await queue.turns(2)
    await queue.ends(2, outcome, retracts=1)
    await queue.comes(0, REPLACE)
    assert await queue.turns(0) == [turn]


async def test_a_later_file_that_came_to_nothing_supersedes_nobody(queue):
    await queue.comes(1, REPLACE)
    await queue.turns(1)
    await queue.comes(0, REPLACE)
    await queue.ends(1, Outcome.FAILED)
    assert await queue.turns(0) == ["now"]


@pytest.mark.parametrize(
    ("wish", "replaced"), [(REPLACE, True), (ALL, True), (ELSEWHERE, False), (APPEND, False), (TAKE_OUT, False)]
)
async def test_only_a_later_file_that_is_loaded_over_the_same_span_has_taken_the_place_of_rows(queue, wish, replaced):
    await queue.comes(1, REPLACE)
    for number in (0, 2):
        await queue.comes(number, wish)
    assert await queue.turns(0) == ["now"]
    await queue.ends(0)
    assert await queue.turns(1) == ["now"]
    assert not await queue.ingestions.replaced(queue.held[1])
    await queue.ends(1)
    await queue.turns(2)
    await queue.ends(2)
    assert await queue.ingestions.replaced(queue.held[1]) == replaced


async def test_an_attempt_is_not_due_before_its_time(queue):
    await queue.comes(0, REPLACE)
    await queue.ingestions.try_again(queue.held[0], timedelta(days=1))
    assert await queue.ingestions.lease([Phase.SUBMITTING], 10) == []


async def test_one_that_had_its_turn_keeps_it(queue):
    await queue.comes(1, REPLACE)
    assert await queue.turns(1, 1) == ["now", "now"]
    await queue.comes(0, REPLACE)
    await queue.ingestions.resubmit(queue.held[1], 2, None)
    assert await queue.turns(1, 0, 1) == ["now", "later", "now"]


async def test_whoever_lost_the_lease_has_no_turn(queue):
    await queue.comes(0, REPLACE)
    await queue.ingestions.wait(queue.held[0], timedelta(0))
    (fresh,) = await queue.lease()
    assert await queue.turns(0) == ["later"]
    queue.held[0] = fresh
    assert await queue.turns(0) == ["now"]


async def test_whatever_ends_wakes_those_that_wait(queue):
    await queue.comes(0, REPLACE)
    await queue.comes(1, REPLACE)
    await queue.turns(0, 1)
    await queue.ingestions.wait(queue.held[1], timedelta(days=1))
    assert await queue.lease() == []
    await queue.ends(0)
    await queue.admission.admit()
    assert [each.task_id for each in await queue.lease()] == [queue.held[1].task_id]


async def test_whoever_cannot_have_his_turn_next_is_not_woken(queue):
    await queue.comes(9, REPLACE, "stock")
    for number, wish in enumerate([REPLACE, APPEND, APPEND, REPLACE, APPEND, REPLACE]):
        await queue.comes(number, wish)
    await queue.turns(9, 0, 1, 2, 3, 4, 5)
    for number in range(1, 6):
        await queue.ingestions.wait(queue.held[number], timedelta(days=1))
    await queue.ends(0)
    await queue.admission.admit()
    woken = {each.task_id for each in await queue.lease()}
    assert woken == {queue.held[number].task_id for number in (1, 2)}


async def test_of_many_that_ask_at_once_one_runs_alone(queue):
    wishes = random.Random(7).choices([APPEND, REPLACE, ELSEWHERE, ALL, TAKE_OUT], k=16)
    for number, wish in enumerate(wishes):
        await queue.comes(number, wish)
    order, open_tasks = [], set(range(16))
    while open_tasks:
        asked = random.Random(len(open_tasks)).sample(sorted(open_tasks), len(open_tasks))
        turns = dict(zip(asked, await asyncio.gather(*(queue.turn(number) for number in asked)), strict=True))
        running = [number for number, turn in turns.items() if turn == "now"]
        assert running
        assert len(running) == 1 or not any(wishes[number].alone for number in running)
        assert "superseded" not in turns.values()
        for number in running:
            await queue.ends(number)
        order += sorted(running)
        open_tasks -= set(running)
    assert order == sorted(order)


async def test_the_span_of_all_time_is_kept(queue):
    await queue.comes(0, Wish(alone=True, replaces=True, span=ALL_TIME))
    assert await queue.turns(0) == ["now"]
    assert queue.held[0].phase is Phase.SUBMITTING
