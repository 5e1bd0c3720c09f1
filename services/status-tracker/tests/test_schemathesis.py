"""Whatever the API's own description allows, and much that it does not, over a real Postgres: no answer that it does not name."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from pydantic import SecretStr
from schemathesis import Case
from schemathesis.python.asgi import shutdown_lifespans
from schemathesis.specs.openapi.checks import negative_data_rejection

from sluice.auth.access import protect
from sluice.auth.authenticator import let_everybody_in
from sluice.events import ContractRef, FileFormat
from sluice.http import create_api
from sluice.postgres import open_pool
from sluice.reports import Quality, Report, ReportFile, RowCounts
from sluice.settings import PostgresSettings
from status_tracker.adapters.files import PostgresTaskFiles
from status_tracker.adapters.tasks import PostgresTasks
from status_tracker.app import migrate
from status_tracker.domain.task import Task
from status_tracker.ports import Document
from status_tracker.routes import Sources, router
from status_tracker.routes.examples import TASK_ID
from status_tracker.usecases import RecordEvent

pytestmark = pytest.mark.real

FAST = settings(max_examples=25, derandomize=True, suppress_health_check=list(HealthCheck))


class OneReport:
    """Every task has a report that names rejected rows, and these."""

    async def open(self, task: Task, name: str) -> Document:
        report = Report(
            task_id=task.task_id,
            datasource=task.datasource,
            filename="a.csv",
            format=FileFormat.CSV,
            contract=ContractRef(datasource=task.datasource, version="1.0.0"),
            verdict="accepted",
            problem=None,
            rows=RowCounts(source=10, accepted=9, rejected=1),
            errors_total=1,
            rules=(),
            errors=(),
            files=(ReportFile(kind="rejects", name="rejects.csv", rows=1),),
            quality=Quality(rows=10, columns=(), time_range=None, rows_per_day=(), days=0),
        )
        content = report.model_dump_json().encode() if name == "report.json" else b"a\n1\n"
        return Document(len(content), "e", self._chunks(content))

    async def _chunks(self, content: bytes) -> AsyncIterator[bytes]:
        yield content


@dataclass
class Known:
    """What the application finds when it starts."""

    dsn: str = ""
    facts: list[Any] = field(default_factory=list)


KNOWN = Known()


async def open_parts(api: Any, stack: Any, _probes: Any) -> None:
    pool = await stack.enter_async_context(open_pool(KNOWN.dsn))
    for fact in KNOWN.facts:
        await RecordEvent(PostgresTaskFiles(pool))(fact)
    api.state.sources = Sources(PostgresTasks(pool), OneReport())


api = create_api("tracker", "under test", open_parts)
protect(api, let_everybody_in)
api.include_router(router)
document = api.openapi()
for operation in (each for path in document["paths"].values() for each in path.values()):
    operation.pop("security", None)  # here everybody may; who else may is asked in test_access
schema = schemathesis.openapi.from_dict(document)
schema.app = api
schema.config.checks.positive_data_acceptance.enabled = False  # a cursor is more than its schema says


@pytest.fixture(scope="module", autouse=True)
def database(postgres_server: Any, tell: Callable[..., list[Any]]) -> Iterator[None]:
    """A database of this module's own, with one task that succeeded in part."""
    name = f"tracker_{uuid4().hex}"
    KNOWN.dsn = f"{postgres_server.dsn.rpartition('/')[0]}/{name}"
    KNOWN.facts = tell(UUID(TASK_ID))

    async def make() -> None:
        connection = await asyncpg.connect(postgres_server.dsn)
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()
        await migrate(PostgresSettings(postgres_dsn=SecretStr(KNOWN.dsn)))

    asyncio.run(make())
    yield
    shutdown_lifespans()


@schema.parametrize()
@FAST
def test_every_answer_is_one_that_the_description_names(case: Case) -> None:
    case.call_and_validate()


@schema.include(path_regex="task_id").parametrize()
@FAST
def test_so_it_is_of_a_task_that_is_there(case: Case) -> None:
    case.path_parameters["task_id"] = TASK_ID
    case.call_and_validate(excluded_checks=[negative_data_rejection])  # a wrong name was just mended
