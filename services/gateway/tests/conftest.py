"""The gateway over fakes at its seams: a bucket in memory, a publisher that records, a clock that is set by hand."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI

from gateway.app import create_app
from gateway.settings import GatewaySettings
from sluice.errors import ObjectExists, ObjectMissing, Permanent, Transient
from sluice.events import Envelope
from sluice.ledger import active_contract_key
from sluice.messaging import decode_structured
from sluice.objectstore import ObjectInfo


@dataclass
class Fault:
    """The next call of `method` on a key that begins with `prefix` is answered by a timeout; `landed`: it took effect."""

    method: str
    prefix: str
    landed: bool = False


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
class InMemoryObjectStore:
    """A bucket with the promises of the real one."""

    bucket: str = "sluice"
    objects: dict[str, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    unfinished: int = 0
    create_only: bool = True
    down: bool = False

    def check(self, method: str, key: str, effect: Callable[[], Any] | None = None) -> None:
        if self.down:
            raise Transient("down")
        for fault in self.faults:
            if fault.method == method and key.startswith(fault.prefix):
                self.faults.remove(fault)
                if fault.landed and effect:
                    effect()
                raise Transient(f"{method} {key} timed out")

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    async def get(self, key: str) -> bytes:
        self.check("get", key)
        if key not in self.objects:
            raise ObjectMissing(key)
        return self.objects[key]

    async def head(self, key: str) -> ObjectInfo:
        self.check("head", key)
        if key not in self.objects:
            raise ObjectMissing(key)
        return self._info(key)

    async def put(self, key: str, body: bytes, _content_type: str = "") -> None:
        self.check("put", key)
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
            if key > after:
                yield self._info(key)

    async def folders(self, prefix: str, after: str = "") -> AsyncIterator[str]:
        self.check("list", prefix)
        names = {key.removeprefix(prefix).partition("/") for key in self.keys(prefix)}
        for folder in sorted({f"{name}/" for name, slash, _ in names if slash}):
            if folder > f"{after}/" or not after:
                yield folder.rstrip("/")

    def _info(self, key: str) -> ObjectInfo:
        return ObjectInfo(key, len(self.objects[key]), "", datetime.now(UTC).replace(microsecond=0))

    @asynccontextmanager
    async def upload(self, key: str) -> AsyncIterator[InMemoryUpload]:
        upload = InMemoryUpload(self, key)
        self.unfinished += 1
        try:
            yield upload
            self.check("finish", key, lambda: self.objects.update({key: bytes(upload.body)}))
            self.objects[key] = bytes(upload.body)
        finally:
            self.unfinished -= 1

    async def answers(self) -> bool:
        return not self.down

    async def require_create_only(self) -> None:
        self.check("probe", "")
        if not self.create_only:
            raise Permanent("ignores If-None-Match")

    def keys(self, prefix: str = "") -> Sequence[str]:
        return sorted(key for key in self.objects if key.startswith(prefix))

    def left_behind(self) -> Sequence[str]:
        """Everything but contracts."""
        return [key for key in self.keys() if not key.startswith("contracts/")]


@dataclass
class RecordingPublisher:
    published: list[Envelope[Any]] = field(default_factory=list)
    down: bool = False

    async def publish(self, envelope: Envelope[Any]) -> None:
        await asyncio.sleep(0)
        if self.down:
            raise Transient("Kafka does not answer")
        self.published.append(envelope)


@dataclass
class ManualClock:
    now: datetime = datetime(2026, 3, 4, 5, 6, 7, 891234, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Gateway:
    """One running gateway on fakes."""

    app: FastAPI
    http: httpx.AsyncClient
    store: InMemoryObjectStore
    events: RecordingPublisher
    clock: ManualClock

    async def put(self, filename: str = "a.csv", body: Any = b"a,b\n1,2\n", **headers: str) -> httpx.Response:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.put(f"/v1/datasources/sales/files/{filename}", content=body, headers=names)

    async def post(self, filename: str = "a.csv", body: bytes = b"a,b\n1,2\n", **options: Any) -> httpx.Response:
        return await self.http.post("/v1/datasources/sales/files", files={"file": (filename, body)}, **options)

    def record(self) -> Envelope[Any]:
        """The one acceptance record there is."""
        (key,) = self.store.keys("accepted/")
        return decode_structured(self.store.objects[key])


async def eventually(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.01)
    return found


@pytest.fixture(name="eventually")
def _eventually() -> Callable[..., Awaitable[Any]]:
    return eventually


@pytest.fixture
def store() -> InMemoryObjectStore:
    return InMemoryObjectStore(objects={active_contract_key("sales"): b"1.0.0"})


@pytest.fixture
def events() -> RecordingPublisher:
    return RecordingPublisher()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def fault() -> type[Fault]:
    return Fault


@pytest.fixture
def settings() -> GatewaySettings:
    return GatewaySettings(
        kafka_bootstrap="unused",
        public_url="https://sluice.example/",
        max_upload_bytes=1000,
        max_uploads=20,
        max_uploads_of_caller=20,
        max_backlog=30,
        body_patience=0.3,
        sweep_every=0.05,
    )


@pytest.fixture
async def gateway(
    store: InMemoryObjectStore, events: RecordingPublisher, clock: ManualClock, settings: GatewaySettings
) -> AsyncIterator[Gateway]:
    @asynccontextmanager
    async def open_store(_settings: Any) -> AsyncIterator[Any]:
        yield store

    @asynccontextmanager
    async def open_events(_settings: Any) -> AsyncIterator[RecordingPublisher]:
        yield events

    app = create_app(settings, open_store=open_store, open_events=open_events, clock=clock)
    async with LifespanManager(app) as manager:
        transport = httpx.ASGITransport(manager.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
            yield Gateway(app, http, store, events, clock)
