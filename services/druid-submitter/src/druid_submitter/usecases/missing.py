"""Find out where rows are that Druid has processed and a query does not count."""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from druid_submitter.domain.ingestion import CANCELLED, SUPERSEDED, Ingestion, Phase
from druid_submitter.domain.watch import Hold, Missing
from druid_submitter.ports import Ingestions, Outcomes
from druid_submitter.usecases.conclude import ConcludeIngestion
from druid_submitter.usecases.patience import POLLS_UNTIL_ALERT, Patience
from druid_submitter.usecases.rows import Rows
from sluice.clock import Clock
from sluice.events import Accepted

log = structlog.get_logger()

SETTLED = timedelta(seconds=15)
"""A Broker may hear of segments later than the Coordinator: rows that are missing for so long are not merely late."""


@dataclass(frozen=True, slots=True)
class FindMissingRows:
    """They may come yet; or something that came later has taken them away, and then the task ends as is true."""

    ingestions: Ingestions
    outcomes: Outcomes
    rows: Rows
    conclude: ConcludeIngestion
    patience: Patience
    clock: Clock

    async def __call__(self, ingestion: Ingestion, accepted: Accepted, missing: Missing) -> bool:
        """False of a task that is given up: they are missing for good, and what is left of them is in the way."""
        if ingestion.missing_for < SETTLED:
            await self.patience.wait(ingestion, missing=True)
        elif stands := await self.outcomes.outcome(ingestion.about.accepted_at, ingestion.task_id):
            await self.conclude.stands(ingestion, stands)
        elif ingestion.phase is Phase.CLEARING:
            return False
        elif ingestion.cancelled:
            await self.ingestions.clearing(ingestion, CANCELLED)
        elif drop := await self.rows.dropped(accepted, self.clock()):
            await self.ingestions.clearing(ingestion, drop.problem)
        elif not missing.counted and await self.ingestions.replaced(ingestion):
            await self.ingestions.clearing(ingestion, SUPERSEDED)
        elif ingestion.polls < POLLS_UNTIL_ALERT:
            await self.patience.wait(ingestion, missing=True)
        else:
            said = (
                f"Druid processed {accepted.accepted} rows, a query counts {missing.counted}, and nothing explains it"
            )
            await self.conclude(ingestion, Hold(said))
        return True
