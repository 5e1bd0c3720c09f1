"""From the record to the topic: one path for every publish, new or swept."""

import asyncio
from dataclasses import dataclass, field
from itertools import islice
from uuid import UUID

import structlog

from gateway.ports import Acceptance, EventPublisher

log = structlog.get_logger()

BATCH = 100
"""Publishes in flight at once."""

IDLE = 5.0
"""Seconds to wait for news before saying that we are alive."""


@dataclass(slots=True)
class Relay:
    """Holds at most `room` acceptances in memory and publishes them. What finds no room is swept from its record later."""

    events: EventPublisher
    room: int
    _waiting: dict[UUID, Acceptance] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def hand_over(self, acceptance: Acceptance) -> bool:
        """Never waits. A task that waits already is not taken twice. False if there is no room."""
        task_id = acceptance.data.task_id
        if task_id not in self._waiting and len(self._waiting) >= self.room:
            return False
        self._waiting[task_id] = acceptance
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

    async def _publish(self, acceptance: Acceptance) -> None:
        await self.events.publish(acceptance)
        self._waiting.pop(acceptance.data.task_id, None)
        log.info("event published", task_id=str(acceptance.data.task_id))

    async def _wait(self) -> None:
        self._news.clear()
        try:
            async with asyncio.timeout(IDLE):
                await self._news.wait()
        except TimeoutError:
            return
