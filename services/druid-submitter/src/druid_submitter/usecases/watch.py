"""Watch the tasks that Druid has taken: one question for all of them."""

from dataclasses import dataclass
from typing import assert_never

import structlog

from druid_submitter.domain.ingestion import FORGOTTEN, TIME_LIMIT, Ingestion, Load, Phase
from druid_submitter.domain.watch import Clear, Prove, Resubmit, TaskState, TaskStatus, Wait, after_status
from druid_submitter.ports import Admission, DruidTasks, Ingestions, Pace
from druid_submitter.usecases.explain import ExplainFailure
from druid_submitter.usecases.patience import Patience
from druid_submitter.usecases.progress import TellProgress
from druid_submitter.usecases.rows import Rows
from druid_submitter.usecases.steps import Steps
from sluice.clock import Clock
from sluice.errors import Transient
from sluice.events import Problem

log = structlog.get_logger()

ASKED_AT_ONCE = 500
"""Ids in one question."""
NOT_ASKED = TaskStatus(TaskState.RUNNING)
"""Of one that Druid did not name, and was not asked for singly yet: as far as is known, it goes on."""


@dataclass(frozen=True, slots=True)
class WatchIngestions:
    ingestions: Ingestions
    druid: DruidTasks
    rows: Rows
    pace: Pace
    admission: Admission
    explain: ExplainFailure
    tell: TellProgress
    steps: Steps
    patience: Patience
    clock: Clock

    async def __call__(self) -> bool:
        """False: how soon to ask again is for the pace to say."""
        if not await self.pace.may_ask():
            return False
        due = await self.ingestions.lease({Phase.SUBMITTED, Phase.INGESTING}, ASKED_AT_ONCE)
        if not due:
            return False
        # one that was unknown before goes first, so that it becomes certain soon
        due.sort(key=lambda each: each.unknown_polls, reverse=True)
        try:
            async with self.steps.holding(due):
                statuses = await self.druid.statuses([each.druid_task_id for each in due])
        except Transient as error:
            log.warning("waiting", error=str(error), ingestions=len(due))
            await self.ingestions.wait_all([(each, self.patience.next_look(each)) for each in due])
            await self.pace.silent()
            return False
        await self.pace.heard()
        await self._step(due, statuses)
        return False

    async def _step(self, due: list[Ingestion], statuses: dict[str, TaskStatus]) -> None:
        """Of most there is nothing new."""
        still: list[Ingestion] = []
        news: list[Ingestion] = []
        for each in due:
            quiet = _nothing_new(each, statuses.get(each.druid_task_id)) and not self._is_late(each)
            (still if quiet else news).append(each)
        await self.ingestions.wait_all([(each, self.patience.next_look(each)) for each in still])

        async def step(ingestion: Ingestion) -> None:
            await self._watch(ingestion, statuses.get(ingestion.druid_task_id, NOT_ASKED))

        if news:
            await self.steps.take(news, step)
            await self.admission.admit()

    async def _watch(self, ingestion: Ingestion, status: TaskStatus) -> None:
        if ingestion.phase is Phase.SUBMITTED and status.state in {TaskState.RUNNING, TaskState.SUCCESS}:
            await self.ingestions.ingesting(ingestion)
            await self.tell(ingestion)
        decision = after_status(status, ingestion.unknown_polls)
        if isinstance(decision, Wait) and self._is_late(ingestion):
            log.warning("stopped: its time is over", druid_task_id=ingestion.druid_task_id)
            await self.ingestions.clearing(ingestion, _late(ingestion))
            return
        match decision:
            case Wait():
                await self.patience.wait(ingestion, unknown=status.state is TaskState.UNKNOWN)
            case Resubmit():
                await self._submit_again(ingestion)
            case Prove():
                await self.ingestions.proving(ingestion)
            case Clear():
                await self.ingestions.clearing(ingestion, await self.explain(ingestion))
            case _:
                assert_never(decision)

    async def _submit_again(self, ingestion: Ingestion) -> None:
        """Unless rows are there: Druid has forgotten the task after its end, and a second append would double them."""
        if isinstance(ingestion.work, Load):
            presence = await self.rows.left(ingestion)
            if presence.counted:
                log.warning("Druid has forgotten the task, but not its rows", druid_task_id=ingestion.druid_task_id)
                await self.ingestions.clearing(ingestion, FORGOTTEN)
                return
            if not presence.loaded:
                await self.patience.wait(ingestion, unknown=True)
                return
        log.warning("Druid has lost the task; it is submitted again", druid_task_id=ingestion.druid_task_id)
        await self.ingestions.resubmit(ingestion, ingestion.attempt, ingestion.problem or FORGOTTEN)

    def _is_late(self, ingestion: Ingestion) -> bool:
        return ingestion.deadline is not None and self.clock() > ingestion.deadline


def _late(ingestion: Ingestion) -> Problem:
    by = f"{ingestion.deadline:%Y-%m-%d %H:%M:%S} UTC"
    return Problem(
        code=TIME_LIMIT, message=f"Druid was not ready by {by}, when its time for the file was over. It was stopped."
    )


def _nothing_new(ingestion: Ingestion, status: TaskStatus | None) -> bool:
    if ingestion.to_be_cancelled:
        return False
    if status is None:
        return True  # not asked for yet: too many are unknown at once
    known = ingestion.phase is Phase.INGESTING and not ingestion.unknown_polls
    return known and status.state is TaskState.RUNNING
