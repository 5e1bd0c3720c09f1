"""What tus refuses on a bucket in memory: each refusal says what to do, and leaves nothing that was not there."""

from typing import Any
from uuid import UUID

import pytest
from tus_requests import BODY, CHUNK, METADATA, TUS, Tus, accepted, checksum, code, encoded, in_chunks

from gateway.routes import tusheaders

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
