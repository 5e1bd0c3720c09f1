"""The rows of ingestions on a real Postgres, with two replicas; what is said of them, by outbox and on S3."""

import asyncio
import sys
from datetime import timedelta
from uuid import uuid4

import pytest
from ingestions_in_memory import nothing_is_paused

from druid_submitter.adapters.admission import ONE_AT_A_TIME, PostgresAdmission
from druid_submitter.adapters.outcomes import OutcomeDelivery
from druid_submitter.adapters.postgres import SCHEMA, PostgresIngestions
from druid_submitter.app import migrate
from druid_submitter.domain.ingestion import Phase
from druid_submitter.domain.interval import ALL_TIME
from druid_submitter.domain.turn import Now, to_load
from druid_submitter.settings import SubmitterSettings
from druid_submitter.usecases.patience import Patience
from druid_submitter.usecases.progress import TellProgress
from druid_submitter.usecases.steps import Steps
from sluice import outbox, postgres
from sluice.clock import utc_now
from sluice.contracts import DruidMode
from sluice.errors import Permanent, Transient
from sluice.events import Envelope, Outcome, Problem, Receipt, TaskCommand, TaskCompleted, follow
from sluice.messaging import decode_structured
from sluice.objectstore import open_objectstore
from sluice.testing import NOW, RecordingPublisher, file_validated

pytestmark = pytest.mark.real


@pytest.fixture
def settings(environment):
    return SubmitterSettings()


@pytest.fixture
async def pool(settings):
    await asyncio.gather(migrate(settings), migrate(settings))  # twice at once: one waits for the other
    async with postgres.open_pool(settings.postgres_dsn.get_secret_value()) as pool:
        await pool.execute("TRUNCATE submitter.ingestions, submitter.cancels, submitter.outbox")
        yield pool


class Replica(PostgresIngestions):
    async def lease(self, phases=tuple(Phase), limit=10):
        return await super().lease(phases, limit)


@pytest.fixture
def one(pool):
    return Replica(pool, lease_seconds=30)


def command(task_id, kind="cancel", **more):
    asked = TaskCommand(task_id=task_id, command=kind, requested_at=NOW, **more)
    return Envelope(str(uuid4()), "sluice/gateway", NOW, asked)


def outcome_of(event, outcome=Outcome.SUCCEEDED):
    fact = event.data
    done = TaskCompleted(
        task_id=fact.task_id,
        datasource="sales",
        filename="a.csv",
        accepted_at=NOW,
        outcome=outcome,
        rows=Receipt(),
        completed_at=NOW,
    )
    return follow(event, done, source="sluice/druid-submitter", time=NOW)


async def test_a_replica_that_is_gone_while_it_admits_holds_nobody_up(one, pool):
    await one.record(file_validated())
    (ingestion,) = await one.lease()
    wish = to_load(DruidMode.REPLACE, ALL_TIME)
    await one.turn(ingestion, wish)
    async with pool.acquire() as gone:
        await gone.execute("BEGIN")
        await gone.execute(ONE_AT_A_TIME.replace("$1", "'200ms'"))
        async with asyncio.timeout(10):
            await PostgresAdmission(pool, tasks_per_slot=1, unknown_slots=1, paused=nothing_is_paused).admit()
        assert await one.turn(ingestion, wish) == Now(1)
        with pytest.raises(Transient), postgres.translate_postgres_errors():
            await gone.execute("COMMIT")


async def test_a_transaction_that_does_not_end_keeps_its_locks_from_nobody(one, pool, settings):
    await one.record(file_validated())
    locked = asyncio.Event()

    async def hang(of_hanging):
        async with postgres.transaction(of_hanging) as connection:
            await connection.execute(ONE_AT_A_TIME, "30s")
            locked.set()
            await connection.execute("SELECT pg_sleep(60)")

    async with postgres.open_pool(settings.postgres_dsn.get_secret_value(), longest="1s") as of_hanging:
        hanging = asyncio.create_task(hang(of_hanging))
        await locked.wait()
        async with asyncio.timeout(10):
            await PostgresAdmission(pool, tasks_per_slot=1, unknown_slots=1, paused=nothing_is_paused).admit()
        with pytest.raises(Transient):
            await hanging


async def test_a_postgres_without_a_limit_for_transactions_serves_too(settings, monkeypatch):
    monkeypatch.setattr(postgres, "TRANSACTION_TIMEOUT", "sluice_limit")
    async with postgres.open_pool(settings.postgres_dsn.get_secret_value()) as pool:
        assert await pool.fetchval("SELECT 1") == 1
        assert await pool.fetchval("SHOW idle_in_transaction_session_timeout") == postgres.SILENCE


