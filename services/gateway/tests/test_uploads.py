import asyncio
import hashlib
import signal
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import pytest

from sluice.errors import ObjectDenied
from sluice.events import FileUploaded, derived_id

BODY = b"a,b\n1,2\n"


async def in_chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@pytest.mark.parametrize("route", ["put", "post"])
async def test_an_accepted_file_is_durable_recorded_and_told(gateway: Any, eventually: Any, route: str) -> None:
    answer = await getattr(gateway, route)("sales 1.csv")
    assert answer.status_code == 202
    task_id = UUID(answer.json()["task_id"])
    status_url = f"https://sluice.example/v1/tasks/{task_id}"
    digest = f"sha-256=:{b64encode(hashlib.sha256(BODY).digest()).decode()}:"
    accepted = {"task_id": str(task_id), "status_url": status_url, "size": len(BODY), "content_digest": digest}
    assert answer.json() == accepted
    assert answer.headers["location"] == status_url
    assert task_id.version == 7

    event = gateway.record().data
    assert isinstance(event, FileUploaded)
    assert event.model_dump(mode="json", exclude={"object"}) == {
        "task_id": str(task_id),
        "datasource": "sales",
        "filename": "sales 1.csv",
        "format": "csv",
        "accepted_at": "2026-03-04T05:06:07.891000Z",
        "contract": {"datasource": "sales", "version": "1.0.0"},
        "caller": "anonymous",
        "dry_run": False,
        "corrects": None,
        "retries": None,
    }
    assert gateway.store.objects[event.object.uri.removeprefix("s3://sluice/")] == BODY
    assert (event.object.size, event.object.sha256) == (len(BODY), hashlib.sha256(BODY).hexdigest())
    (told,) = await eventually(lambda: gateway.events.published)
    assert told == gateway.record()
    assert told.id == str(derived_id(task_id, FileUploaded.TYPE))


REFUSALS = [
    ("a.csv", b"", 422, "empty-file"),
    ("..%2F..%2Fetc%2Fpasswd", BODY, 422, "invalid-filename"),
    ("a%2Fb.csv", BODY, 422, "invalid-filename"),
    ("a%5Cb.csv", BODY, 422, "invalid-filename"),
    ("a.docx", BODY, 415, "unsupported-format"),
    ("a.xlsx", BODY, 415, "format-mismatch"),
    ("a.csv", b"PK\x03\x04\x14\0", 415, "format-mismatch"),
    ("a.csv", b"x" * 1001, 413, "file-too-large"),
]


@pytest.mark.parametrize(("name", "body", "status", "code"), REFUSALS)
async def test_a_refusal_says_what_to_do_and_leaves_nothing(
    gateway: Any, name: str, body: bytes, status: int, code: str
) -> None:
    answers = [await gateway.put(name, body), await gateway.put(name, in_chunks(body[:1], body[1:]))]
    if "%" not in name:
        answers.append(await gateway.post(name, body))
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
        assert answer.json()["detail"].endswith(".")
    assert gateway.store.left_behind() == []
    assert (await gateway.put()).status_code == 202


async def test_a_path_in_the_name_of_a_form_s_file_is_refused(gateway: Any) -> None:
    answer = await gateway.post("../../etc/passwd")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-filename")


