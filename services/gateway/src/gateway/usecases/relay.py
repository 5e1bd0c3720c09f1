"""From the record to the topic: one path for every publish, new or swept."""

import asyncio
from dataclasses import dataclass, field
from itertools import islice

import structlog

from gateway.ports import EventPublisher
from sluice.events import Envelope, Event

log = structlog.get_logger()

BATCH = 100
"""Publishes in flight at once."""

IDLE = 5.0
"""Seconds to wait for news before saying that we are alive."""


@dataclass(slots=True)
class Relay:
    """Holds at most `room` events in memory and publishes them. What finds no room is swept from its record later."""

    events: EventPublisher
    room: int
    _waiting: dict[str, Envelope[Event]] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def hand_over(self, envelope: Envelope[Event]) -> bool:
        """Never waits. An event that waits already is not taken twice. False if there is no room."""
        if envelope.id not in self._waiting and len(self._waiting) >= self.room:
            return False
        self._waiting[envelope.id] = envelope
        self._news.set()
        return True

    async def __call__(self) -> bool:
        """Publish a batch, or wait a little for one. Always at once again, unless it raises: what failed stays."""
        if not self._waiting:
            await self._wait()
        batch = list(islice(self._waiting.values(), BATCH))
        results = await asyncio.gather(*(self._publish(each) for each in batch), return_exceptions=True)
        for failure in results:
            if failure is not None:
                raise failure
        return True

    async def _publish(self, envelope: Envelope[Event]) -> None:
        await self.events.publish(envelope)
        self._waiting.pop(envelope.id, None)
        log.info("event published", type=envelope.data.TYPE, task_id=str(envelope.data.task_id))

    async def _wait(self) -> None:
        self._news.clear()
        try:
            async with asyncio.timeout(IDLE):
                await self._news.wait()
        except TimeoutError:
            return
