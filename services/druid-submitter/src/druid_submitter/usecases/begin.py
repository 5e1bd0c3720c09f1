"""May an attempt begin? Asked just before it is submitted."""

from dataclasses import dataclass

import structlog

from druid_submitter.domain.ingestion import Ingestion, Load
from druid_submitter.ports import Ingestions, Outcomes
from druid_submitter.usecases.conclude import ConcludeIngestion
from druid_submitter.usecases.patience import Patience
from druid_submitter.usecases.rows import Rows
from sluice.clock import Clock
from sluice.events import WaitsFor

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class BeginAttempt:
    """Not where the task has ended already, where nobody could query its rows, or where the last attempt has left some."""

    ingestions: Ingestions
    rows: Rows
    outcomes: Outcomes
    conclude: ConcludeIngestion
    patience: Patience
    clock: Clock

    async def __call__(self, ingestion: Ingestion) -> bool:
        """Where not, the ingestion has been taken elsewhere."""
        if stands := await self.outcomes.outcome(ingestion.about.accepted_at, ingestion.task_id):
            await self.conclude.stands(ingestion, stands)
            return False
        if not isinstance(ingestion.work, Load):
            return True
        if drop := await self.rows.dropped(ingestion.work.accepted, self.clock()):
            await self.ingestions.clearing(ingestion, drop.problem)
            return False
        return await self._nothing_left_behind(ingestion)

    async def _nothing_left_behind(self, ingestion: Ingestion) -> bool:
        """Were rows of the last attempt seen only now?"""
        if ingestion.problem is None:
            return True
        presence = await self.rows.left(ingestion)
        if presence.counted:
            log.warning("rows of the last attempt are there after all", rows=presence.counted)
            await self.ingestions.clearing(ingestion, ingestion.problem)
        elif not presence.loaded:
            await self.patience.step_back(ingestion, WaitsFor.DRUID)  # others may use its place
        return presence.loaded and not presence.counted
