"""Take each ingestion that is due one step further, whatever happens to the others."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog
from structlog.contextvars import bound_contextvars

from druid_submitter.domain.ingestion import CANCELLED, Ingestion, Phase
from druid_submitter.errors import DruidSilent, QueueFull
from druid_submitter.ports import Ingestions
from druid_submitter.usecases.patience import Patience
from sluice.errors import Permanent, Transient
from sluice.events import Problem, WaitsFor

log = structlog.get_logger()

Step = Callable[[Ingestion], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Steps:
    """Each step is safe to repeat; a step that a lost lease or a killed process leaves half done is simply done again.

    `longest`: no step of ours takes so long. One that does is broken off, for those that are taken together with it wait for it.
    """

    ingestions: Ingestions
    patience: Patience
    lease: timedelta
    longest: timedelta

    async def take(self, due: Iterable[Ingestion], step: Step) -> None:
        in_order = sorted(due, key=lambda each: each.about.accepted_at)
        async with self.holding(in_order):
            await asyncio.gather(*(self._take(each, step) for each in in_order))

    @asynccontextmanager
    async def holding(self, held: Collection[Ingestion]) -> AsyncIterator[None]:
        """Within the block nobody takes them over, however slow Druid is, unless this process dies or stops."""
        renewing = asyncio.create_task(self._renew(held))
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.wait({renewing})  # an error of our own is said aloud by asyncio

    async def _renew(self, held: Collection[Ingestion]) -> None:
        while True:
            await asyncio.sleep(self.lease.total_seconds() / 3)
            try:
                await self.ingestions.renew(held)
            except Transient as error:
                # others may take over: then the fence keeps what is done here from having an effect
                log.warning("leases not renewed", error=str(error))

    async def _take(self, ingestion: Ingestion, step: Step) -> None:
        with bound_contextvars(task_id=str(ingestion.task_id)):
            try:
                if ingestion.to_be_cancelled:
                    log.info("cancelled", phase=ingestion.phase)
                    await self.ingestions.clearing(ingestion, CANCELLED)
                else:
                    await self._within_time(step(ingestion))
            except Transient as error:
                log.warning("waiting", phase=ingestion.phase, error=str(error))
                await self.patience.back_off(ingestion, _waits_for(error) or ingestion.waits_for)
            except Permanent as error:
                await self._give_up(ingestion, error)
            except Exception:
                # one task's surprise must not stop the others; it is held and said aloud, and somebody has to look
                log.exception("held: unexpected error", phase=ingestion.phase)
                await self.patience.hold(ingestion)

    async def _within_time(self, step: Awaitable[None]) -> None:
        limit = asyncio.timeout(self.longest.total_seconds())
        try:
            async with limit:
                await step
        except TimeoutError as error:
            if limit.expired():
                raise Transient(f"broken off after {self.longest.total_seconds():g} s") from error
            raise

    async def _give_up(self, ingestion: Ingestion, error: Permanent) -> None:
        if ingestion.phase is Phase.CLEARING:
            log.error("held: cannot be cleared", error=str(error))
            await self.patience.hold(ingestion)
        else:
            log.warning("task fails", phase=ingestion.phase, error=str(error))
            await self.ingestions.clearing(ingestion, Problem(code=error.code, message=str(error)[:1000]))


def _waits_for(error: Transient) -> WaitsFor | None:
    if isinstance(error, QueueFull):
        return WaitsFor.QUEUE
    return WaitsFor.DRUID if isinstance(error, DruidSilent) else None
