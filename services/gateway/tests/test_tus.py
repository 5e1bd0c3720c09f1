"""tus 1.0.0 on a bucket in memory: what each request is answered, and what is left on S3."""

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest

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
