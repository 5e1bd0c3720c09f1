"""Give an ingestion back, to be looked at again later."""

import random
from dataclasses import dataclass
from datetime import timedelta

import structlog

from druid_submitter.domain.ingestion import Ingestion, Phase
from druid_submitter.domain.pace import back_off, next_look
from druid_submitter.ports import Ingestions
from druid_submitter.usecases.progress import TellProgress
from sluice.clock import Clock
from sluice.events import WaitsFor

log = structlog.get_logger()

HELD_PAUSE = 30.0
LONGEST_IN_QUEUE = 60.0
"""Whoever is admitted is woken; this is for when that is missed, and to say anew for what it waits."""
POLLS_UNTIL_ALERT = 90
"""Some five minutes."""


@dataclass(frozen=True, slots=True)
class Patience:
    ingestions: Ingestions
    tell: TellProgress
    clock: Clock

    async def wait(self, ingestion: Ingestion, *, unknown: bool = False, missing: bool = False) -> None:
        """For Druid to get on."""
        await self.ingestions.wait(ingestion, self.next_look(ingestion), unknown=unknown, missing=missing)

    def next_look(self, ingestion: Ingestion) -> timedelta:
        if ingestion.polls and ingestion.polls % POLLS_UNTIL_ALERT == 0:
            log.error("still waiting for Druid", phase=ingestion.phase, polls=ingestion.polls)
        return next_look(ingestion.polls, self.clock())

    async def back_off(self, ingestion: Ingestion, waits_for: WaitsFor | None) -> None:
        """After an error that passes."""
        if ingestion.polls and ingestion.polls % POLLS_UNTIL_ALERT == 0:
            log.error("still waiting", phase=ingestion.phase, polls=ingestion.polls)
        await self._wait(ingestion, self.pause(ingestion.polls), waits_for)

    async def queue(self, ingestion: Ingestion, waits_for: WaitsFor) -> None:
        """Until it is admitted. Said from the second time on: most are admitted at once."""
        pause = self.pause(ingestion.polls, LONGEST_IN_QUEUE)
        await self._wait(ingestion, pause, waits_for if ingestion.polls else ingestion.waits_for)

    async def step_back(self, ingestion: Ingestion, waits_for: WaitsFor) -> None:
        """After it was admitted, as while somebody else's task holds a lock."""
        await self.ingestions.step_back(ingestion, self.pause(ingestion.polls, HELD_PAUSE), waits_for)
        await self._say(ingestion, waits_for)

    async def hold(self, ingestion: Ingestion) -> None:
        """Where somebody has to look."""
        await self.ingestions.wait(ingestion, timedelta(seconds=HELD_PAUSE))

    def pause(self, failures: int, longest: float = 10.0) -> timedelta:
        return back_off(failures, random.random(), longest)  # noqa: S311 - spreads, hides nothing

    async def _wait(self, ingestion: Ingestion, pause: timedelta, waits_for: WaitsFor | None) -> None:
        await self.ingestions.wait(ingestion, pause, waits_for=waits_for)
        await self._say(ingestion, waits_for)

    async def _say(self, ingestion: Ingestion, waits_for: WaitsFor | None) -> None:
        """On a change, and only before Druid has the task: from then on its state says enough."""
        if waits_for not in {None, ingestion.waits_for} and ingestion.phase is Phase.SUBMITTING:
            log.info("waits", waits_for=waits_for)
            await self.tell(ingestion, waits_for)
