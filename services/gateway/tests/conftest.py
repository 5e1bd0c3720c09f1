"""The gateway over fakes at its seams: a bucket in memory, a publisher that records, a clock that is set by hand."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
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
from sluice.errors import Transient
from sluice.events import Envelope
from sluice.ledger import active_contract_key
from sluice.messaging import decode_structured
from sluice.testing.bucket import Fault, InMemoryObjectStore


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
def body_patience() -> float:
    """Seconds; a test of bodies that stall says fewer."""
    return 20.0


@pytest.fixture
def settings(body_patience: float) -> GatewaySettings:
    return GatewaySettings(
        kafka_bootstrap="unused",
        public_url="https://sluice.example/",
        max_upload_bytes=1000,
        max_uploads=20,
        max_uploads_of_caller=20,
        max_backlog=30,
        body_patience=body_patience,
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
