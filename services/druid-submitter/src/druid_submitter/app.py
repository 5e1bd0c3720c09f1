"""The druid-submitter, wired. The only place that knows all of its parts."""

from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

from fastapi import FastAPI

from druid_submitter.adapters.admission import PostgresAdmission
from druid_submitter.adapters.druid import HttpDruidTasks
from druid_submitter.adapters.evidence import S3Evidence
from druid_submitter.adapters.outcomes import OutcomeDelivery
from druid_submitter.adapters.pace import PostgresPace
from druid_submitter.adapters.paused import PausedOnS3
from druid_submitter.adapters.postgres import SCHEMA, PostgresIngestions
from druid_submitter.domain.failure import Attempts
from druid_submitter.handlers import SERVICE, on_file_validated, on_task_command
from druid_submitter.jobs import advance_jobs, relay_outbox
from druid_submitter.settings import SubmitterSettings
from druid_submitter.usecases import AbandonTask, Limits, RecordCommand, RecordVerdict, World, advance_ingestions
from sluice import messaging, outbox, postgres
from sluice.clock import utc_now
from sluice.contracts import ContractStore
from sluice.druid import open_druid
from sluice.http import Probes, create_api
from sluice.jobs import running
from sluice.messaging import Vet
from sluice.objectstore import open_objectstore
from sluice.pauses import Pauses
from sluice.proof import ProveStorage
from sluice.publishers import open_vetting
from sluice.tasks import Tasks

DESCRIPTION = "Health of the service that concludes tasks."
QUESTIONS = 20
"""More than Druid is asked in one step."""
SHORTEST_LIMIT = 240.0
"""Seconds that a step has however quickly Druid must answer: Postgres and S3 are asked as well."""
MIGRATIONS = Path(__file__).parent / "migrations" / "versions"


async def migrate(settings: SubmitterSettings) -> None:
    """Bring the schema `submitter` up to date."""
    await postgres.migrate(settings.postgres_dsn.get_secret_value(), SCHEMA, MIGRATIONS)


def create_app(settings: SubmitterSettings) -> FastAPI:
    """Consumes and watches; starts also when nothing it needs answers yet."""

    vet = open_vetting(settings.publishers_file)

    async def open_parts(_api: FastAPI, stack: AsyncExitStack, probes: Probes) -> None:
        await _open(settings, vet, stack, probes)

    return create_api("Sluice druid-submitter", DESCRIPTION, open_parts)


async def _open(settings: SubmitterSettings, vet: Vet, stack: AsyncExitStack, probes: Probes) -> None:
    store = await stack.enter_async_context(open_objectstore(settings))
    pool = await stack.enter_async_context(postgres.open_pool(settings.postgres_dsn.get_secret_value()))
    broker = messaging.create_broker(settings.kafka_bootstrap, f"sluice.{SERVICE}")
    publisher = messaging.KafkaPublisher(broker)
    druid = HttpDruidTasks(await stack.enter_async_context(open_druid(settings)))
    ingestions, pace = PostgresIngestions(pool, settings.lease_seconds), PostgresPace(pool)
    paused = PausedOnS3(Pauses(store))
    admission = PostgresAdmission(pool, settings.druid_tasks_per_slot, settings.druid_unknown_slots, paused)
    contracts, tasks = ContractStore(store), Tasks(store)
    evidence = S3Evidence(store)
    world = World(ingestions, admission, paused, pace, druid, contracts, tasks, tasks, evidence, publisher, utc_now)
    deliver, prove = OutcomeDelivery(store, publisher), ProveStorage(store)
    attempts = Attempts(settings.ingestion_attempts, timedelta(seconds=settings.attempt_pause_seconds))
    lease = timedelta(seconds=settings.lease_seconds)
    time_limit = timedelta(minutes=settings.ingestion_time_limit_minutes)
    step = timedelta(seconds=max(QUESTIONS * settings.druid_answer_seconds, SHORTEST_LIMIT))
    limits = Limits(settings.batch_size, lease, step, attempts, time_limit)
    advance = advance_ingestions(world, limits)
    jobs = (*advance_jobs(advance, step), relay_outbox(prove, lambda: outbox.relay(pool, SCHEMA, deliver)))
    verdicts = on_file_validated(broker, publisher, RecordVerdict(ingestions), AbandonTask(ingestions))
    commands = on_task_command(broker, publisher, RecordCommand(ingestions), vet)

    async def reading() -> bool:
        return await verdicts.reading() and await commands.reading()

    async def storage_is_sound() -> bool:
        return prove.proven and await store.answers()

    await stack.enter_async_context(messaging.connected(broker))
    await stack.enter_async_context(running(*jobs))
    probes.alive.update({job.name: job.alive for job in jobs}, consumer=lambda: messaging.consuming(broker))
    probes.ready.update(
        kafka=lambda: messaging.answers(broker),
        dead_letters=reading,
        postgres=lambda: postgres.answers(pool),
        s3=storage_is_sound,
        druid=druid.answers,
    )
