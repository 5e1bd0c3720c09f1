"""See to it that Druid holds none of a task's rows before the task ends as anything but succeeded, or is tried again."""

from dataclasses import dataclass
from uuid import UUID

import structlog

from druid_submitter.domain.failure import Attempts
from druid_submitter.domain.ingestion import Ingestion, Load, Refuse, Retract, refusal, with_loss
from druid_submitter.domain.watch import Conclude, Hold, Remove, TaskState, Wait, clear, clear_retraction
from druid_submitter.errors import NothingLoaded
from druid_submitter.ports import DruidTasks, Ingestions
from druid_submitter.usecases.conclude import ConcludeIngestion
from druid_submitter.usecases.missing import SETTLED
from druid_submitter.usecases.patience import POLLS_UNTIL_ALERT, Patience
from druid_submitter.usecases.prove import ProveIngestion
from druid_submitter.usecases.removals import Removal, Removals
from druid_submitter.usecases.rows import Rows
from sluice.errors import Permanent
from sluice.events import Outcome

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ClearIngestion:
    ingestions: Ingestions
    druid: DruidTasks
    rows: Rows
    removals: Removals
    prove: ProveIngestion
    conclude: ConcludeIngestion
    patience: Patience
    attempts: Attempts

    async def __call__(self, ingestion: Ingestion) -> None:
        burnt = await self._burn(ingestion)
        match TaskState.FAILED if burnt else await self._last_state(ingestion):
            case TaskState.SUCCESS if await self.prove(ingestion):  # it has succeeded after all
                return
            case TaskState.RUNNING | TaskState.UNKNOWN:
                await self.patience.wait(ingestion)
                return
        # what Druid has had may be forgotten by now: then it is burnt as well
        never_ran = burnt and not ingestion.admitted
        decision = await self._decide(ingestion, refusal(ingestion), never_ran=never_ran)
        if isinstance(decision, Remove):
            await self._remove(ingestion)
        else:
            await self._end(ingestion, decision)

    async def _decide(
        self, ingestion: Ingestion, refused: Conclude, *, never_ran: bool
    ) -> Wait | Remove | Hold | Conclude:
        if isinstance(ingestion.work, Retract):
            nothing_loaded = ingestion.problem and ingestion.problem.code == NothingLoaded.code
            if never_ran or nothing_loaded:
                return refused
            wanted = await self._loaded_by(ingestion.datasource, ingestion.work.task_id)
            settled = ingestion.missing_for >= SETTLED
            return clear_retraction(refused, await self.rows.left(ingestion), wanted, settled=settled)
        return clear(refused, await self.rows.left(ingestion, never_ran=never_ran))

    async def _loaded_by(self, datasource: str, task_id: UUID) -> int:
        """Rows; 0 where nothing tells any more."""
        try:
            return (await self.rows.loaded_by(datasource, task_id)).accepted
        except Permanent as error:
            log.warning("nothing tells how many rows were loaded", error=str(error))
            return 0

    async def _end(self, ingestion: Ingestion, decision: Wait | Hold | Conclude) -> None:
        """Where the cause may have passed, not yet: the next attempt is due after a pause."""
        failed = isinstance(decision, Conclude) and decision.outcome is Outcome.FAILED
        pause = self.attempts.next(ingestion.problem, ingestion.attempt)
        if not failed or pause is None:
            await self.conclude(ingestion, decision)
        elif isinstance(ingestion.work, Load) and await self.removals.rule_out(ingestion) is Removal.UNDER_WAY:
            await self.patience.wait(ingestion)  # it would take out rows of the next attempt as well
        else:
            after = ingestion.problem and ingestion.problem.code
            log.info("another attempt", after=after, seconds=pause.total_seconds())
            await self.ingestions.try_again(ingestion, pause)

    async def _burn(self, ingestion: Ingestion) -> bool:
        """Can nothing come of its id any more? A stalled replica may still submit it: where nothing stands under it, it is burnt.

        False where Druid has taken it, although perhaps nobody heard it say so.
        """
        return isinstance(ingestion.work, Refuse) or await self.druid.burn(
            ingestion.druid_task_id, ingestion.datasource
        )

    async def _last_state(self, ingestion: Ingestion) -> TaskState:
        """What became of an ingestion that is given up, and that Druid has taken. For minutes, but not longer, it may go on."""
        if ingestion.to_be_stopped or ingestion.polls > POLLS_UNTIL_ALERT:
            await self.druid.stop(ingestion.druid_task_id)
        statuses = await self.druid.statuses([ingestion.druid_task_id])
        return statuses[ingestion.druid_task_id].state

    async def _remove(self, ingestion: Ingestion) -> None:
        if not isinstance(ingestion.work, Load):
            raise TypeError(f"task {ingestion.task_id} cannot have left rows behind")
        accepted = ingestion.work.accepted
        if await self.rows.replace_others(accepted) and (said := with_loss(ingestion.problem)):
            await self.ingestions.clearing(ingestion, said)
        elif await self.removals.begin(ingestion, accepted):
            await self.patience.wait(ingestion, missing=True)
        else:
            await self.conclude(ingestion, Hold("some rows are there, and no removal of them is left to be tried"))
