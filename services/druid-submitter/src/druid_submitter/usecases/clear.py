"""See to it that Druid holds none of a task's rows before the task ends as anything but succeeded, or is tried again."""

from dataclasses import dataclass
from uuid import UUID

import structlog

from druid_submitter.domain.failure import Attempts
from druid_submitter.domain.identity import removal_ids
from druid_submitter.domain.ingestion import Ingestion, Load, Refuse, Retract, refusal, with_loss
from druid_submitter.domain.interval import Interval
from druid_submitter.domain.spec import build_removal
from druid_submitter.domain.watch import Conclude, Hold, Remove, TaskState, Wait, clear, prove_retracted
from druid_submitter.errors import NothingLoaded, SegmentsUnknown
from druid_submitter.ports import DruidTasks, Ingestions
from druid_submitter.usecases.conclude import ConcludeIngestion
from druid_submitter.usecases.patience import Patience
from druid_submitter.usecases.prove import ProveIngestion
from druid_submitter.usecases.rows import Rows
from sluice.events import Outcome

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ClearIngestion:
    ingestions: Ingestions
    druid: DruidTasks
    rows: Rows
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
        # what Druid has forgotten can be burnt as well
        never_ran = burnt and not ingestion.handed_over
        refused = refusal(ingestion)
        if isinstance(ingestion.work, Retract):
            decision = await self._retracted(ingestion, ingestion.work.task_id, refused, never_ran=never_ran)
            await self._end(ingestion, decision)
            return
        decision = clear(refused, await self.rows.left(ingestion), never_ran=never_ran)
        if isinstance(decision, Remove):
            await self._remove(ingestion)
        else:
            await self._end(ingestion, decision)

    async def _end(self, ingestion: Ingestion, decision: Wait | Hold | Conclude) -> None:
        """Where the cause may have passed, not yet: the next attempt is due after a pause."""
        failed = isinstance(decision, Conclude) and decision.outcome is Outcome.FAILED
        pause = self.attempts.next(ingestion.problem, ingestion.attempt)
        if failed and pause is not None:
            after = ingestion.problem and ingestion.problem.code
            log.info("another attempt", after=after, seconds=pause.total_seconds())
            await self.ingestions.try_again(ingestion, pause)
        else:
            await self.conclude(ingestion, decision)

    async def _retracted(
        self, ingestion: Ingestion, removed: UUID, failed: Conclude, *, never_ran: bool
    ) -> Wait | Conclude:
        """Druid may say FAILED of a task that has taken the rows out: where none is left, it has succeeded after all."""
        if ingestion.problem and ingestion.problem.code == NothingLoaded.code:
            return failed
        presence = await self.druid.presence(ingestion.datasource, removed, None)
        return failed if presence.counted and (presence.loaded or never_ran) else prove_retracted(presence)

    async def _burn(self, ingestion: Ingestion) -> bool:
        """Can nothing come of its id any more? A stalled replica may still submit it: where nothing stands under it, it is burnt.

        False where Druid has taken it, although perhaps nobody heard it say so.
        """
        return isinstance(ingestion.work, Refuse) or await self.druid.burn(
            ingestion.druid_task_id, ingestion.datasource
        )

    async def _last_state(self, ingestion: Ingestion) -> TaskState:
        """What became of an ingestion that is given up, and that Druid has taken."""
        if ingestion.to_be_stopped:
            await self.druid.stop(ingestion.druid_task_id)
        statuses = await self.druid.statuses([ingestion.druid_task_id])
        return statuses[ingestion.druid_task_id].state

    async def _remove(self, ingestion: Ingestion) -> None:
        """Take out what a broken ingestion has left behind, unless Druid is at it already."""
        if not isinstance(ingestion.work, Load):
            raise TypeError(f"task {ingestion.task_id} cannot have left rows behind")
        if await self.rows.replace_others(ingestion.work.accepted) and (said := with_loss(ingestion.problem)):
            await self.ingestions.clearing(ingestion, said)
            return
        ids = removal_ids(ingestion.druid_task_id)
        statuses = await self.druid.statuses(ids)
        druid_id = next((each for each in ids if statuses[each].state is not TaskState.FAILED), None)
        if druid_id is None:
            await self.conclude(ingestion, Hold(f"{len(ids)} removals of its rows failed in Druid"))
            return
        if statuses[druid_id].state is TaskState.UNKNOWN:
            await self._submit_removal(ingestion, druid_id, await self.rows.interval(ingestion.work.accepted))
        await self.patience.wait(ingestion, missing=True)

    async def _submit_removal(self, ingestion: Ingestion, druid_id: str, interval: Interval) -> None:
        """Unless another task holds a lock: it would wait in Druid, and find segments of types that nobody has asked for."""
        if any(each.overlaps(interval) for each in await self.druid.locked(ingestion.datasource)):
            log.info("rows are not taken out yet: another task holds a lock")
            return
        try:
            segments = await self.druid.segment_types(ingestion.datasource, interval)
        except SegmentsUnknown as error:
            log.info("rows are not taken out yet", error=str(error))
            return
        log.warning("rows of a broken ingestion are taken out", druid_task_id=druid_id)
        await self.druid.submit(build_removal(ingestion.datasource, druid_id, ingestion.task_id, interval, segments))
