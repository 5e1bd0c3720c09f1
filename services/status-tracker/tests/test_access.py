"""Who may: every route of the tracker, asked by every kind of caller, over a real Postgres."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from asgi_lifespan import LifespanManager
from structlog.testing import capture_logs

from sluice.auth import Caller, Grant, Verb
from sluice.auth.access import protect
from sluice.auth.authenticator import make_authenticator
from sluice.events import ContractRef, FileFormat
from sluice.http import create_api
from sluice.reports import Quality, Report, ReportFile, RowCounts
from sluice.settings import ApiSettings
from sluice.testing.access import KINDS, OPEN, Kind, Route, Row, routes, write_keys
from status_tracker.adapters.files import PostgresTaskFiles
from status_tracker.adapters.tasks import PostgresTasks
from status_tracker.ports import Document
from status_tracker.routes import Sources, router
from status_tracker.usecases import RecordEvent

pytestmark = pytest.mark.real

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
TASK = "/v1/tasks/{task_id}"


def of_a_task(**more: Any) -> Row:
    """Whoever may not read it is told that there is no such task."""
    return Row(Verb.READ, 200, other=404, reader=200, **more)


ROWS: dict[Route, Row] = {
    **OPEN,
    ("GET", "/v1/tasks"): Row(Verb.READ, 200, other=200, reader=200),
    ("GET", TASK): of_a_task(),
    ("GET", TASK + "/events"): of_a_task(),
    ("GET", TASK + "/report"): of_a_task(),
    ("GET", TASK + "/{kind}"): of_a_task(),
}


class InMemoryReports:
    """Every task has a report that names rejected rows, and these."""

    async def open(self, task: Any, name: str) -> Document:
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


@pytest.fixture
def keys(tmp_path: Any) -> Any:
    return write_keys(tmp_path / "keys.json", NOW)


def api_behind(authenticator: Any, pool: Any = None) -> Any:
    async def open_parts(api: Any, _stack: Any, _probes: Any) -> None:
        api.state.sources = Sources(PostgresTasks(pool), InMemoryReports())

    api = create_api("tracker", "under test", open_parts)
    protect(api, authenticator)
    api.include_router(router)
    return api


@asynccontextmanager
async def client(api: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with LifespanManager(api), httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://t") as http:
        yield http


@pytest.fixture
async def http(pool: Any, keys: Any, tmp_path: Any) -> AsyncIterator[httpx.AsyncClient]:
    settings = ApiSettings(http_port=0, keys_file=tmp_path / "keys.json")
    async with client(api_behind(make_authenticator(settings, lambda: NOW), pool)) as http:
        yield http


@pytest.fixture
def record(pool: Any) -> RecordEvent:
    return RecordEvent(PostgresTaskFiles(pool))


@pytest.fixture
async def task_id(record: Any, tell: Any) -> Any:
    """Of a task of the datasource sales."""
    story = tell(datasource="sales")
    for fact in story:
        await record(fact)
    return story[0].data.task_id


def test_every_route_has_a_row_here() -> None:
    found = routes(api_behind(None))
    assert not found - ROWS.keys(), f"say in ROWS what they answer, and to whom: {sorted(found - ROWS.keys())}"
    assert not ROWS.keys() - found, f"take these out of ROWS: {sorted(ROWS.keys() - found)}"


@pytest.mark.parametrize("route", ROWS, ids=" ".join)
async def test_a_route_answers_whom_it_should(http: Any, keys: Any, task_id: Any, route: Route) -> None:
    row, (method, template) = ROWS[route], route
    path = (row.path or template).format(task_id=task_id, kind="rejects")
    answers = {kind: await http.request(method, path, headers=keys[kind, Verb.READ]) for kind in KINDS}
    assert {kind: answer.status_code for kind, answer in answers.items()} == {kind: row.status(kind) for kind in KINDS}
    refused = [answer for answer in answers.values() if answer.status_code in {401, 403, 404}]
    assert {answer.headers["content-type"] for answer in refused} <= {"application/problem+json"}
    assert not any("sales" in answer.text for answer in refused)


@pytest.mark.parametrize("path", ["", "/events", "/report", "/rejects"])
async def test_a_task_of_others_and_one_that_is_not_there_look_the_same(
    http: Any, keys: Any, task_id: Any, path: str
) -> None:
    headers = keys["other datasource", Verb.READ]
    with capture_logs() as lines:
        hidden = await http.get(f"/v1/tasks/{task_id}{path}", headers=headers)
    absent = await http.get(f"/v1/tasks/{uuid4()}{path}", headers=headers)
    assert (hidden.status_code, hidden.content, hidden.headers) == (absent.status_code, absent.content, absent.headers)
    assert [(line["log"], line["caller"], line["task_id"]) for line in lines] == [
        ("audit", "other-datasource.read", str(task_id))
    ]


@pytest.mark.parametrize("kind", ["right", "other datasource", "read-only"])
async def test_pages_hold_what_the_caller_may_read_and_are_full(
    http: Any, keys: Any, record: Any, tell: Any, kind: Kind
) -> None:
    stories = [
        tell(datasource=name, at=NOW + timedelta(minutes=number))
        for number, name in enumerate(["sales", "weather", "weather", "weather", "sales", "other"])
    ]
    for story in stories:
        await record(story[0])
    mine = {"right": {"sales"}, "other datasource": {"weather"}, "read-only": {"sales", "weather", "other"}}[kind]
    expected = [str(each[0].data.task_id) for each in reversed(stories) if each[0].data.datasource in mine]
    pages, cursor = [], {}
    while cursor is not None:
        page = (await http.get("/v1/tasks", params={"limit": 2} | cursor, headers=keys[kind, Verb.READ])).json()
        pages.append([task["task_id"] for task in page["tasks"]])
        cursor = {"cursor": page["next"]} if page["next"] else None
    assert pages == [expected[start : start + 2] for start in range(0, len(expected), 2)]


async def test_a_caller_of_several_datasources_sees_those(pool: Any, record: Any, tell: Any) -> None:
    stories = {name: tell(datasource=name) for name in ("sales", "weather", "other")}
    for story in stories.values():
        await record(story[0])

    async def both(_authorization: Any) -> Caller:
        return Caller("x", frozenset({Grant(Verb.READ, "sales"), Grant(Verb.READ, "weather")}))

    async with client(api_behind(both, pool)) as http:
        listed = (await http.get("/v1/tasks")).json()["tasks"]
        one = (await http.get("/v1/tasks?datasource=weather")).json()["tasks"]
        assert (await http.get("/v1/tasks?datasource=other")).json()["code"] == "forbidden"
        assert (await http.get("/v1/tasks?datasource=not_there")).json()["code"] == "forbidden"
    assert {task["datasource"] for task in listed} == {"sales", "weather"}
    assert {task["datasource"] for task in one} == {"weather"}


async def test_whoever_may_read_nothing_lists_nothing(http: Any, keys: Any) -> None:
    answer = await http.get("/v1/tasks", headers=keys["right", Verb.UPLOAD])
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_the_document_says_that_a_credential_is_needed() -> None:
    paths = api_behind(None).openapi()["paths"]
    behind = [operation for path in paths if path.startswith("/v1/") for operation in paths[path].values()]
    assert behind
    for operation in behind:
        assert operation["security"] == [{"bearer": []}]
        assert {"401", "403", "503"} <= set(operation["responses"])
