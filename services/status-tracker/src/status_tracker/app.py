"""The tracker, put together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib.resources import as_file, files

from fastapi import FastAPI

from sluice import messaging, postgres
from sluice.http import Probes, create_api
from sluice.messaging import connected, create_broker
from sluice.objectstore import open_objectstore
from sluice.postgres import open_pool
from sluice.settings import PostgresSettings
from status_tracker.adapters.files import PostgresTaskFiles
from status_tracker.adapters.reports import S3Reports
from status_tracker.adapters.tasks import PostgresTasks
from status_tracker.handlers import SERVICE, on_every_event
from status_tracker.routes import Sources, router
from status_tracker.settings import TrackerSettings
from status_tracker.usecases import RebuildTasks, RecordEvent

DESCRIPTION = "Tells what became of every file: its state, its rows at each station, its events and its report."


def create_app(settings: TrackerSettings) -> FastAPI:
    """Consumes while it serves; starts also when nothing it needs answers yet."""
    broker = create_broker(settings.kafka_bootstrap, f"sluice.{SERVICE}")

    @asynccontextmanager
    async def lifespan(api: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            pool = await stack.enter_async_context(open_pool(settings.postgres_dsn.get_secret_value()))
            store = await stack.enter_async_context(open_objectstore(settings))
            api.state.pool = pool
            api.state.sources = Sources(PostgresTasks(pool), S3Reports(store))
            delivery = on_every_event(broker, RecordEvent(PostgresTaskFiles(pool)))
            probes.ready["dead_letters"] = delivery.reading
            await stack.enter_async_context(connected(broker))
            yield

    async def postgres_answers() -> bool:
        return await postgres.answers(api.state.pool)

    probes = Probes(
        alive={"consumer": partial(messaging.consuming, broker)},
        ready={"kafka": partial(messaging.answers, broker), "postgres": postgres_answers},
    )
    api = create_api("Sluice status tracker", DESCRIPTION, lifespan, probes)
    api.include_router(router)
    return api


async def migrate(settings: PostgresSettings) -> None:
    """Bring the schema `tracker` up to date."""
    with as_file(files("status_tracker") / "migrations" / "versions") as versions:
        await postgres.migrate(settings.postgres_dsn.get_secret_value(), "tracker", versions)


async def rebuild(settings: PostgresSettings) -> int:
    """Show every task anew from the event log; returns how many. Safe while trackers run."""
    async with open_pool(settings.postgres_dsn.get_secret_value()) as pool:
        return await RebuildTasks(PostgresTaskFiles(pool))()
