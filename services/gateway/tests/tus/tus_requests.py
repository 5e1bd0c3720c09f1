"""A tus client that does one request at a time, and what is held against its answers."""

import asyncio
import hashlib
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx

BODY = b"a,b\n" + b"1,2\n" * 20
PART = 32
TUS = {"Tus-Resumable": "1.0.0"}
CHUNK = {"Content-Type": "application/offset+octet-stream"}


def encoded(**said: str) -> str:
    return ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in said.items())


METADATA = encoded(filename="a.csv", datasource="sales")


@dataclass
class Tus:
    """A client that does one request at a time."""

    http: httpx.AsyncClient

    async def create(self, length: int = len(BODY), body: Any = b"", **headers: str) -> httpx.Response:
        said = {"Upload-Length": str(length), "Upload-Metadata": METADATA, **(CHUNK if body else {})}
        return await self.http.post("/v1/uploads", content=body, headers=TUS | said | dashed(headers))

    async def new(self, **headers: str) -> str:
        answer = await self.create(**headers)
        assert answer.status_code == 201, answer.text
        return httpx.URL(answer.headers["location"]).path

    async def patch(self, path: str, offset: int, body: Any, **headers: str) -> httpx.Response:
        said = {"Upload-Offset": str(offset), **CHUNK}
        return await self.http.patch(path, content=body, headers=TUS | said | dashed(headers))

    async def head(self, path: str) -> httpx.Response:
        return await self.http.head(path, headers=TUS)

    async def offset(self, path: str) -> int:
        return int((await self.head(path)).headers["upload-offset"])

    async def delete(self, path: str) -> httpx.Response:
        return await self.http.delete(path, headers=TUS)


def dashed(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def accepted(gateway: Any) -> bytes:
    """Bytes of the one file that is accepted; its record must tell the truth about them."""
    event = gateway.record().data
    content = gateway.store.objects[event.object.uri.removeprefix("s3://sluice/")]
    assert (event.object.size, event.object.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    return content


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


def checksum(algorithm: str, chunk: bytes) -> str:
    return f"{algorithm} {b64encode(hashlib.new(algorithm, chunk).digest()).decode()}"