async def test_a_verdict_is_recorded_once(one):
    event = file_validated()
    recorded = await asyncio.gather(*(one.record(event) for _ in range(8)))
    assert sorted(recorded) == [False] * 7 + [True]
    (ingestion,) = await one.lease()
    assert ingestion.cause == event
    assert ingestion.phase is Phase.SUBMITTING


async def test_a_cancel_is_kept_before_and_after_its_task_and_wakes_it(one):
    early, late = file_validated(), file_validated()
    await one.cancel(command(early.data.task_id))
    for event in (early, late):
        await one.record(event)
    held = {each.task_id: each for each in await one.lease()}
    assert held[early.data.task_id].cancelled
    assert not held[late.data.task_id].cancelled
    await one.wait(held[late.data.task_id], timedelta(hours=1))
    await asyncio.gather(*(one.cancel(command(late.data.task_id)) for _ in range(4)))
    (woken,) = await one.lease()
    assert (woken.task_id, woken.cancelled) == (late.data.task_id, True)


async def test_a_retraction_is_recorded_once_as_a_task_of_its_own(one):
    about = {"datasource": "sales", "filename": "a.csv", "accepted_at": NOW}
    asked = command(uuid4(), "retract", retraction=uuid4(), **about)
    assert sorted(await asyncio.gather(*(one.record(asked) for _ in range(4)))) == [False] * 3 + [True]
    (held,) = await one.lease()
    assert (held.cause, held.task_id, held.phase) == (asked, asked.data.retraction, Phase.SUBMITTING)


async def test_two_replicas_never_hold_the_same_ingestion(one, pool):
    other = Replica(pool, lease_seconds=30)
    for _ in range(15):
        await one.record(file_validated())
    first, second = await asyncio.gather(one.lease(), other.lease())
    held = [each.task_id for each in first + second]
    assert len(held) == len(set(held)) == 15


async def test_who_lost_the_lease_changes_nothing_and_says_nothing(one, pool):
    event = file_validated()
    await one.record(event)
    (stale,) = await one.lease()
    await pool.execute("UPDATE submitter.ingestions SET leased_until = now(), due_at = now()")
    (fresh,) = await one.lease()
    await one.conclude(stale, outcome_of(event))
    await one.clearing(stale, Problem(code="late", message="m"))
    assert await pool.fetchval("SELECT count(*) FROM submitter.outbox") == 0
    await one.conclude(fresh, outcome_of(event))
    assert await pool.fetchval("SELECT phase FROM submitter.ingestions") == "concluded"
    assert await pool.fetchval("SELECT count(*) FROM submitter.outbox") == 1


async def test_a_step_that_takes_longer_than_a_lease_is_taken_over_by_nobody(pool):
    one, other = (Replica(pool, lease_seconds=3) for _ in range(2))
    await one.record(file_validated())
    (held,) = await one.lease()
    until, taken = await pool.fetchval("SELECT leased_until FROM submitter.ingestions"), []

    async def slow(ingestion):
        while not await pool.fetchval("SELECT now() > $1", until):
            await asyncio.sleep(0.1)
        taken.extend(await other.lease())
        await one.wait(ingestion, timedelta(0))

    patience = Patience(one, TellProgress(RecordingPublisher(), utc_now), utc_now)
    await Steps(one, patience, timedelta(seconds=3), timedelta(minutes=1)).take([held], slow)
    assert taken == []
    (next_one,) = await other.lease()
    assert next_one.polls == held.polls + 1


async def test_a_lease_that_is_over_is_not_renewed(one, pool):
    await one.record(file_validated())
    (held,) = await one.lease()
    await pool.execute("UPDATE submitter.ingestions SET leased_until = now(), due_at = now()")
    await one.renew([held])
    (taken_over,) = await one.lease()
    until = await pool.fetchval("SELECT leased_until FROM submitter.ingestions")
    await one.renew([held])
    assert await pool.fetchval("SELECT leased_until FROM submitter.ingestions") == until
    await one.renew([taken_over])
    assert await pool.fetchval("SELECT leased_until FROM submitter.ingestions") > until


async def test_an_ingestion_waits_until_it_is_due(one):
    await one.record(file_validated())
    (held,) = await one.lease()
    await one.wait(held, timedelta(hours=1), unknown=True)
    assert await one.lease() == []


async def test_rows_are_missing_since_the_first_of_all_looks_in_a_row_that_miss_them(one):
    await one.record(file_validated())

    async def look(*, missing):
        (held,) = await one.lease()
        await one.wait(held, timedelta(0), missing=missing)
        return held.missing_for

    found = [await look(missing=missing) for missing in (True, True, True, False, True, True)]
    none = timedelta(0)
    assert found[0] == found[4] == none < found[1] < found[2] < found[3]
    (held,) = await one.lease()
    assert held.missing_for > none
    await one.clearing(held, Problem(code="late", message="m"))
    (held,) = await one.lease()
    assert held.missing_for == none


