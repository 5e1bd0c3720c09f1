"""Work that a clock starts. Every job has an owner who ends it, and a pulse that liveness listens to."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from sluice.errors import Transient

log = structlog.get_logger()

FAILED_PAUSE = 1.0
"""Seconds more after an error of our own, so that a log is not filled with one fault."""


@dataclass(slots=True)
class Job:
    """Runs `work` again and again, `pause` seconds apart; at once while it says that there is more.

    A dependency that does not answer is waited out. An error of our own is logged and stops the pulse: after `patience`
    seconds the process is no longer alive, and whoever watches it starts it anew.
    """

    name: str
    work: Callable[[], Awaitable[bool]]
    pause: float
    patience: float = 60.0
    last_pulse: float = 0.0
    waiting: bool = False
    """A dependency did not answer the last time; said once, not at every try."""

    def alive(self) -> bool:
        return time.monotonic() - self.last_pulse < self.patience

    async def run(self) -> None:
        self.last_pulse = time.monotonic()
        while True:
            more = await self._once()
            if not more:
                await asyncio.sleep(self.pause)

    async def _once(self) -> bool:
        try:
            more = await self.work()
        except Transient as error:
            if not self.waiting:
                log.warning("job waits", job=self.name, error=str(error))
            self.waiting, more = True, False
        except Exception:
            log.exception("job failed", job=self.name)
            await asyncio.sleep(FAILED_PAUSE)
            return False
        else:
            if self.waiting:
                log.info("job goes on", job=self.name)
            self.waiting = False
        self.last_pulse = time.monotonic()
        return more


@asynccontextmanager
async def running(*jobs: Job) -> AsyncIterator[None]:
    """Run the jobs until the block ends."""
    tasks = [asyncio.create_task(job.run(), name=job.name) for job in jobs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
