"""Who may: every route of the gateway, asked by every kind of caller."""

from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.routes.contractanswers import EXAMPLE
from gateway.settings import GatewaySettings
from sluice.auth import Grant, Verb
from sluice.auth.keyfile import change_keys
from sluice.auth.keys import ApiKey, new_secret
from sluice.publishers import Prefix
from sluice.testing.access import KINDS, OPEN, Kind, Route, Row, routes, write_keys

FILES = "/v1/datasources/{datasource}/files"
CONTRACTS = "/v1/datasources/{datasource}/contracts"
VERSION = "/v1/datasources/sales/contracts/1.0.0"
CONTRACT = EXAMPLE.replace("name: orders", "name: sales").encode()
TASK = "/v1/tasks/{task_id}"
BODY = b"a,b\n1,2\n"
UPLOADS = "/v1/uploads"
BEGIN = {"Tus-Resumable": "1.0.0", "Upload-Length": "8", "Upload-Metadata": "filename YS5jc3Y=,datasource c2FsZXM="}
GO_ON = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}

ROWS: dict[Route, Row] = {
    **OPEN,
    ("PUT", FILES + "/{filename:path}"): Row(Verb.UPLOAD, 202, options={"content": BODY}),
    ("POST", FILES): Row(Verb.UPLOAD, 202, options={"files": {"file": ("a.csv", BODY)}}),
    ("POST", "/v1/datasources/{datasource}/imports"): Row(
        Verb.UPLOAD, 404, options={"json": {"uri": "s3://landing/none.csv"}}
    ),
    ("OPTIONS", UPLOADS): Row(None, 204),
    ("OPTIONS", UPLOADS + "/{upload_id}"): Row(None, 204),
    ("POST", UPLOADS): Row(Verb.UPLOAD, 201, options={"headers": BEGIN}),
    # an upload is its creator's own
    ("HEAD", UPLOADS + "/{upload_id}"): Row(Verb.UPLOAD, 200, other=404, options={"headers": GO_ON}),
    ("PATCH", UPLOADS + "/{upload_id}"): Row(Verb.UPLOAD, 204, other=404, options={"headers": GO_ON, "content": BODY}),
    ("DELETE", UPLOADS + "/{upload_id}"): Row(Verb.UPLOAD, 204, other=404, options={"headers": GO_ON}),
    ("GET", "/v1/datasources"): Row(Verb.READ, 200, other=200, reader=200),
    ("GET", "/v1/datasources/{datasource}"): Row(Verb.READ, 200, reader=200),
    ("POST", "/v1/datasources/{datasource}/pause"): Row(Verb.COMMAND, 200),
    ("POST", "/v1/datasources/{datasource}/resume"): Row(Verb.COMMAND, 200),
    ("GET", CONTRACTS): Row(Verb.READ, 200, reader=200),
    ("GET", CONTRACTS + "/{version}"): Row(Verb.READ, 404, reader=404, path=VERSION),
    ("PUT", CONTRACTS + "/{version}"): Row(Verb.MANAGE, 201, path=VERSION, options={"content": CONTRACT}),
    ("POST", CONTRACTS + "/{version}/activate"): Row(Verb.MANAGE, 404, path=VERSION + "/activate"),
    ("GET", "/v1/limits"): Row(Verb.UPLOAD, 200, other=200, reader=200),
    # of a task that has not ended; whoever may not read it is not told that it is there
    ("POST", TASK + "/cancel"): Row(Verb.COMMAND, 202, other=404),
    ("POST", TASK + "/retract"): Row(Verb.COMMAND, 409, other=404),
    ("POST", TASK + "/retry"): Row(Verb.COMMAND, 409, other=404),
}


@pytest.fixture
def keys(tmp_path: Any, clock: Any) -> Any:
    clock.now = datetime.now(UTC)  # an id that was drawn tells the day on which its record is looked for
    return write_keys(tmp_path / "keys.json", clock())


@pytest.fixture
def settings(settings: GatewaySettings, keys: Any, tmp_path: Any) -> GatewaySettings:
    places = {"*": (Prefix("landing"),)}
    return settings.model_copy(update={"keys_file": tmp_path / "keys.json", "import_prefixes": places})


@pytest.fixture
def second(keys: Any, tmp_path: Any, clock: Any) -> dict[str, str]:
    """One more who may upload to sales."""
    secret = new_secret()
    key = ApiKey.of(secret, "second", [Grant.parse("upload:sales")], clock())
    change_keys(tmp_path / "keys.json", lambda kept: (*kept, key))
    return {"Authorization": f"Bearer {secret}"}


async def upload(gateway: Any, headers: dict[str, str]) -> Any:
    return await gateway.http.put("/v1/datasources/sales/files/a.csv", content=BODY, headers=headers)


async def begin(gateway: Any, headers: dict[str, str]) -> str:
    """The id of a resumable upload."""
    answer = await gateway.http.post(UPLOADS, headers=headers | BEGIN)
    return answer.json()["url"].rpartition("/")[2]