async def test_the_outbox_delivers_in_order_keeps_what_failed_and_shares_between_replicas(one, pool):
    events = [file_validated() for _ in range(5)]
    for event in events:
        await one.record(event)
    for held in await one.lease():
        await one.conclude(held, outcome_of(held.cause))
    delivered = []

    async def deliver(envelope):
        if len(delivered) == 2:
            raise Transient("Kafka is down")
        delivered.append(envelope.data.task_id)

    with pytest.raises(Transient):
        await outbox.relay(pool, SCHEMA, deliver)
    assert await pool.fetchval("SELECT count(*) FROM submitter.outbox") == 5
    publisher = RecordingPublisher()
    counts = await asyncio.gather(*(outbox.relay(pool, SCHEMA, publisher.publish) for _ in range(3)))
    assert sum(counts) == 5
    assert {each.data.task_id for each in publisher.published} == {event.data.task_id for event in events}


async def test_a_batch_of_the_outbox_that_takes_long_ends_before_it_is_through(one, pool, monkeypatch):
    events = [file_validated() for _ in range(3)]
    for event in events:
        await one.record(event)
    for held in await one.lease():
        await one.conclude(held, outcome_of(held.cause))
    publisher = RecordingPublisher()
    monkeypatch.setattr(sys.modules[outbox.relay.__module__], "SECONDS", 0.0)
    counts = [await outbox.relay(pool, SCHEMA, publisher.publish) for _ in range(4)]
    assert (counts, len(publisher.published)) == ([1, 1, 1, 0], 3)


async def test_what_can_never_be_told_holds_up_nothing_of_what_is_told_after_it(one, pool, monkeypatch):
    for _ in range(3):
        await one.record(file_validated())
    concluded = await one.lease()
    for held in concluded:
        await one.conclude(held, outcome_of(held.cause))
    first, *others = (held.task_id for held in concluded)
    published = []

    async def deliver(envelope):
        if envelope.data.task_id == first:
            raise Permanent("what stands on S3 cannot be read")
        published.append(envelope.data.task_id)

    monkeypatch.setattr(sys.modules[outbox.relay.__module__], "BATCH", 1)
    with pytest.raises(Transient, match="cannot be read"):
        await outbox.relay(pool, SCHEMA, deliver)
    assert [await outbox.relay(pool, SCHEMA, deliver) for _ in range(2)] == [1, 1]
    with pytest.raises(Transient, match="cannot be read"):
        await outbox.relay(pool, SCHEMA, deliver)
    assert published == others
    assert await pool.fetchval("SELECT count(*) FROM submitter.outbox") == 1


async def test_a_replica_that_is_stopped_while_it_tells_keeps_nothing_to_itself(one, pool, settings):
    event = file_validated()
    await one.record(event)
    (held,) = await one.lease()
    await one.conclude(held, outcome_of(event))
    stopped, woken = asyncio.Event(), asyncio.Event()

    async def deliver(_envelope):
        stopped.set()
        await woken.wait()

    publisher = RecordingPublisher()
    async with postgres.open_pool(settings.postgres_dsn.get_secret_value(), silence="1s") as of_stopped:
        telling = asyncio.create_task(outbox.relay(of_stopped, SCHEMA, deliver))
        await stopped.wait()
        assert await outbox.relay(pool, SCHEMA, publisher.publish) == 0
        async with asyncio.timeout(10):
            while not await outbox.relay(pool, SCHEMA, publisher.publish):
                await asyncio.sleep(0.1)
        woken.set()
        with pytest.raises(Transient):
            await telling
    assert [each.data.task_id for each in publisher.published] == [event.data.task_id]


async def test_a_concluded_task_repeats_its_outcome(one, pool):
    event = file_validated()
    await one.record(event)
    await one.repeat_outcome(event.data.task_id)
    (held,) = await one.lease()
    await one.conclude(held, outcome_of(event))
    publisher = RecordingPublisher()
    await outbox.relay(pool, SCHEMA, publisher.publish)
    await one.repeat_outcome(event.data.task_id)
    await outbox.relay(pool, SCHEMA, publisher.publish)
    assert len(publisher.published) == 2
    assert publisher.published[0] == publisher.published[1]


async def test_the_first_outcome_on_s3_stands_even_if_the_database_was_restored(settings):
    event = file_validated()
    async with open_objectstore(settings) as store:
        publisher = RecordingPublisher()
        deliver = OutcomeDelivery(store, publisher)
        await deliver(outcome_of(event))
        await deliver(outcome_of(event, Outcome.FAILED))
        stands = decode_structured(await store.get(f"outcomes/2026-03-01/{event.data.task_id}.json"))
    assert [each.data.outcome for each in publisher.published] == [Outcome.SUCCEEDED] * 2
    assert stands == publisher.published[0]