@pytest.mark.parametrize("datasource", ["nobody", "Sales", "..", "a b", "x" * 64])
async def test_an_unknown_datasource_is_refused_before_the_body_is_read(gateway: Any, datasource: str) -> None:
    async def untouchable() -> AsyncIterator[bytes]:
        yield b"a"
        raise AssertionError("the body was read")

    url = f"http://gateway/v1/datasources/{datasource.replace('..', '%2E%2E')}/files"
    for answer in (
        await gateway.http.put(f"{url}/a.csv", content=b"a"),
        await gateway.http.post(url, files={"file": ("a.csv", b"a")}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown-datasource")
        assert "PUT /v1/datasources/<name>/contracts/<version>" in answer.json()["detail"]


async def test_the_digest_that_a_sender_states_must_agree(gateway: Any) -> None:
    good, bad = (b64encode(hashlib.sha256(content).digest()).decode() for content in (BODY, b"other"))
    refused = await gateway.put(body=BODY, content_digest=f"sha-256=:{bad}:")
    assert (refused.status_code, refused.json()["code"]) == (422, "digest-mismatch")
    assert gateway.store.left_behind() == []
    assert (await gateway.put(body=BODY, content_digest=f"md5=:AAAA:, sha-256=:{good}:")).status_code == 202


@pytest.mark.parametrize("body_patience", [0.3])
async def test_a_body_that_stalls_is_given_up(gateway: Any) -> None:
    async def stalling() -> AsyncIterator[bytes]:
        yield b"a,b\n"
        await asyncio.Event().wait()

    async with asyncio.timeout(20):
        answer = await gateway.put(body=stalling())
    assert (answer.status_code, answer.json()["code"]) == (408, "upload-stalled")
    assert gateway.store.left_behind() == []
    assert gateway.store.open_uploads == 0


async def test_a_body_that_would_end_on_a_day_on_which_nobody_looks_for_its_record_is_given_up(
    gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.routes.body.LONGEST", 0.0)
    answer = await gateway.put(body=BODY)
    assert (answer.status_code, answer.json()["code"]) == (408, "upload-stalled")
    assert gateway.store.left_behind() == []


@pytest.mark.parametrize("body_patience", [0.3])
async def test_a_body_that_trickles_is_given_up(gateway: Any) -> None:
    async def trickling() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"a"
            await asyncio.sleep(0.1)

    answer = await gateway.put(body=trickling())
    assert (answer.status_code, answer.json()["code"]) == (408, "upload-stalled")
    assert gateway.store.left_behind() == []


async def test_more_uploads_than_there_is_room_for_are_asked_to_wait(gateway: Any, eventually: Any) -> None:
    go = asyncio.Event()

    async def waiting() -> AsyncIterator[bytes]:
        yield BODY
        await go.wait()

    async with asyncio.TaskGroup() as group:
        uploads = [group.create_task(gateway.put(body=waiting())) for _ in range(20)]
        await eventually(lambda: gateway.store.open_uploads == 20)
        busy = await gateway.put()
        go.set()
    assert (busy.status_code, busy.json()["code"]) == (503, "gateway-busy")
    assert busy.headers["retry-after"]
    assert {upload.result().status_code for upload in uploads} == {202}
    assert (await gateway.put()).status_code == 202


async def test_a_full_backlog_takes_no_more_until_some_have_ended(gateway: Any) -> None:
    tasks = [(await gateway.put()).json()["task_id"] for _ in range(30)]
    full = await gateway.put()
    assert (full.status_code, full.json()["code"]) == (429, "backlog-full")
    assert full.headers["retry-after"]
    day = gateway.store.keys("accepted/")[0].split("/")[1]
    gateway.store.objects[f"outcomes/{day}/{tasks[0]}.json"] = b"{}"

    async def taken() -> bool:
        return (await gateway.put()).status_code == 202

    deadline = time.monotonic() + 10
    while not await taken():
        assert time.monotonic() < deadline, "the backlog stays full"
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("method", ["write", "finish"])
@pytest.mark.parametrize("landed", [False, True])
async def test_storage_failing_under_an_upload_accepts_nothing(
    gateway: Any, fault: Any, *, method: str, landed: bool
) -> None:
    gateway.store.faults.append(fault(method, "raw/", landed))
    answer = await gateway.put()
    assert (answer.status_code, answer.json()["code"]) == (503, "dependency-unavailable")
    assert gateway.store.left_behind() == []


@pytest.mark.parametrize("method", ["get", "create"])
async def test_a_storage_that_does_not_let_us_in_is_no_fault_of_the_upload(
    gateway: Any, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    async def denied(*_: Any) -> Any:
        raise ObjectDenied("no more")

    with monkeypatch.context() as shut_out:
        shut_out.setattr(gateway.store, method, denied)
        answer = await gateway.put(idempotency_key="k")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert gateway.store.keys("accepted/") == []
    assert (await gateway.put(idempotency_key="k")).status_code == 202


@pytest.mark.parametrize("landed", [False, True])
@pytest.mark.parametrize("step", ["keys/", "accepted/"])
async def test_a_record_in_doubt_keeps_the_bytes_and_a_retry_settles_it(
    gateway: Any, fault: Any, eventually: Any, *, landed: bool, step: str
) -> None:
    gateway.store.faults.append(fault("create", step, landed))
    doubtful = await gateway.put(idempotency_key="k")
    assert (doubtful.status_code, doubtful.json()["code"]) == (503, "acceptance-undecided")
    assert doubtful.headers["retry-after"]
    assert len(gateway.store.keys("raw/")) == 1

    settled = await gateway.put(idempotency_key="k")
    assert settled.status_code == 202
    event = gateway.record().data
    assert str(event.task_id) == settled.json()["task_id"]
    assert event.object.uri.removeprefix("s3://sluice/") in gateway.store.objects

    def told() -> list[Any]:
        gateway.clock.forward(1)  # where only the sweep can know that the record landed
        return gateway.events.published

    assert (await eventually(told))[0] == gateway.record()


@pytest.mark.parametrize(("route", "other"), [("put", "post"), ("post", "put")])
async def test_the_same_key_with_the_same_file_is_the_same_task(gateway: Any, route: str, other: str) -> None:
    keyed = {"put": {"idempotency_key": "k"}, "post": {"headers": {"Idempotency-Key": "k"}}}
    first = await getattr(gateway, route)(**keyed[route])
    before = gateway.store.left_behind()
    second = await getattr(gateway, other)(**keyed[other])
    assert (second.status_code, second.json()) == (202, first.json())
    assert gateway.store.left_behind() == before


async def test_the_same_key_with_anything_else_is_refused(gateway: Any) -> None:
    gateway.store.objects["contracts/weather/active"] = b"1"
    await gateway.put(idempotency_key="k")
    before = gateway.store.left_behind()
    headers = {"Idempotency-Key": "k"}
    for answer in (
        await gateway.put(body=b"a,b\n1,3\n", idempotency_key="k"),
        await gateway.put("b.csv", idempotency_key="k"),
        await gateway.http.put("/v1/datasources/weather/files/a.csv", content=BODY, headers=headers),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused")
    assert gateway.store.left_behind() == before


async def test_eight_at_once_under_one_key_are_one_task(gateway: Any) -> None:
    answers = await asyncio.gather(*(gateway.put(body=in_chunks(BODY), idempotency_key="k") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["task_id"] for answer in answers}) == 1
    assert len(gateway.store.keys("raw/")) == len(gateway.store.keys("accepted/")) == 1
    assert gateway.record().data.object.uri == gateway.store.uri(gateway.store.keys("raw/")[0])


async def test_two_files_at_once_under_one_key_leave_one(gateway: Any) -> None:
    answers = await asyncio.gather(
        *(gateway.put(body=in_chunks(b"a\n%d\n" % number), idempotency_key="k") for number in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [202, 422, 422, 422]
    (raw,) = gateway.store.keys("raw/")
    assert gateway.record().data.object.uri == gateway.store.uri(raw)


@pytest.mark.parametrize("key", ["", "x" * 201, "naïve".encode("latin-1").decode("latin-1"), "a\tb"])
async def test_a_key_that_is_no_key_is_refused(gateway: Any, key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode("latin-1"))]
    answer = await gateway.http.put("/v1/datasources/sales/files/a.csv", content=BODY, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
    assert gateway.store.left_behind() == []


async def test_kafka_down_from_the_start_is_no_reason_to_refuse(gateway: Any, eventually: Any) -> None:
    gateway.events.down = True
    answer = await gateway.put()
    assert answer.status_code == 202
    assert (await gateway.http.get("/health/ready")).status_code == 200
    assert gateway.events.published == []
    gateway.events.down = False
    assert await eventually(lambda: gateway.events.published) == [gateway.record()]


async def test_without_storage_nothing_is_taken_and_readiness_says_so(gateway: Any) -> None:
    gateway.store.down = True
    assert (await gateway.http.get("/health/ready")).status_code == 503
    assert (await gateway.put()).status_code == 503
    assert (await gateway.http.get("/health/live")).status_code == 200


class TestStorageNotProven:
    @pytest.fixture
    def store(self, store: Any, fault: Any) -> Any:
        store.faults.append(fault("probe", ""))
        return store

    async def test_uploads_wait_until_the_storage_is_proven(self, gateway: Any, eventually: Any) -> None:
        assert (await gateway.put()).status_code == 503
        assert (await gateway.http.get("/health/ready")).status_code == 503
        edge = gateway.app.state.edge
        await eventually(lambda: edge.admit.storage.proven)
        assert (await gateway.http.get("/health/ready")).status_code == 200
        assert (await gateway.put()).status_code == 202


async def test_the_api_documents_its_problems_and_examples(gateway: Any) -> None:
    paths = (await gateway.http.get("/openapi.json")).json()["paths"]
    put = paths["/v1/datasources/{datasource}/files/{filename}"]["put"]
    post = paths["/v1/datasources/{datasource}/files"]["post"]
    for operation in (put, post):
        assert {"202", "400", "404", "408", "409", "413", "415", "422", "503"} <= set(operation["responses"])
        assert "application/problem+json" in operation["responses"]["415"]["content"]
        assert "corrects" in {parameter["name"] for parameter in operation["parameters"]}
        conflict = operation["responses"]["409"]["content"]["application/problem+json"]["schema"]
        assert "already-corrected" in conflict["properties"]["code"]["enum"]
    assert "multipart/form-data" in post["requestBody"]["content"]
    assert (await gateway.http.get("/docs")).status_code == 200


@pytest.fixture
def acceptedto_end() -> Iterator[asyncio.Event]:
    ended = asyncio.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: ended.set())
    yield ended
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def untrusted(store: Any) -> None:
    store.create_only = False


@pytest.mark.usefixtures("untrusted")
async def test_storage_that_lets_two_win_ends_the_process(acceptedto_end: asyncio.Event, gateway: Any) -> None:
    async with asyncio.timeout(5):
        await acceptedto_end.wait()
    assert (await gateway.put()).status_code == 503
