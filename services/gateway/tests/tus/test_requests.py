"""tus 1.0.0 on a bucket in memory: what each request is answered, and what is left on S3."""

import asyncio
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from tus_requests import (
    BODY,
    CHUNK,
    METADATA,
    PART,
    TUS,
    Held,
    Tus,
    accepted,
    checksum,
    code,
    dashed,
    encoded,
    in_chunks,
)

from gateway.settings import GatewaySettings


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


async def test_an_empty_chunk_changes_nothing(tus: Tus) -> None:
    path = await tus.new()
    await tus.patch(path, 0, BODY[:40])
    answer = await tus.patch(path, 40, b"")
    assert (answer.status_code, answer.headers["upload-offset"]) == (204, "40")
    assert await tus.offset(path) == 40


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


async def test_whoever_knows_only_get_and_post_names_the_method_in_a_header(gateway: Any, tus: Tus) -> None:
    path, other = await tus.new(), await tus.new()

    async def post(path: str, method: str, body: bytes = b"", **headers: str) -> httpx.Response:
        said = TUS | {"X-HTTP-Method-Override": method} | dashed(headers)
        return await gateway.http.post(path, headers=said, content=body)

    chunk = {"Upload_Offset": "0", "Content_Type": CHUNK["Content-Type"]}
    assert (await post(path, "PATCH", BODY[:40], **chunk)).status_code == 204
    head = await post(path, "HEAD")
    assert (head.status_code, head.headers["upload-offset"], head.content) == (200, "40", b"")
    assert (await post(other, "DELETE")).status_code == 204
    assert (await tus.head(other)).status_code == 410
    assert (await post(path, "GET")).status_code == 405


@pytest.mark.parametrize("body_patience", [0.3])
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
