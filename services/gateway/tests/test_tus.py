"""tus 1.0.0 on a bucket in memory: what each request is answered, and what is left on S3."""

import asyncio
import hashlib
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from gateway.routes import tusheaders
from gateway.settings import GatewaySettings
from sluice import lease

BODY = b"a,b\n" + b"1,2\n" * 20
PART = 32
TUS = {"Tus-Resumable": "1.0.0"}
CHUNK = {"Content-Type": "application/offset+octet-stream"}


@pytest.fixture
def settings(settings: GatewaySettings) -> GatewaySettings:
    return settings.model_copy(update={"upload_part_bytes": PART, "upload_lock_patience": 0.5})


@pytest.fixture(autouse=True)
def _locks_are_looked_at_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "LOOK", 0.02)
    monkeypatch.setattr(lease, "POLL", 0.01)


def encoded(**said: str) -> str:
    return ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in said.items())


METADATA = encoded(filename="a.csv", datasource="sales")


@dataclass
class Tus:
    """A client that does one request at a time."""

    http: httpx.AsyncClient

    async def create(self, length: int = len(BODY), body: Any = b"", **headers: str) -> httpx.Response:
        said = {"Upload-Length": str(length), "Upload-Metadata": METADATA, **(CHUNK if body else {})}
        return await self.http.post("/v1/uploads", content=body, headers=TUS | said | _headers(headers))

    async def new(self, **headers: str) -> str:
        answer = await self.create(**headers)
        assert answer.status_code == 201, answer.text
        return httpx.URL(answer.headers["location"]).path

    async def patch(self, path: str, offset: int, body: Any, **headers: str) -> httpx.Response:
        said = {"Upload-Offset": str(offset), **CHUNK}
        return await self.http.patch(path, content=body, headers=TUS | said | _headers(headers))

    async def head(self, path: str) -> httpx.Response:
        return await self.http.head(path, headers=TUS)

    async def offset(self, path: str) -> int:
        return int((await self.head(path)).headers["upload-offset"])

    async def delete(self, path: str) -> httpx.Response:
        return await self.http.delete(path, headers=TUS)


