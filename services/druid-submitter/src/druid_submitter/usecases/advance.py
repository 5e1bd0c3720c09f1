"""Take each ingestion that is due to the use case of its phase. The order of effects is what the promises rest on."""

import asyncio
from dataclasses import dataclass
from typing import assert_never

import structlog
from structlog.contextvars import bound_contextvars

from druid_submitter.domain.ingestion import CANCELLED, Ingestion, Phase
from druid_submitter.domain.watch import TaskState, TaskStatus
from druid_submitter.ports import Contracts, DruidTasks, EventPublisher, Ingestions, Verdicts
from druid_submitter.usecases.clear import ClearIngestion
from druid_submitter.usecases.conclude import ConcludeIngestion
from druid_submitter.usecases.patience import Patience
from druid_submitter.usecases.prove import ProveIngestion
from druid_submitter.usecases.rows import Rows
from druid_submitter.usecases.submit import SubmitIngestion
from druid_submitter.usecases.watch import WatchIngestion
from sluice.clock import Clock
from sluice.errors import Permanent, Transient
from sluice.events import Problem

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class AdvanceIngestions:
    """Take what is due one step further: submit, watch, prove, clear, conclude.

    Each step is safe to repeat; a step that a lost lease or a killed process leaves half done is simply done again.
    """

    ingestions: Ingestions
    druid: DruidTasks
    submit: SubmitIngestion
    watch: WatchIngestion
    clear: ClearIngestion
    patience: Patience

    async def __call__(self) -> bool:
        """True when something was due."""
        due = await self.ingestions.lease()
        watched = [each for each in due if each.phase in {Phase.SUBMITTED, Phase.INGESTING}]
        try:
            statuses = await self.druid.statuses([each.druid_task_id for each in watched]) if watched else {}
        except Transient as error:
            log.warning("waiting", error=str(error), ingestions=len(watched))
            await asyncio.gather(*(self.patience.wait(each) for each in watched))
            due, statuses = [each for each in due if each not in watched], {}
        due.sort(key=lambda each: each.about.accepted_at)  # so that few have to wait for a turn that nobody disputes
        await asyncio.gather(*(self._advance(each, statuses.get(each.druid_task_id)) for each in due))
        return bool(due)

    async def _advance(self, ingestion: Ingestion, status: TaskStatus | None) -> None:
        with bound_contextvars(task_id=str(ingestion.task_id)):
            try:
                await self._step(ingestion, status)
            except Transient as error:
                log.warning("waiting", phase=ingestion.phase, error=str(error))
                await self.patience.wait(ingestion)
            except Permanent as error:
                await self._give_up(ingestion, error)
            except Exception:
                # one task's surprise must not stop the others; it is held and said aloud, and somebody has to look
                log.exception("held: unexpected error", phase=ingestion.phase)
                await self.patience.hold(ingestion)

    async def _step(self, ingestion: Ingestion, status: TaskStatus | None) -> None:
        if ingestion.cancelled and ingestion.phase in {Phase.SUBMITTING, Phase.SUBMITTED, Phase.INGESTING}:
            log.info("cancelled", phase=ingestion.phase)
            await self.ingestions.clearing(ingestion, CANCELLED)
            return
        match ingestion.phase:
            case Phase.SUBMITTING:
                await self.submit(ingestion)
            case Phase.SUBMITTED | Phase.INGESTING:
                await self.watch(ingestion, status or TaskStatus(TaskState.UNKNOWN))
            case Phase.CLEARING:
                await self.clear(ingestion)
            case Phase.CONCLUDED:
                return
            case _:
                assert_never(ingestion.phase)

    async def _give_up(self, ingestion: Ingestion, error: Permanent) -> None:
        if ingestion.phase is Phase.CLEARING:
            log.error("held: cannot be cleared", error=str(error))
            await self.patience.hold(ingestion)
        else:
            log.warning("task fails", phase=ingestion.phase, error=str(error))
            await self.ingestions.clearing(ingestion, Problem(code=error.code, message=str(error)[:1000]))


def advance_ingestions(
    ingestions: Ingestions,
    druid: DruidTasks,
    contracts: Contracts,
    verdicts: Verdicts,
    *,
    events: EventPublisher,
    clock: Clock,
) -> AdvanceIngestions:
    """All steps, wired."""
    patience, rows = Patience(ingestions, clock), Rows(druid, contracts, verdicts)
    conclude = ConcludeIngestion(ingestions, patience, clock)
    prove = ProveIngestion(druid, rows, conclude)
    return AdvanceIngestions(
        ingestions,
        druid,
        submit=SubmitIngestion(ingestions, druid, contracts, rows, patience, clock),
        watch=WatchIngestion(ingestions, prove, events, patience, clock),
        clear=ClearIngestion(druid, rows, prove, conclude, patience),
        patience=patience,
    )
