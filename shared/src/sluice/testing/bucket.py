"""A bucket in memory, with the promises of the real one. `services/gateway/tests/test_store_contract.py` holds it against a real one."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from sluice.clock import utc_now
from sluice.errors import ObjectChanged, ObjectExists, ObjectMissing, Permanent, Transient
from sluice.multipart import Part, Pieces
from sluice.objectstore import ObjectInfo


@dataclass
class Fault:
    """The next call of `method` on a key that begins with `prefix` is answered by a timeout, or the `error`; `landed`: it took effect."""

    method: str
    prefix: str
    landed: bool = False
    error: type[Transient] = Transient


@dataclass
class InMemoryUpload:
    store: "InMemoryObjectStore"
    key: str
    size: int = 0
    body: bytearray = field(default_factory=bytearray)

    async def write(self, chunk: bytes) -> None:
        self.store.check("write", self.key)
        self.body += chunk
        self.size += len(chunk)


@dataclass
class InMemoryMultipart:
    """An upload in parts. Where `strict` is false, one that is over takes parts all the same, and shows them, as S3Proxy does."""

    store: "InMemoryObjectStore"
    key: str
    id: str

    async def put(self, number: int, body: Pieces) -> Part:
        content = bytes(body)
        self.store.check("put part", self.key, lambda: self._kept.update({number: content}))
        await asyncio.sleep(0)
        if self.id not in self.store.multiparts and self.store.strict:
            raise ObjectMissing(self.key)
        self._kept[number] = content
        return self._part(number, content)

    async def parts(self) -> AsyncIterator[Part]:
        self.store.check("list parts", self.key)
        for number, content in sorted(self._kept.items()):
            yield self._part(number, content)

    async def complete(self, parts: Iterable[Part]) -> None:
        whole = b"".join(self._kept.get(part.number, b"") for part in parts)
        self.store.check("complete", self.key, lambda: self._finish(whole))
        if self.id not in self.store.multiparts:
            raise ObjectMissing(self.key)
        if any(part != self._part(part.number, self._kept.get(part.number, b"")) for part in parts):
            raise Permanent("a part is not what it was")
        self._finish(whole)

    async def abort(self) -> None:
        self.store.check("abort", self.key)
        self.store.multiparts.pop(self.id, None)

    def _finish(self, whole: bytes) -> None:
        self.store.objects[self.key] = whole
        self.store.multiparts.pop(self.id, None)

    @property
    def _kept(self) -> dict[int, bytes]:
        if self.id in self.store.multiparts or self.store.strict:
            return self.store.multiparts.get(self.id, (self.key, {}))[1]
        return self.store.strays.setdefault(self.id, {})

    @staticmethod
    def _part(number: int, content: bytes) -> Part:
        return Part(number, len(content), _etag(content))


@dataclass
class InMemoryObjectStore:
    bucket: str = "sluice"
    objects: dict[str, bytes] = field(default_factory=dict)
    multiparts: dict[str, tuple[str, dict[int, bytes]]] = field(default_factory=dict)
    strays: dict[str, dict[int, bytes]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    open_uploads: int = 0
    create_only: bool = True
    strict: bool = True
    down: bool = False
    others: dict[str, "InMemoryObjectStore"] = field(default_factory=dict)
    """Other buckets of the server, by name."""
    now: Callable[[], datetime] = utc_now
    _ids: Any = field(default_factory=count)

    def check(self, method: str, key: str, effect: Callable[[], Any] | None = None) -> None:
        if self.down:
            raise Transient("down")
        for fault in self.faults:
            if fault.method == method and key.startswith(fault.prefix):
                self.faults.remove(fault)
                if fault.landed and effect:
                    effect()
                raise fault.error(f"{method} {key} timed out")

    def at(self, bucket: str) -> "InMemoryObjectStore":
        if bucket == self.bucket:
            return self
        return self.others.setdefault(bucket, InMemoryObjectStore(bucket))

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    async def get(self, key: str) -> bytes:
        self.check("get", key)
        if key not in self.objects:
            raise ObjectMissing(key)
        return self.objects[key]

    async def get_range(self, key: str, first: int, last: int, etag: str | None = None) -> bytes:
        return (await self._get_meant(key, etag))[first : last + 1]

    async def stream(self, key: str, chunk: int = 1_048_576, etag: str | None = None) -> AsyncIterator[bytes]:
        content = await self._get_meant(key, etag)
        for start in range(0, len(content), chunk):
            yield content[start : start + chunk]

    async def head(self, key: str) -> ObjectInfo:
        self.check("head", key)
        if key not in self.objects:
            raise ObjectMissing(key)
        return self._info(key)

    async def put(self, key: str, body: bytes, _content_type: str = "") -> None:
        self.check("put", key, lambda: self.objects.update({key: body}))
        self.objects[key] = body

    async def create(self, key: str, body: bytes, _content_type: str = "") -> None:
        self.check("create", key, lambda: self.objects.setdefault(key, body))
        await asyncio.sleep(0)
        if self.create_only and key in self.objects:
            raise ObjectExists(key)
        self.objects[key] = body

    async def create_or_get(self, key: str, body: bytes, _content_type: str = "") -> bytes:
        try:
            await self.create(key, body)
        except ObjectExists:
            return await self.get(key)
        return body

    async def delete(self, key: str) -> None:
        self.check("delete", key)
        self.objects.pop(key, None)

    async def list(self, prefix: str, after: str = "") -> AsyncIterator[ObjectInfo]:
        self.check("list", prefix)
        for key in self.keys(prefix):
            if key > after and key in self.objects:
                yield self._info(key)

    async def folders(self, prefix: str, after: str = "") -> AsyncIterator[str]:
        self.check("list", prefix)
        names = {key.removeprefix(prefix).partition("/") for key in self.keys(prefix)}
        for folder in sorted({f"{name}/" for name, slash, _ in names if slash}):
            if folder > f"{after}/" or not after:
                yield folder.rstrip("/")

    @asynccontextmanager
    async def upload(self, key: str) -> AsyncIterator[InMemoryUpload]:
        upload = InMemoryUpload(self, key)
        self.open_uploads += 1
        try:
            yield upload
            self.check("finish", key, lambda: self.objects.update({key: bytes(upload.body)}))
            self.objects[key] = bytes(upload.body)
        finally:
            self.open_uploads -= 1

    async def begin(self, key: str) -> InMemoryMultipart:
        self.check("begin", key)
        multipart = self.resume(key, f"multipart-{next(self._ids)}")
        self.multiparts[multipart.id] = (key, {})
        return multipart

    def resume(self, key: str, multipart_id: str) -> InMemoryMultipart:
        return InMemoryMultipart(self, key, multipart_id)

    async def unfinished(self, prefix: str) -> AsyncIterator[InMemoryMultipart]:
        self.check("list multiparts", prefix)
        for multipart_id, (key, _) in list(self.multiparts.items()):
            if key.startswith(prefix):
                yield self.resume(key, multipart_id)

    async def answers(self) -> bool:
        return not self.down

    async def require_create_only(self) -> None:
        self.check("probe", "")
        if not self.create_only:
            raise Permanent("ignores If-None-Match")

    def keys(self, prefix: str = "") -> Sequence[str]:
        return sorted(key for key in self.objects if key.startswith(prefix))

    def left_behind(self) -> Sequence[str]:
        """Everything but contracts and who leads."""
        return [key for key in self.keys() if not key.startswith(("contracts/", "leases/"))]

    async def _get_meant(self, key: str, etag: str | None) -> bytes:
        content = await self.get(key)
        if etag not in {None, _etag(content)}:
            raise ObjectChanged(key)
        return content

    def _info(self, key: str) -> ObjectInfo:
        return ObjectInfo(key, len(self.objects[key]), _etag(self.objects[key]), self.now().replace(microsecond=0))


def _etag(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
