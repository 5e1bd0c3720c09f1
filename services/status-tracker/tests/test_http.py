"""The API over a real Postgres, with reports in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from asgi_lifespan import LifespanManager

from sluice.auth.access import protect
from sluice.auth.authenticator import let_everybody_in
from sluice.events import ContractRef, Failed, FileFormat, Problem
from sluice.http import create_api
from sluice.postgres import open_pool
from sluice.reports import Quality, Report, ReportFile, RowCounts
from status_tracker.adapters.files import PostgresTaskFiles
from status_tracker.adapters.tasks import PostgresTasks
from status_tracker.ports import Document
from status_tracker.routes import Sources, router
from status_tracker.usecases import RecordEvent

pytestmark = pytest.mark.real


class InMemoryReports:
    """Files by the folder of the report that a task names, and their own name."""

    def __init__(self) -> None:
        self.documents: dict[tuple[str | None, str], bytes] = {}

    def keep(self, task_report, content, name="report.json"):
        self.documents[task_report, name] = content

    async def open(self, task, name):
        document = self.documents.get((task.report, name))
        return None if document is None else Document(len(document), f"{len(document)}-abc", self._chunks(document))

    async def _chunks(self, document: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(document), 7):
            yield document[start : start + 7]


@asynccontextmanager
async def _client(pool, reports):
    async def open_parts(api, _stack, _probes):
        api.state.sources = Sources(PostgresTasks(pool), reports)

    api = create_api("tracker", "under test", open_parts)
    protect(api, let_everybody_in)
    api.include_router(router)
    transport = httpx.ASGITransport(api)
    async with LifespanManager(api), httpx.AsyncClient(transport=transport, base_url="http://tracker") as client:
        yield client


@pytest.fixture
def reports():
    return InMemoryReports()


@pytest.fixture
async def client(pool, reports):
    async with _client(pool, reports) as client:
        yield client


@pytest.fixture
def record(pool):
    return RecordEvent(PostgresTaskFiles(pool))


async def test_a_task_is_shown_with_everything_that_is_known(client, record, tell):
    story = tell()
    for fact in story:
        await record(fact)
    task_id = str(story[0].data.task_id)
    answer = await client.get(f"/v1/tasks/{task_id}")
    assert answer.status_code == 200
    task = answer.json()
    stages = ("pending", "validating", "validated", "submitted", "ingesting")
    expected = {
        "task_id": task_id,
        "datasource": "sales",
        "filename": "März \x00.csv",
        "format": "csv",
        "size": 321,
        "state": "succeeded",
        "rows": {"source": 10, "accepted": 9, "rejected": 1, "ingested": 9, "queryable": 9},
        "errors": 1,
        "error": None,
        "remark": None,
        "waits_for": None,
        "dry_run": False,
        "preview": None,
        "contract": {"datasource": "sales", "version": "1.0.0"},
        "corrects": None,
        "retries": None,
        "retracts": None,
        "corrected_by": [],
        "druid_task_id": f"sluice_{task_id}_1",
        "report": story[-1].data.report,
        "accepted_at": "2026-03-01T12:00:00Z",
        "updated_at": "2026-03-01T12:00:06Z",
        "completed_at": "2026-03-01T12:00:06Z",
        "stages": {stage: f"2026-03-01T12:00:0{second}Z" for second, stage in enumerate(stages)}
        | {"completed": "2026-03-01T12:00:06Z"},
        "links": {
            "events": f"/v1/tasks/{task_id}/events",
            "report": f"/v1/tasks/{task_id}/report",
            "rejects": f"/v1/tasks/{task_id}/rejects",
            "workbook": None,
            "corrects": None,
            "corrected_by": [],
        },
    }
    assert task == expected


async def test_events_are_listed_in_order_of_time(client, record, tell):
    story = tell()
    for fact in reversed(story):
        await record(fact)
    answer = await client.get(f"/v1/tasks/{story[0].data.task_id}/events")
    events = answer.json()["events"]
    assert [event["id"] for event in events] == [fact.id for fact in story]
    assert events[0] == {
        "id": story[0].id,
        "type": "sluice.file.uploaded.v1",
        "source": "sluice/gateway",
        "time": "2026-03-01T12:00:00Z",
        "data": story[0].data.model_dump(mode="json"),
    }


@pytest.mark.parametrize("path", ["", "/events", "/report", "/rejects", "/workbook"])
async def test_an_unknown_task_may_come_yet(client, path):
    answer = await client.get(f"/v1/tasks/{uuid4()}{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "task-not-found")
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["", "/events", "/report", "/rejects", "/workbook"])
async def test_an_id_that_is_none_is_refused(client, path):
    answer = await client.get(f"/v1/tasks/no-uuid{path}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")


async def test_pages_list_every_task_once_newest_first(client, record, tell):
    first = tell()[0].data.accepted_at
    # two of each time, so that a page ends between equals; and newcomers while somebody turns the pages
    stories = [tell(at=first + timedelta(minutes=index // 2)) for index in range(7)]
    for story in stories:
        await record(story[0])
    newest_first = sorted(stories, key=lambda story: (story[0].data.accepted_at, story[0].data.task_id), reverse=True)
    seen, cursor = [], {}
    while True:
        page = (await client.get("/v1/tasks", params={"limit": 2, **cursor})).json()
        seen += [task["task_id"] for task in page["tasks"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
        await record(tell(at=first + timedelta(hours=1))[0])
    assert seen == [str(story[0].data.task_id) for story in newest_first]


async def test_lists_are_filtered(client, record, tell):
    weather, sales, done = tell(datasource="weather"), tell(), tell()
    for fact in (weather[0], sales[0], *done):
        await record(fact)

    async def listed(**filters):
        return {task["task_id"] for task in (await client.get("/v1/tasks", params=filters)).json()["tasks"]}

    ids = [str(story[0].data.task_id) for story in (weather, sales, done)]
    assert await listed() == set(ids)
    assert await listed(datasource="weather") == {ids[0]}
    assert await listed(state="pending") == {ids[0], ids[1]}
    assert await listed(datasource="sales", state="succeeded") == {ids[2]}
    assert await listed(datasource="nobody") == set()


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=x", "state=lost", "datasource=No", "cursor=abc", "cursor=%00"]
)
async def test_a_question_that_makes_no_sense_is_refused(client, query):
    answer = await client.get(f"/v1/tasks?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_report_is_streamed(client, record, reports, tell):
    story = tell()
    for fact in story:
        await record(fact)
    reports.keep(story[-1].data.report, b'{"rows": 10, "errors": []}')
    answer = await client.get(f"/v1/tasks/{story[0].data.task_id}/report")
    assert answer.status_code == 200
    assert answer.json() == {"rows": 10, "errors": []}
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.fixture
async def told(record, reports, tell):
    """A task whose report and files are kept; its path."""
    story = tell()
    for fact in story:
        await record(fact)
    found = Report(
        task_id=story[0].data.task_id,
        datasource="sales",
        filename="März.csv",
        format=FileFormat.CSV,
        contract=ContractRef(datasource="sales", version="1.0.0"),
        verdict="accepted",
        problem=None,
        rows=RowCounts(source=10, accepted=9, rejected=1),
        errors_total=1,
        rules=(),
        errors=(),
        files=(ReportFile(kind="rejects", name="rejects.csv", rows=1),),
        quality=Quality(rows=10, columns=(), time_range=None, rows_per_day=(), days=0),
    )
    reports.keep(story[-1].data.report, found.model_dump_json().encode())
    reports.keep(story[-1].data.report, b"a,__row,__errors\n1,2,x\n", "rejects.csv")
    return f"/v1/tasks/{story[0].data.task_id}", story[-1].data.report


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "query", "expected"),
    [
        (BROWSER, "", "text/html; charset=utf-8"),
        ("*/*", "", "application/json"),
        ("application/json", "", "application/json"),
        ("application/json, text/html;q=0.9", "", "application/json"),
        ("text/html;q=0.1, */*", "", "application/json"),
        ("text/html;q=x", "", "application/json"),
        (BROWSER, "?format=json", "application/json"),
        ("application/json", "?format=html", "text/html; charset=utf-8"),
    ],
)
async def test_a_report_comes_as_it_is_asked_for(client, told, accept, query, expected):
    answer = await client.get(f"{told[0]}/report{query}", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (200, expected)
    assert answer.headers["vary"] == "Accept"
    assert answer.headers["cache-control"] == "private"
    assert answer.headers["x-content-type-options"] == "nosniff"
    etag = answer.headers["etag"]
    again = await client.get(f"{told[0]}/report{query}", headers={"Accept": accept, "If-None-Match": f'"x", W/{etag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)


async def test_a_page_may_load_nothing(client, told):
    answer = await client.get(f"{told[0]}/report?format=html")
    assert "9 of 10 rows were accepted" in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"report_version": 1, "errors": []}', "an older version"),
        (b"[", "an older version"),
        (b'{"pad": "' + b"x" * 8_388_608 + b'"}', "too long"),
    ],
)
async def test_a_report_without_a_page_is_linked(client, told, reports, content, reason):
    reports.keep(told[1], content)
    page = await client.get(f"{told[0]}/report?format=html")
    assert page.status_code == 200
    assert 'href="report?format=json"' in page.text
    assert reason in page.text
    assert (await client.get(f"{told[0]}/report?format=json")).content == content
    rejects = await client.get(f"{told[0]}/rejects")
    assert (rejects.status_code, rejects.json()["code"]) == (404, "file-not-found")


async def test_rejected_rows_are_handed_back_under_the_senders_name(client, told):
    answer = await client.get(f"{told[0]}/rejects")
    assert (answer.status_code, answer.text) == (200, "a,__row,__errors\n1,2,x\n")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"M_rz-rejects.csv\"; filename*=UTF-8''M%C3%A4rz-rejects.csv"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_where_there_is_no_file_the_answer_says_why(client, told):
    answer = await client.get(f"{told[0]}/workbook")
    assert (answer.status_code, answer.json()["code"]) == (404, "file-not-found")
    assert "Only of a spreadsheet" in answer.json()["detail"]
    assert (await client.get(f"{told[0]}/canonical")).status_code in {404, 422}


async def test_tasks_and_their_corrections_name_each_other(client, record, tell):
    parent = tell()
    children = [
        tell(corrects=parent[0].data.task_id, at=parent[0].data.accepted_at + timedelta(hours=hour)) for hour in (1, 2)
    ]
    for story in (parent, *reversed(children)):
        for fact in story:
            await record(fact)
    of_parent, *of_children = [f"/v1/tasks/{story[0].data.task_id}" for story in (parent, *children)]
    shown = (await client.get(of_parent)).json()
    assert shown["corrected_by"] == [str(story[0].data.task_id) for story in children]
    assert shown["links"]["corrected_by"] == of_children
    listed = {task["task_id"]: task for task in (await client.get("/v1/tasks")).json()["tasks"]}
    assert listed[shown["task_id"]] == shown
    for path in of_children:
        task = (await client.get(path)).json()
        assert (task["corrects"], task["links"]["corrects"]) == (shown["task_id"], of_parent)


async def test_without_a_report_the_answer_says_where_the_task_is(client, record, tell):
    uploaded, _, validated, *_ = tell()
    failed = validated.data.model_copy(update={"verdict": Failed(problem=Problem(code="reader-crashed", message="…"))})
    for fact in (uploaded, replace(validated, data=failed)):
        await record(fact)
    answer = await client.get(f"/v1/tasks/{uploaded.data.task_id}/report")
    assert (answer.status_code, answer.json()["code"]) == (404, "report-not-found")
    assert "validated" in answer.json()["detail"]
    assert (await client.get(f"/v1/tasks/{uploaded.data.task_id}")).json()["links"]["report"] is None


async def test_without_postgres_every_question_is_answered_503(unused_tcp_port):
    async with (
        open_pool(f"postgresql://nobody@127.0.0.1:{unused_tcp_port}/nothing") as pool,
        _client(pool, None) as client,
    ):
        for path in ("", f"/{uuid4()}", f"/{uuid4()}/events", f"/{uuid4()}/report"):
            answer = await client.get(f"/v1/tasks{path}")
            assert (answer.status_code, answer.json()["code"]) == (503, "dependency-unavailable")


async def test_the_api_describes_itself(client):
    document = (await client.get("/openapi.json")).json()
    of_a_task = ("", "/events", "/report", "/{kind}")
    assert {"/v1/tasks", *(f"/v1/tasks/{{task_id}}{path}" for path in of_a_task)} <= set(document["paths"])
    assert {"application/json", "text/html"} <= set(
        document["paths"]["/v1/tasks/{task_id}/report"]["get"]["responses"]["200"]["content"]
    )
    assert "queryable" in document["components"]["schemas"]["Receipt"]["properties"]