def _headers(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture
def tus(gateway: Any) -> Tus:
    return Tus(gateway.http)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def accepted(gateway: Any) -> bytes:
    """Bytes of the one file that is accepted; its record must tell the truth about them."""
    event = gateway.record().data
    content = gateway.store.objects[event.object.uri.removeprefix("s3://sluice/")]
    assert (event.object.size, event.object.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    return content


@pytest.mark.parametrize("size", [1, PART - 1, PART, PART + 1, 3 * PART, 84])
@pytest.mark.parametrize("chunk", [1000, 40, 7])
async def test_a_file_in_chunks_of_any_size_is_accepted_with_its_last_byte(
    gateway: Any, tus: Tus, eventually: Any, size: int, chunk: int
) -> None:
    body = BODY * 2
    body = body[:size]
    path = await tus.new(Upload_Length=str(size))
    for start in range(0, size, chunk):
        assert gateway.store.keys("accepted/") == []
        assert await tus.offset(path) == start
        answer = await tus.patch(path, start, body[start : start + chunk])
        assert answer.status_code == 204, answer.text
        assert answer.headers["upload-offset"] == str(min(size, start + chunk))
    assert accepted(gateway) == body
    event = gateway.record().data
    task_id = answer.headers["sluice-task-id"]
    assert path == f"/v1/uploads/{task_id}"
    assert (str(event.task_id), event.filename, event.datasource) == (task_id, "a.csv", "sales")
    assert answer.headers["sluice-status-url"] == f"https://sluice.example/v1/tasks/{task_id}"
    again = await tus.head(path)
    assert again.headers["sluice-task-id"] == task_id
    assert again.headers["upload-offset"] == again.headers["upload-length"] == str(size)
    await eventually(lambda: gateway.events.published)
    assert [each.data.task_id for each in gateway.events.published] == [UUID(task_id)]
    assert gateway.store.multiparts == {}
    assert not [key for key in gateway.store.keys("uploads/") if "/tails/" in key]


async def in_chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@dataclass
class Held:
    """A body that comes when the test lets it: `give` chunks, then it ends, hangs, or breaks off."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, *chunks: bytes) -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk
        await self.gate.wait()


async def test_what_it_can_is_told_to_anybody(gateway: Any) -> None:
    answer = await gateway.http.options("/v1/uploads")
    assert answer.status_code == 204
    said = {name: value for name, value in answer.headers.items() if name.startswith("tus-")}
    assert said == {
        "tus-resumable": "1.0.0",
        "tus-version": "1.0.0",
        "tus-extension": "creation,creation-with-upload,checksum,expiration,termination",
        "tus-max-size": "1000",
        "tus-checksum-algorithm": "sha256,sha1,md5",
    }


async def test_the_address_and_the_end_of_an_upload_are_told_at_its_beginning(gateway: Any, tus: Tus) -> None:
    answer = await tus.create()
    location = answer.headers["location"]
    assert location.startswith("https://sluice.example/v1/uploads/")
    assert answer.headers["upload-offset"] == "0"
    expires = parsedate_to_datetime(answer.headers["upload-expires"])
    assert expires == gateway.clock().replace(microsecond=0) + timedelta(days=1)
    assert answer.json() | {"expires_at": None} == {
        "url": location,
        "offset": 0,
        "expires_at": None,
        "task_id": None,
        "status_url": None,
    }
    head = await tus.head(httpx.URL(location).path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["upload-length"] == str(len(BODY))
    assert head.headers["upload-metadata"] == METADATA
    assert head.headers["cache-control"] == "no-store"
    assert head.headers["upload-expires"] == answer.headers["upload-expires"]
    assert "sluice-task-id" not in head.headers


@pytest.mark.parametrize("size", [len(BODY), 40, 1])
async def test_the_beginning_may_come_with_the_creation(gateway: Any, tus: Tus, size: int) -> None:
    answer = await tus.create(body=BODY[:size])
    assert (answer.status_code, answer.json()["offset"]) == (201, size)
    path = httpx.URL(answer.headers["location"]).path
    if size < len(BODY):
        assert gateway.store.keys("accepted/") == []
        answer = await tus.patch(path, size, BODY[size:])
    else:
        assert answer.json()["task_id"] == answer.headers["sluice-task-id"]
    assert accepted(gateway) == BODY
    assert answer.headers["sluice-task-id"] == str(gateway.record().data.task_id)


VERSIONS = [{"Tus-Resumable": "0.2.2"}, {}]


@pytest.mark.parametrize("headers", VERSIONS)
@pytest.mark.parametrize("method", ["POST", "HEAD", "PATCH", "DELETE"])
async def test_another_version_is_refused_before_anything_is_done(
    gateway: Any, tus: Tus, method: str, headers: dict[str, str]
) -> None:
    path = await tus.new()
    before = dict(gateway.store.objects)
    said = {**headers, "Upload-Offset": "0", "Upload-Length": "3", "Upload-Metadata": METADATA, **CHUNK}
    url = "/v1/uploads" if method == "POST" else path
    answer = await gateway.http.request(method, url, headers=said, content=b"abc")
    assert answer.status_code == 412
    assert (answer.headers["tus-version"], answer.headers["tus-resumable"]) == ("1.0.0", "1.0.0")
    assert gateway.store.objects == before


CREATIONS = [
    ({"Upload_Length": "0"}, 422, "empty-file"),
    ({"Upload_Length": "1001"}, 413, "file-too-large"),
    ({"Upload_Length": "-1"}, 422, "invalid-request"),
    ({"Upload_Length": "x"}, 422, "invalid-request"),
    ({"Upload_Metadata": ""}, 400, "tus-request-invalid"),
    ({"Upload_Metadata": "filename"}, 400, "tus-request-invalid"),
    ({"Upload_Metadata": "filename ???,datasource c2FsZXM="}, 400, "tus-request-invalid"),
    ({"Upload_Metadata": "filename //79,datasource c2FsZXM="}, 400, "tus-request-invalid"),
    ({"Upload_Metadata": encoded(filename="a.csv")}, 400, "tus-request-invalid"),
    ({"Upload_Metadata": encoded(datasource="sales")}, 400, "tus-request-invalid"),
    ({"Upload_Metadata": encoded(filename="a.csv", datasource="nobody")}, 404, "unknown-datasource"),
    ({"Upload_Metadata": encoded(filename="../a.csv", datasource="sales")}, 422, "invalid-filename"),
    ({"Upload_Metadata": encoded(filename="a.docx", datasource="sales")}, 415, "unsupported-format"),
    ({"Upload_Metadata": encoded(filename="a.csv", datasource="sales", corrects="x")}, 400, "tus-request-invalid"),
    (
        {"Upload_Metadata": encoded(filename="a.csv", datasource="sales", idempotency_key="ä")},
        400,
        "tus-request-invalid",
    ),
    (
        {"Upload_Metadata": encoded(filename="a.csv", datasource="sales", corrects=str(UUID(int=7)))},
        404,
        "task-not-found",
    ),
    ({"Upload_Metadata": encoded(filename="a.csv", datasource="sales", note="x" * 4000)}, 422, "invalid-request"),
]


@pytest.mark.parametrize(("headers", "status", "said"), CREATIONS)
async def test_a_creation_that_is_refused_leaves_nothing(
    gateway: Any, tus: Tus, headers: dict[str, str], status: int, said: str
) -> None:
    for body in (b"", BODY[:3]):
        answer = await tus.create(body=body, **headers)
        assert code(answer) == (status, said)
        assert answer.headers["tus-resumable"] == "1.0.0"
        assert answer.headers["content-type"] == "application/problem+json"
    assert gateway.store.left_behind() == []
    assert gateway.store.multiparts == {}


async def test_a_length_that_is_told_later_is_refused(gateway: Any) -> None:
    said = {"Upload-Defer-Length": "1", "Upload-Metadata": METADATA}
    answer = await gateway.http.post("/v1/uploads", headers=TUS | said)
    assert code(answer) == (400, "tus-request-invalid")
    assert "Upload-Length" in answer.json()["detail"]


async def test_bytes_must_be_marked_as_a_chunk(gateway: Any, tus: Tus) -> None:
    path = await tus.new()
    answers = [
        await tus.patch(path, 0, BODY, Content_Type="text/csv"),
        await tus.create(body=BODY, Content_Type="application/octet-stream"),
    ]
    assert [code(answer) for answer in answers] == [(415, "tus-media-type")] * 2
    assert await tus.offset(path) == 0


@pytest.mark.parametrize("offset", [0, 39, 41, 84, 1000])
async def test_an_offset_that_is_not_the_next_byte_is_refused(gateway: Any, tus: Tus, offset: int) -> None:
    path = await tus.new()
    await tus.patch(path, 0, BODY[:40])
    answer = await tus.patch(path, offset, BODY[40:])
    assert code(answer) == (409, "upload-offset-conflict")
    assert answer.json()["offset"] == 40
    assert (await tus.patch(path, 40, BODY[40:])).status_code == 204
    assert accepted(gateway) == BODY


async def test_an_empty_chunk_changes_nothing(tus: Tus) -> None:
    path = await tus.new()
    await tus.patch(path, 0, BODY[:40])
    answer = await tus.patch(path, 40, b"")
    assert (answer.status_code, answer.headers["upload-offset"]) == (204, "40")
    assert await tus.offset(path) == 40


async def test_bytes_beyond_the_length_are_refused_and_those_before_are_kept(gateway: Any, tus: Tus) -> None:
    path = await tus.new()
    answer = await tus.patch(path, 0, in_chunks(BODY[:50], BODY[50:] + b"x"))
    assert code(answer) == (413, "upload-overrun")
    assert await tus.offset(path) == 50
    assert gateway.store.keys("accepted/") == []


@pytest.mark.parametrize("path", ["/v1/uploads/0197f3c2-7d51-7c3e-9a54-2f1f2c1b7a10"])
async def test_an_upload_that_is_not_there_is_not_found(gateway: Any, tus: Tus, path: str) -> None:
    assert (await tus.head(path)).status_code == 404
    assert code(await tus.patch(path, 0, BODY)) == (404, "upload-not-found")
    assert code(await tus.delete(path)) == (404, "upload-not-found")
    assert gateway.store.left_behind() == []


@pytest.mark.parametrize("come", [0, 10, 40, 64, 70])
async def test_an_upload_that_is_given_up_is_gone_with_its_bytes(gateway: Any, tus: Tus, come: int) -> None:
    path = await tus.new()
    await tus.patch(path, 0, BODY[:come])
    assert (await tus.delete(path)).status_code == 204
    assert gateway.store.keys("raw/") == []
    assert gateway.store.multiparts == {}
    assert not [key for key in gateway.store.keys("uploads/") if "/tails/" in key]
    assert (await tus.head(path)).status_code == 410
    assert code(await tus.patch(path, come, BODY[come:])) == (410, "upload-gone")
    assert code(await tus.delete(path)) == (410, "upload-gone")
    assert gateway.store.keys("accepted/") == []


async def test_an_upload_that_is_complete_is_not_given_up(gateway: Any, tus: Tus) -> None:
    path = await tus.new()
    await tus.patch(path, 0, BODY)
    assert code(await tus.delete(path)) == (409, "upload-finished")
    assert accepted(gateway) == BODY


async def test_the_last_request_may_be_repeated(gateway: Any, tus: Tus) -> None:
    path = await tus.new()
    first = await tus.patch(path, 0, BODY)
    again = await tus.patch(path, len(BODY), b"")
    assert again.status_code == 204
    assert again.headers["sluice-task-id"] == first.headers["sluice-task-id"]
    assert code(await tus.patch(path, 0, BODY)) == (409, "upload-offset-conflict")


async def test_an_upload_ends_when_its_time_is_over(gateway: Any, tus: Tus) -> None:
    path, other = await tus.new(), await tus.new()
    await tus.patch(path, 0, BODY[:40])
    gateway.clock.forward(86_399)
    assert (await tus.patch(other, 0, BODY[:40])).status_code == 204
    gateway.clock.forward(1)
    assert (await tus.head(path)).status_code == 410
    assert code(await tus.patch(path, 40, BODY[40:])) == (410, "upload-gone")
    assert code(await tus.delete(path)) == (410, "upload-gone")


def checksum(algorithm: str, chunk: bytes) -> str:
    return f"{algorithm} {b64encode(hashlib.new(algorithm, chunk).digest()).decode()}"


@pytest.mark.parametrize("algorithm", ["sha256", "sha1", "md5"])
async def test_a_chunk_counts_only_when_it_agrees_with_its_checksum(gateway: Any, tus: Tus, algorithm: str) -> None:
    path = await tus.new()
    assert (await tus.patch(path, 0, BODY[:40], Upload_Checksum=checksum(algorithm, BODY[:40]))).status_code == 204
    before = dict(gateway.store.objects)
    answer = await tus.patch(path, 40, BODY[40:70], Upload_Checksum=checksum(algorithm, BODY[40:71]))
    assert code(answer) == (460, "tus-checksum-mismatch")
    assert gateway.store.objects == before
    assert await tus.offset(path) == 40
    await tus.patch(path, 40, in_chunks(BODY[40:60], BODY[60:]), Upload_Checksum=checksum(algorithm, BODY[40:]))
    assert accepted(gateway) == BODY


async def test_a_creation_whose_bytes_disagree_with_their_checksum_leaves_nothing(gateway: Any, tus: Tus) -> None:
    answer = await tus.create(body=BODY, Upload_Checksum=checksum("sha256", b"other"))
    assert code(answer) == (460, "tus-checksum-mismatch")
    assert gateway.store.left_behind() == []
    answer = await tus.create(body=BODY, Upload_Checksum=checksum("sha256", BODY))
    assert answer.status_code == 201
    assert accepted(gateway) == BODY


@pytest.mark.parametrize("said", ["crc32 AAAA", "sha256", "sha256:x", ""])
async def test_a_checksum_of_another_kind_is_refused(tus: Tus, said: str) -> None:
    path = await tus.new()
    answer = await tus.patch(path, 0, BODY, Upload_Checksum=said)
    assert code(answer) in {(400, "tus-request-invalid"), (460, "tus-checksum-mismatch")}
    assert await tus.offset(path) == 0


async def test_a_chunk_with_a_checksum_is_bounded(tus: Tus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tusheaders, "LARGEST_CHECKED", 40)
    path = await tus.new()
    answer = await tus.patch(path, 0, BODY[:41], Upload_Checksum=checksum("sha1", BODY[:41]))
    assert code(answer) == (413, "tus-chunk-too-large")
    assert await tus.offset(path) == 0
    assert (await tus.patch(path, 0, BODY[:40], Upload_Checksum=checksum("sha1", BODY[:40]))).status_code == 204


async def test_whoever_knows_only_get_and_post_names_the_method_in_a_header(gateway: Any, tus: Tus) -> None:
    path, other = await tus.new(), await tus.new()

    async def post(path: str, method: str, body: bytes = b"", **headers: str) -> httpx.Response:
        said = TUS | {"X-HTTP-Method-Override": method} | _headers(headers)
        return await gateway.http.post(path, headers=said, content=body)

    chunk = {"Upload_Offset": "0", "Content_Type": CHUNK["Content-Type"]}
    assert (await post(path, "PATCH", BODY[:40], **chunk)).status_code == 204
    head = await post(path, "HEAD")
    assert (head.status_code, head.headers["upload-offset"], head.content) == (200, "40", b"")
    assert (await post(other, "DELETE")).status_code == 204
    assert (await tus.head(other)).status_code == 410
    assert (await post(path, "GET")).status_code == 405


async def test_a_file_that_is_not_what_its_name_says_is_refused_at_its_first_bytes(gateway: Any, tus: Tus) -> None:
    path = await tus.new(Upload_Length="900")
    answer = await tus.patch(path, 0, b"PK\x03\x04" + b"x" * 600)
    assert code(answer) == (415, "format-mismatch")
    assert gateway.store.keys("raw/") == []
    assert gateway.store.multiparts == {}
    gone = await tus.patch(path, 604, b"x")
    assert code(gone) == (410, "upload-gone")
    assert "not text" in gone.json()["detail"]


async def test_a_file_whose_beginning_came_in_pieces_is_refused_at_its_end(gateway: Any, tus: Tus) -> None:
    body = b"PK\x03\x04" + b"x" * 40
    path = await tus.new(Upload_Length="44")
    for start in range(0, 44, 11):
        answer = await tus.patch(path, start, body[start : start + 11])
    assert code(answer) == (415, "format-mismatch")
    assert [key for key in gateway.store.left_behind() if not key.startswith("uploads/")] == []
    assert (await tus.head(path)).status_code == 410


async def test_a_body_that_stalls_is_given_up_and_what_had_come_is_kept(gateway: Any, tus: Tus) -> None:
    path = await tus.new()
    answer = await tus.patch(path, 0, Held()(BODY[:50]))
    assert code(answer) == (408, "upload-stalled")
    assert "HEAD" in answer.json()["detail"]
    assert await tus.offset(path) == 50
    await tus.patch(path, 50, BODY[50:])
    assert accepted(gateway) == BODY


async def test_a_second_request_takes_over_and_the_first_keeps_what_it_had(
    gateway: Any, tus: Tus, eventually: Any, settings: GatewaySettings
) -> None:
    path = await tus.new()
    first = asyncio.create_task(tus.patch(path, 0, Held()(BODY[:50])))
    await eventually(lambda: gateway.store.multiparts and any(parts for _, parts in gateway.store.multiparts.values()))
    assert await tus.offset(path) == 50
    assert code(await first) == (423, "upload-locked")
    assert (await first).headers["retry-after"]
    assert (await tus.patch(path, 50, BODY[50:])).status_code == 204
    assert accepted(gateway) == BODY


async def test_the_same_key_gives_the_same_task_however_the_file_comes(gateway: Any, tus: Tus) -> None:
    simple = (await gateway.put(body=BODY, Idempotency_Key="k")).json()["task_id"]
    metadata = encoded(filename="a.csv", datasource="sales", idempotency_key="k")
    answer = await tus.create(body=BODY, Upload_Metadata=metadata)
    assert answer.json()["task_id"] == simple
    assert len(gateway.store.keys("raw/")) == 1
    other = await tus.create(length=3, body=b"a,b", Upload_Metadata=metadata)
    assert code(other) == (422, "idempotency-key-reused")
    assert len(gateway.store.keys("raw/")) == 1
    assert accepted(gateway) == BODY
