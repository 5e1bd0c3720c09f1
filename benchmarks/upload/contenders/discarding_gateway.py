"""The gateway itself, on storage that throws bytes away: what passing them through costs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from gateway.app import create_app
from gateway.settings import GatewaySettings
from sluice.http import serve
from sluice.ledger import active_contract_key
from sluice.settings import read_settings
from sluice.testing import RecordingPublisher
from sluice.testing.bucket import InMemoryObjectStore


class Nowhere:
    async def write(self, chunk: bytes) -> None:
        pass


@dataclass
class DiscardingStore(InMemoryObjectStore):
    @asynccontextmanager
    async def upload(self, _key: str) -> AsyncIterator[Any]:
        yield Nowhere()


@asynccontextmanager
async def open_store(_settings: Any) -> AsyncIterator[Any]:
    yield DiscardingStore(objects={active_contract_key("sales"): b"1.0.0"})


@asynccontextmanager
async def open_events(_settings: Any) -> AsyncIterator[Any]:
    yield RecordingPublisher()


settings = read_settings(GatewaySettings)
serve(create_app(settings, open_store=open_store, open_events=open_events), settings)
