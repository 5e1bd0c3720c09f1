"""Prove what a task has done once Druid says SUCCESS."""

from dataclasses import dataclass, replace
from typing import assert_never

from druid_submitter.domain.ingestion import DryRun, Ingestion, Load, Phase, Refuse, Retract
from druid_submitter.domain.watch import Conclude, Hold, Missing, Presence, Wait, prove, prove_retracted
from druid_submitter.ports import DruidTasks, Ingestions
from druid_submitter.usecases.conclude import ConcludeIngestion
from druid_submitter.usecases.missing import FindMissingRows
from druid_submitter.usecases.patience import POLLS_UNTIL_ALERT
from druid_submitter.usecases.rows import Rows
from sluice.events import Accepted


@dataclass(frozen=True, slots=True)
class ProveIngestion:
    """Compare what was accepted with what Druid has processed and what a query counts."""

    ingestions: Ingestions
    druid: DruidTasks
    rows: Rows
    find: FindMissingRows
    conclude: ConcludeIngestion

    async def __call__(self, ingestion: Ingestion) -> bool:
        """False where the task is given up, and rows of it are missing for good."""
        if ingestion.phase is Phase.PROVING and ingestion.polls > POLLS_UNTIL_ALERT:
            # minutes without rows: does Druid still know the task?
            await self.ingestions.look_again(ingestion)
            return True
        decision: Wait | Hold | Conclude
        match ingestion.work:
            case Load(accepted):
                presence = await self._presence(ingestion, accepted)
                stats = await self.druid.row_stats(ingestion.druid_task_id) if presence.loaded else None
                proved = prove(accepted, stats, presence)
                if isinstance(proved, Missing):
                    return await self.find(ingestion, accepted, proved)
                decision = proved
            case Retract(task_id):
                accepted = await self.rows.loaded_by(ingestion.datasource, task_id)
                decision = prove_retracted(await self.rows.presence(ingestion.datasource, task_id, accepted))
            case Refuse() | DryRun():
                raise TypeError(f"task {ingestion.task_id} has nothing to prove")
            case _:
                assert_never(ingestion.work)
        await self.conclude(ingestion, decision)
        return True

    async def _presence(self, ingestion: Ingestion, accepted: Accepted) -> Presence:
        """Nothing more can come of an append that Druid had but once, when all its rows are counted: nobody waits for segments of
        others, of which some are always on their way where files come all the time.
        """
        found = await self.rows.presence(ingestion.datasource, ingestion.task_id, accepted)
        if found.loaded or found.counted != accepted.accepted or not ingestion.given_once:
            return found
        return replace(found, loaded=not await self.rows.replace_others(accepted))
