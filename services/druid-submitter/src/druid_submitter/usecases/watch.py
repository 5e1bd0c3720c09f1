"""Watch a task that Druid has taken."""

import asyncio
from dataclasses import dataclass
from typing import assert_never

import structlog

from druid_submitter.domain.ingestion import Ingestion, Phase
from druid_submitter.domain.watch import (
    Clear,
    Prove,
    Resubmit,
    TaskState,
    TaskStatus,
    Wait,
    after_status,
)
from druid_submitter.ports import EventPublisher, Ingestions
from druid_submitter.usecases.conclude import SOURCE
from druid_submitter.usecases.patience import Patience
from druid_submitter.usecases.prove import ProveIngestion
from sluice.clock import Clock
from sluice.errors import Transient
from sluice.events import TaskProgress, follow

log = structlog.get_logger()

PROGRESS_TIMEOUT = 2.0
"""Seconds; far below a lease."""


@dataclass(frozen=True, slots=True)
class WatchIngestion:
    ingestions: Ingestions
    prove: ProveIngestion
    events: EventPublisher
    patience: Patience
    clock: Clock

    async def __call__(self, ingestion: Ingestion, status: TaskStatus) -> None:
        if ingestion.phase is Phase.SUBMITTED and status.state in {TaskState.RUNNING, TaskState.SUCCESS}:
            await self.ingestions.ingesting(ingestion)
            await self._tell_progress(ingestion)
        decision = after_status(status, ingestion.unknown_polls)
        match decision:
            case Wait():
                await self.patience.wait(ingestion, unknown=status.state is TaskState.UNKNOWN)
            case Resubmit():
                log.warning("Druid has lost the task; it is submitted again", druid_task_id=ingestion.druid_task_id)
                await self.ingestions.resubmit(ingestion, ingestion.attempt)
            case Prove():
                await self.prove(ingestion)
            case Clear(problem):
                await self.ingestions.clearing(ingestion, problem)
            case _:
                assert_never(decision)

    async def _tell_progress(self, ingestion: Ingestion) -> None:
        now = self.clock()
        news = TaskProgress(task_id=ingestion.task_id, stage="ingesting", at=now)
        try:
            async with asyncio.timeout(PROGRESS_TIMEOUT):
                await self.events.publish(follow(ingestion.cause, news, source=SOURCE, time=now))
        except (Transient, TimeoutError) as error:
            log.debug("progress not told", error=repr(error))
