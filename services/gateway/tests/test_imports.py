"""Files that lie on S3 already: held against the same limits, pinned, and never touched."""

import asyncio
import hashlib
import io
import json
import zipfile
from typing import Any
from uuid import uuid4

import pytest

from gateway.settings import GatewaySettings
from sluice.errors import ObjectDenied, Transient
from sluice.publishers import Prefix

BODY = b"a,b\n1,2\n"
URI = "s3://landing/erp/a.csv"
PREFIXES = {"*": (Prefix("landing", "erp/"), Prefix("sluice"))}


def etag(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def workbook(part: int) -> bytes:
    """An XLSX file, as far as can be seen from its ends, that unpacks to `part` bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(part))
    return file.getvalue()


@pytest.fixture
def settings(settings: GatewaySettings, request: pytest.FixtureRequest) -> GatewaySettings:
    prefixes = getattr(request, "param", PREFIXES)
    return settings.model_copy(update={"import_prefixes": prefixes, "max_unpacked_bytes": 100_000})


@pytest.fixture
def landing(store: Any) -> Any:
    bucket = store.at("landing")
    bucket.objects["erp/a.csv"] = BODY
    return bucket


@pytest.fixture
def imported(gateway: Any, landing: Any) -> Any:
    async def post(uri: str = URI, key: str | None = None, **more: Any) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        return await gateway.http.post("/v1/datasources/sales/imports", json={"uri": uri, **more}, headers=headers)

    return post


def refused(answer: Any, status: int, code: str) -> str:
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
    return str(answer.json()["detail"])


async def test_an_object_is_accepted_as_it_lies_there(
    imported: Any, gateway: Any, landing: Any, eventually: Any
) -> None:
    answer = await imported()
    assert answer.status_code == 202, answer.text
    record = gateway.record()
    assert answer.json()["task_id"] == str(record.data.task_id)
    assert answer.headers["location"].endswith(answer.json()["task_id"])
    assert (answer.json()["size"], answer.json()["content_digest"]) == (len(BODY), None)
    content = record.data.object
    assert (content.uri, content.size, content.etag, content.sha256) == (URI, len(BODY), etag(BODY), None)
    assert (record.data.filename, record.data.format, record.data.contract.version) == ("a.csv", "csv", "1.0.0")
    await eventually(lambda: gateway.events.published)
    assert gateway.store.keys("raw/") == []
    assert landing.objects == {"erp/a.csv": BODY}


async def test_what_is_announced_is_pinned_and_a_name_may_be_given(imported: Any, gateway: Any, landing: Any) -> None:
    landing.objects["erp/part-0"] = BODY
    sha256 = hashlib.sha256(BODY).hexdigest()
    answer = await imported(
        "s3://landing/erp/part-0", filename="b.csv", size=len(BODY), etag=f'"{etag(BODY)}"', sha256=sha256
    )
    assert answer.status_code == 202, answer.text
    assert answer.json()["content_digest"].startswith("sha-256=:")
    data = gateway.record().data
    assert (data.filename, data.object.etag, data.object.sha256) == ("b.csv", etag(BODY), sha256)


@pytest.mark.parametrize("wrong", [{"size": 7}, {"etag": "0" * 32}])
async def test_another_object_than_was_announced_is_refused(imported: Any, gateway: Any, wrong: Any) -> None:
    refused(await imported(**wrong), 409, "object-changed")
    assert gateway.store.left_behind() == []


@pytest.mark.parametrize(
    "uri",
    [
        "s3://landing/shop/a.csv",
        "s3://landing/erpx/a.csv",
        "s3://elsewhere/erp/a.csv",
        "s3://landing/erp/../shop/a.csv",
        "s3://landing/erp/%2e%2e/shop/a.csv",
        "s3://sluice/raw/sales/a.csv",
        "s3://sluice/contracts/a.csv",
    ],
)
async def test_nothing_is_imported_from_elsewhere(imported: Any, gateway: Any, landing: Any, uri: str) -> None:
    landing.down = True  # no object is asked for
    gateway.store.at("elsewhere").objects["erp/a.csv"] = BODY
    detail = refused(await imported(uri), 403, "source-not-allowed")
    assert "s3://landing/erp/" in detail
    assert "elsewhere" not in detail


@pytest.mark.parametrize("settings", [{}, {"somebody": PREFIXES["*"]}], indirect=True)
async def test_where_nothing_is_allowed_it_is_said_how_to(imported: Any) -> None:
    assert "SLUICE_IMPORT_PREFIXES" in refused(await imported(), 403, "source-not-allowed")


@pytest.mark.parametrize("settings", [{"anonymous": PREFIXES["*"]}], indirect=True)
async def test_a_caller_may_have_prefixes_of_his_own(imported: Any) -> None:
    assert (await imported()).status_code == 202


@pytest.mark.parametrize(
    ("key", "body", "status", "code"),
    [
        ("a.csv", b"", 422, "empty-file"),
        ("a.csv", b"x" * 1001, 413, "file-too-large"),
        ("a.csv", b"PK\x03\x04", 415, "format-mismatch"),
        ("a.parquet", BODY, 415, "format-mismatch"),
        ("a.xlsx", workbook(100_001), 413, "file-too-large"),
        ("a.docx", BODY, 415, "unsupported-format"),
        ("a", BODY, 415, "unsupported-format"),
        ("a%2Fb.csv", BODY, 422, "invalid-filename"),
        ("none.csv", None, 404, "object-missing"),
        ("\x00.csv", None, 404, "object-missing"),
        ("k" * 1020 + ".csv", None, 404, "object-missing"),
    ],
    ids=lambda value: f"{len(value)}-bytes" if isinstance(value, bytes) else str(value)[:40],
)
async def test_an_object_is_held_against_the_limits_of_an_upload(
    imported: Any, gateway: Any, landing: Any, key: str, body: bytes | None, status: int, code: str
) -> None:
    if body is not None:
        landing.objects[f"erp/{key}"] = body
    name = {"filename": "a.csv"} if code == "object-missing" else {}
    refused(await imported(f"s3://landing/erp/{key}", **name), status, code)
    assert gateway.store.left_behind() == []


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ObjectDenied("S3 does not let us at erp/a.csv"), 404, "object-missing"),
        (Transient("S3 does not take our credentials"), 503, "dependency-unavailable"),
    ],
)
async def test_an_object_that_is_not_open_to_us_is_refused_and_credentials_of_ours_are_not_held_against_it(
    imported: Any, gateway: Any, landing: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    async def shut(_key: str) -> Any:
        raise error

    monkeypatch.setattr(landing, "head", shut)
    refused(await imported(), status, code)
    assert gateway.store.left_behind() == []


async def test_a_workbook_that_is_small_enough_is_taken(imported: Any, landing: Any) -> None:
    landing.objects["erp/a.xlsx"] = workbook(90_000)
    assert (await imported("s3://landing/erp/a.xlsx")).status_code == 202


async def test_a_datasource_must_be_there(gateway: Any, landing: Any) -> None:
    answer = await gateway.http.post("/v1/datasources/nobody/imports", json={"uri": URI})
    refused(answer, 404, "unknown-datasource")


async def test_while_the_other_bucket_does_not_answer_it_is_said(imported: Any, gateway: Any, landing: Any) -> None:
    landing.down = True
    answer = await imported()
    refused(answer, 503, "dependency-unavailable")
    assert answer.headers["retry-after"]
    assert gateway.store.left_behind() == []


async def test_an_object_that_is_replaced_while_it_is_looked_at_is_refused(
    imported: Any, landing: Any, monkeypatch: Any
) -> None:
    look = landing.head

    async def replaced(key: str) -> Any:
        found = await look(key)
        landing.objects[key] = b"c,d\n3,4\n"
        return found

    monkeypatch.setattr(landing, "head", replaced)
    refused(await imported(), 409, "object-changed")


async def test_a_key_names_one_task_whatever_becomes_of_the_object(imported: Any, gateway: Any, landing: Any) -> None:
    answers = await asyncio.gather(*(imported(key="k") for _ in range(10)))
    assert len({answer.json()["task_id"] for answer in answers}) == 1
    landing.objects["erp/a.csv"] = b"c,d\n3,4\n"
    landing.objects["erp/b.csv"] = BODY
    assert (await imported(key="k")).json() == answers[0].json()
    assert (await imported(key="k", size=len(BODY))).json() == answers[0].json()
    del landing.objects["erp/a.csv"]
    assert (await imported(key="k")).json() == answers[0].json()
    for other in ({"size": 1}, {"uri": "s3://landing/erp/b.csv"}, {"filename": "c.csv"}, {"corrects": str(uuid4())}):
        code = "task-not-found" if "corrects" in other else "idempotency-key-reused"
        assert (await imported(key="k", **other)).json()["code"] == code
    assert len(gateway.store.keys("accepted/")) == 1


async def test_two_imports_without_a_key_are_two_tasks(imported: Any, gateway: Any) -> None:
    assert (await imported()).json()["task_id"] != (await imported()).json()["task_id"]


async def test_a_record_that_may_have_landed_leaves_the_object_alone(
    imported: Any, gateway: Any, landing: Any, fault: Any
) -> None:
    gateway.store.faults.append(fault("create", "accepted/", landed=True))
    refused(await imported(key="k"), 503, "acceptance-undecided")
    assert landing.objects == {"erp/a.csv": BODY}
    assert (await imported(key="k")).status_code == 202
    assert len(gateway.store.keys("accepted/")) == 1


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", "body"),
        (b"[]", "body"),
        (b"\xff", "body"),
        (json.dumps({"uri": URI, "sender": "x"}).encode(), "body.sender"),
        (json.dumps({"uri": "https://landing/a.csv"}).encode(), "body.uri"),
        (json.dumps({"uri": "s3://landing"}).encode(), "body.uri"),
        (json.dumps({"uri": URI, "sha256": "X"}).encode(), "body.sha256"),
        (json.dumps({"uri": URI, "size": -1}).encode(), "body.size"),
        (json.dumps({"uri": URI}).encode() + b" " * 66_000, "body"),
    ],
)
async def test_a_request_that_is_none_is_told_why(gateway: Any, body: bytes, where: str) -> None:
    answer = await gateway.http.post("/v1/datasources/sales/imports", content=body)
    refused(answer, 422, "invalid-request")
    assert [each["where"] for each in answer.json()["errors"]] == [where]
