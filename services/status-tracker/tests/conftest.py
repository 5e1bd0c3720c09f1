from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from time import monotonic
from uuid import UUID, uuid4

import asyncpg
import pytest
from pydantic import SecretStr

from sluice.events import (
    Accepted,
    ContractRef,
    DruidSubmitted,
    Envelope,
    Event,
    FileFormat,
    FileUploaded,
    FileValidated,
    ObjectRef,
    Outcome,
    Receipt,
    TaskCommand,
    TaskCompleted,
    TaskProgress,
    TimeRange,
    accepted,
    follow,
)
from sluice.ledger import canonical_key, report_key
from sluice.postgres import open_pool
from sluice.settings import PostgresSettings
from sluice_local.processes import start_guard
from sluice_local.real.postgres import Postgres
from sluice_local.site import open_site
from status_tracker.app import migrate

START = datetime(2026, 3, 1, 12, tzinfo=UTC)

Story = list[Envelope[Event]]


@pytest.fixture(scope="session")
def tell() -> Callable[..., Story]:
    """Tells the events of one task that succeeds, a second apart."""
    return _story


def _story(
    task_id: UUID | None = None, *, datasource: str = "sales", at: datetime = START, corrects: UUID | None = None
) -> Story:
    task_id = task_id or uuid4()
    about = {"task_id": task_id, "datasource": datasource, "filename": "März \x00.csv", "accepted_at": at}
    run = uuid4()
    report = f"s3://sluice/{report_key(datasource, task_id, run)}"

    def later(seconds: int) -> datetime:
        return at + timedelta(seconds=seconds)

    def after(cause: Envelope[Event], data: Event, seconds: int) -> Envelope[Event]:
        return follow(cause, data, source="sluice/test", time=later(seconds))

    verdict = Accepted(
        source=10,
        accepted=9,
        rejected=1,
        contract=ContractRef(datasource=datasource, version="1.0.0"),
        canonical=(f"s3://sluice/{canonical_key(datasource, task_id, run, 0)}",),
        time_range=TimeRange(first=START, last=START),
        report=report,
    )
    rows = Receipt(source=10, accepted=9, rejected=1, ingested=9, queryable=9)
    raw = ObjectRef(uri="s3://sluice/raw/x", size=321)
    uploaded = accepted(FileUploaded(**about, format=FileFormat.CSV, object=raw, corrects=corrects))
    validating = after(uploaded, TaskProgress(task_id=task_id, stage="validating", at=later(1)), 1)
    validated = after(uploaded, FileValidated(**about, verdict=verdict), 2)
    submitted = after(validated, DruidSubmitted(**about, druid_task_id=f"sluice_{task_id}_1", attempt=1), 3)
    ingesting = after(submitted, TaskProgress(task_id=task_id, stage="ingesting", at=later(4)), 4)
    command = after(uploaded, TaskCommand(task_id=task_id, command="cancel", requested_at=later(5)), 5)
    outcome = TaskCompleted(
        **about,
        outcome=Outcome.SUCCEEDED,
        rows=rows,
        errors=1,
        report=report,
        druid_task_id=f"sluice_{task_id}_1",
        completed_at=later(6),
    )
    return [uploaded, validating, validated, submitted, ingesting, command, after(submitted, outcome, 6)]


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A Postgres of these tests' own: nothing else of the stack is needed here."""
    site = open_site(tmp_path_factory.mktemp("tracker"), lambda _line: None)
    guard = start_guard(site.pids)
    server = Postgres(site)
    try:
        server.start()
        server.wait_ready(monotonic() + 60)
        yield server
    finally:
        server.stop()
        guard.communicate()
        site.close()


@pytest.fixture
async def dsn(postgres_server: Postgres) -> str:
    """A database of the test's own, migrated."""
    name = f"tracker_{uuid4().hex}"
    connection = await asyncpg.connect(postgres_server.dsn)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()
    dsn = f"{postgres_server.dsn.rpartition('/')[0]}/{name}"
    await migrate(PostgresSettings(postgres_dsn=SecretStr(dsn)))
    return dsn


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[asyncpg.Pool]:
    async with open_pool(dsn) as pool:
        yield pool