def test_every_route_has_a_row_here(gateway: Any) -> None:
    missing, gone = routes(gateway.app) - ROWS.keys(), ROWS.keys() - routes(gateway.app)
    assert not missing, f"say in ROWS which verb they take, and what they answer: {sorted(missing)}"
    assert not gone, f"take these out of ROWS: {sorted(gone)}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("route", ROWS, ids=" ".join)
async def test_a_route_answers_whom_it_should(gateway: Any, keys: Any, route: Route, kind: Kind) -> None:
    task_id = (await upload(gateway, keys["right", Verb.UPLOAD])).json()["task_id"]
    upload_id = await begin(gateway, keys["right", Verb.UPLOAD])
    before = gateway.store.left_behind()
    row, (method, template) = ROWS[route], route
    path = row.path or template.replace("{filename:path}", "{filename}")
    path = path.format(datasource="sales", filename="b.csv", task_id=task_id, upload_id=upload_id)
    headers = {**keys[kind, row.verb or Verb.READ], **row.options.get("headers", {})}
    answer = await gateway.http.request(method, path, **{**row.options, "headers": headers})
    assert answer.status_code == row.status(kind), answer.text
    if answer.status_code in {401, 403, 404}:
        assert answer.headers["content-type"] == "application/problem+json"
        assert gateway.store.left_behind() == before


async def test_a_task_of_others_and_one_that_is_not_there_look_the_same(gateway: Any, keys: Any) -> None:
    theirs = (await upload(gateway, keys["right", Verb.UPLOAD])).json()["task_id"]
    headers = keys["other datasource", Verb.COMMAND]
    hidden, absent = [
        await gateway.http.post(f"/v1/tasks/{task_id}/cancel", headers=headers)
        for task_id in (theirs, "0197f3c2-7d51-7c3e-9a54-2f1f2c1b7a10")
    ]
    assert (hidden.status_code, hidden.content) == (absent.status_code, absent.content)
    assert sorted(hidden.headers) == sorted(absent.headers)


async def test_the_record_names_the_caller(gateway: Any, keys: Any) -> None:
    await upload(gateway, keys["right", Verb.UPLOAD])
    assert gateway.record().data.caller == "right.upload"


async def test_two_callers_with_one_idempotency_key_have_a_task_each(second: Any, gateway: Any, keys: Any) -> None:
    key = {"Idempotency-Key": "nightly"}
    mine, again = [(await upload(gateway, keys["right", Verb.UPLOAD] | key)).json()["task_id"] for _ in range(2)]
    theirs = (await upload(gateway, second | key)).json()["task_id"]
    assert mine == again != theirs


async def test_the_audit_log_names_task_and_caller(gateway: Any, keys: Any) -> None:
    with capture_logs() as lines:
        task_id = (await upload(gateway, keys["right", Verb.UPLOAD])).json()["task_id"]
        await gateway.http.post(f"/v1/tasks/{task_id}/cancel", headers=keys["right", Verb.COMMAND])
        await gateway.http.post(f"/v1/tasks/{task_id}/retract", headers=keys["read-only", Verb.COMMAND])
    told = [(line["event"], line["caller"], line["verb"]) for line in lines if line.get("log") == "audit"]
    assert told == [
        ("file accepted", "right.upload", "upload"),
        ("cancel accepted", "right.command", "command"),
        ("access denied", "read-only.command", "command"),
    ]
    assert {line["task_id"] for line in lines if line.get("log") == "audit"} >= {task_id}


async def test_the_document_says_that_a_credential_is_needed(gateway: Any) -> None:
    paths = (await gateway.http.get("/openapi.json")).json()["paths"]
    behind = [operation for path in paths if path.startswith("/v1/") for operation in paths[path].values()]
    assert behind
    for operation in behind:
        assert operation["security"] == [{"bearer": []}]
        assert "401" in operation["responses"]
        assert "403" in operation["responses"] or operation is paths["/v1/limits"]["get"]


@pytest.mark.parametrize(
    ("kind", "seen"), [("right", ["sales"]), ("other datasource", ["weather"]), ("read-only", None)]
)
async def test_only_datasources_that_a_caller_may_read_are_listed(
    gateway: Any, keys: Any, kind: Kind, seen: list[str] | None
) -> None:
    everything = ["meter", "sales", "weather"]
    for name in everything:
        gateway.store.objects[f"contracts/{name}/active"] = b"1.0.0"
    answer = await gateway.http.get("/v1/datasources", headers=keys[kind, Verb.READ])
    assert [each["datasource"] for each in answer.json()["datasources"]] == (seen or everything)


async def test_the_audit_log_tells_who_changed_a_contract(gateway: Any, keys: Any) -> None:
    with capture_logs() as logs:
        await gateway.http.put(VERSION, content=CONTRACT, headers=keys["right", Verb.MANAGE])
        await gateway.http.post(f"{VERSION}/activate", headers=keys["right", Verb.MANAGE])
    told = [each for each in logs if each.get("log") == "audit"]
    assert [(each["event"], each["version"]) for each in told] == [
        ("contract put", "1.0.0"),
        ("contract activated", "1.0.0"),
    ]
    assert {(each["caller"], each["verb"], each["datasource"]) for each in told} == {
        ("right.manage", "manage", "sales")
    }
