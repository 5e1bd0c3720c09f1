"""The status-tracker, wired. The only place that knows all of its parts."""

from contextlib import AsyncExitStack
from pathlib import Path

from fastapi import FastAPI

from sluice import messaging, postgres
from sluice.auth.access import protect
from sluice.auth.authenticator import make_authenticator
from sluice.http import Probes, create_api
from sluice.messaging import Vet
from sluice.objectstore import open_objectstore
from sluice.publishers import open_vetting
from sluice.settings import PostgresSettings
from status_tracker.adapters.files import SCHEMA, PostgresTaskFiles
from status_tracker.adapters.reports import S3Reports
from status_tracker.adapters.tasks import PostgresTasks
from status_tracker.handlers import SERVICE, on_every_event
from status_tracker.routes import Sources, router
from status_tracker.settings import TrackerSettings
from status_tracker.usecases import RebuildTasks, RecordEvent

DESCRIPTION = "Tells what became of every file: its state, its rows at each station, its events and its report."
MIGRATIONS = Path(__file__).parent / "migrations" / "versions"


async def migrate(settings: PostgresSettings) -> None:
    """Bring the schema `tracker` up to date."""
    await postgres.migrate(settings.postgres_dsn.get_secret_value(), SCHEMA, MIGRATIONS)


async def rebuild(settings: PostgresSettings) -> int:
    """Show every task anew from the event log; returns how many. Safe while trackers run."""
    async with postgres.open_pool(settings.postgres_dsn.get_secret_value()) as pool:
        return await RebuildTasks(PostgresTaskFiles(pool))()


def create_app(settings: TrackerSettings) -> FastAPI:
    """Consumes while it serves; starts also when nothing it needs answers yet."""

    vet = open_vetting(settings.publishers_file)

    async def open_parts(api: FastAPI, stack: AsyncExitStack, probes: Probes) -> None:
        api.state.sources = await _open(settings, vet, stack, probes)

    api = create_api("Sluice status-tracker", DESCRIPTION, open_parts)
    protect(api, make_authenticator(settings))
    api.include_router(router)
    return api


async def _open(settings: TrackerSettings, vet: Vet, stack: AsyncExitStack, probes: Probes) -> Sources:
    pool = await stack.enter_async_context(postgres.open_pool(settings.postgres_dsn.get_secret_value()))
    store = await stack.enter_async_context(open_objectstore(settings))
    broker = messaging.create_broker(settings.kafka_bootstrap, f"sluice.{SERVICE}")
    publisher = messaging.KafkaPublisher(broker)
    delivery = on_every_event(broker, publisher, RecordEvent(PostgresTaskFiles(pool)), vet)

    await stack.enter_async_context(messaging.connected(broker))
    probes.alive.update(consumer=lambda: messaging.consuming(broker))
    probes.ready.update(
        kafka=lambda: messaging.answers(broker),
        dead_letters=delivery.reading,
        postgres=lambda: postgres.answers(pool),
    )
    return Sources(PostgresTasks(pool), S3Reports(store))
