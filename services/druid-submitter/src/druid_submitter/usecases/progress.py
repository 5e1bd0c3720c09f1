"""Tell how far a task is. Advisory: it may be lost."""

import asyncio
from dataclasses import dataclass

import structlog

from druid_submitter.domain.ingestion import Ingestion
from druid_submitter.ports import EventPublisher
from sluice.clock import Clock
from sluice.errors import Transient
from sluice.events import TaskProgress, WaitsFor, follow

log = structlog.get_logger()

SOURCE = "sluice/druid-submitter"
TIMEOUT = 2.0
"""Seconds; far below a lease."""


@dataclass(frozen=True, slots=True)
class TellProgress:
    events: EventPublisher
    clock: Clock

    async def __call__(self, ingestion: Ingestion, waits_for: WaitsFor | None = None) -> None:
        now = self.clock()
        news = TaskProgress(task_id=ingestion.task_id, stage="ingesting", at=now, waits_for=waits_for)
        try:
            async with asyncio.timeout(TIMEOUT):
                await self.events.publish(follow(ingestion.cause, news, source=SOURCE, time=now))
        except (Transient, TimeoutError) as error:
            log.debug("progress not told", error=repr(error))
