"""Give an ingestion back, to be looked at again later."""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from druid_submitter.domain.ingestion import Ingestion
from druid_submitter.ports import Ingestions
from sluice.clock import Clock

log = structlog.get_logger()

FIRST_PAUSE, LONGEST_PAUSE = 0.3, 5.0
HELD_PAUSE = 30.0
POLLS_UNTIL_ALERT = 60
"""Some five minutes."""


@dataclass(frozen=True, slots=True)
class Patience:
    ingestions: Ingestions
    clock: Clock

    async def wait(self, ingestion: Ingestion, *, unknown: bool = False) -> None:
        if ingestion.polls and ingestion.polls % POLLS_UNTIL_ALERT == 0:
            log.error("still waiting for Druid", phase=ingestion.phase, polls=ingestion.polls)
        await self.pause(ingestion, unknown=unknown)

    async def pause(self, ingestion: Ingestion, *, unknown: bool = False) -> None:
        """Where waiting is nothing that anybody should look at."""
        await self.ingestions.wait(ingestion, self.clock() + _pause(ingestion), unknown=unknown)

    async def hold(self, ingestion: Ingestion) -> None:
        """Where somebody has to look."""
        await self.ingestions.wait(ingestion, self.clock() + timedelta(seconds=HELD_PAUSE))


def _pause(ingestion: Ingestion) -> timedelta:
    """Until it is looked at again. Whoever ends wakes those that wait for their turn; this is for when that is missed."""
    # the power of a count that grows for hours would overflow
    return timedelta(seconds=min(FIRST_PAUSE * 1.3 ** min(ingestion.polls, 20), LONGEST_PAUSE))
