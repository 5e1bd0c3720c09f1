"""Record a verdict; submit what it accepts; watch it; conclude. The order of effects is what the promises rest on."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, assert_never

import structlog
from structlog.contextvars import bound_contextvars

from druid_submitter.domain.ingestion import Ingestion, Phase, refusal
from druid_submitter.domain.interval import Interval, covering
from druid_submitter.domain.spec import build_spec
from druid_submitter.domain.watch import (
    Clear,
    Conclude,
    Hold,
    Prove,
    Resubmit,
    TaskState,
    TaskStatus,
    Wait,
    after_status,
    clear,
    prove,
)
from druid_submitter.errors import IdBurnt
from druid_submitter.ports import Contracts, DruidTasks, EventPublisher, Ingestions
from sluice.clock import Clock
from sluice.errors import Permanent, Transient, code_of
from sluice.events import (
    Accepted,
    DruidSubmitted,
    Envelope,
    Failed,
    FileValidated,
    Outcome,
    Problem,
    Receipt,
    TaskCompleted,
    TaskProgress,
    follow,
)

log = structlog.get_logger()

SOURCE = "sluice/druid-submitter"
FIRST_PAUSE, LONGEST_PAUSE = 0.3, 5.0
HELD_PAUSE = 30.0
POLLS_UNTIL_ALERT = 60
"""Some five minutes."""
PROGRESS_TIMEOUT = 2.0
"""Seconds; far below a lease."""


@dataclass(frozen=True, slots=True)
class RecordVerdict:
    """Keep the verdict; everything else follows from its row. A second delivery answers from it."""

    ingestions: Ingestions

    async def __call__(self, event: Envelope[FileValidated]) -> None:
        if await self.ingestions.record(event):
            log.info("verdict recorded", verdict=event.data.verdict.kind)
        else:
            await self.ingestions.repeat_outcome(event.data.task_id)


@dataclass(frozen=True, slots=True)
class AbandonTask:
    """A verdict that cannot be handled ends its task as failed."""

    ingestions: Ingestions

    async def __call__(self, event: Envelope[FileValidated], error: Exception) -> None:
        message = "The verdict could not be handled; it lies in the dead letters of file.validated."
        verdict = Failed(problem=Problem(code=code_of(error), message=message))
        failed = FileValidated(**(dict(event.data) | {"verdict": verdict}))
        await self.ingestions.record(Envelope(event.id, event.source, event.time, failed, event.traceparent))


@dataclass(frozen=True, slots=True)
class AdvanceIngestions:
    """Take what is due one step further: submit, watch, prove, clear, conclude.

    Each step is safe to repeat; a step that a lost lease or a killed process leaves half done is simply done again.
    """

    ingestions: Ingestions
    druid: DruidTasks
    contracts: Contracts
    events: EventPublisher
    clock: Clock

    async def __call__(self) -> bool:
        """True when something was due."""
        due = await self.ingestions.lease()
        watched = [each for each in due if each.phase in {Phase.SUBMITTED, Phase.INGESTING}]
        try:
            statuses = await self.druid.statuses([each.druid_task_id for each in watched]) if watched else {}
        except Transient as error:
            log.warning("waiting", error=str(error), ingestions=len(watched))
            await asyncio.gather(*(self._wait(each) for each in watched))
            due, statuses = [each for each in due if each not in watched], {}
        await asyncio.gather(*(self._advance(each, statuses.get(each.druid_task_id)) for each in due))
        return bool(due)

    async def _advance(self, ingestion: Ingestion, status: TaskStatus | None) -> None:
        with bound_contextvars(task_id=str(ingestion.task_id)):
            try:
                await self._step(ingestion, status)
            except Transient as error:
                log.warning("waiting", phase=ingestion.phase, error=str(error))
                await self._wait(ingestion)
            except Permanent as error:
                await self._give_up(ingestion, error)
            except Exception:
                # one task's surprise must not stop the others; it is held and said aloud, and somebody has to look
                log.exception("held: unexpected error", phase=ingestion.phase)
                await self._hold(ingestion)

    async def _step(self, ingestion: Ingestion, status: TaskStatus | None) -> None:
        match ingestion.phase:
            case Phase.SUBMITTING:
                await self._submit(ingestion)
            case Phase.SUBMITTED | Phase.INGESTING:
                await self._watch(ingestion, status or TaskStatus(TaskState.UNKNOWN))
            case Phase.CLEARING:
                await self._clear(ingestion)
            case Phase.CONCLUDED:
                return
            case _:
                assert_never(ingestion.phase)

    async def _give_up(self, ingestion: Ingestion, error: Permanent) -> None:
        if ingestion.phase is Phase.CLEARING:
            log.error("held: cannot be cleared", error=str(error))
            await self._hold(ingestion)
        else:
            log.warning("task fails", phase=ingestion.phase, error=str(error))
            await self.ingestions.clearing(ingestion, Problem(code=error.code, message=str(error)[:1000]))

    async def _hold(self, ingestion: Ingestion) -> None:
        await self.ingestions.wait(ingestion, self.clock() + timedelta(seconds=HELD_PAUSE))

    async def _submit(self, ingestion: Ingestion) -> None:
        accepted = ingestion.accepted
        contract = await self.contracts.get(accepted.contract)
        try:
            await self.druid.submit(build_spec(contract, accepted, ingestion.task_id, ingestion.attempt))
        except IdBurnt:
            await self.ingestions.resubmit(ingestion, ingestion.attempt + 1)
            return
        fact = DruidSubmitted(**_of_task(ingestion), druid_task_id=ingestion.druid_task_id, attempt=ingestion.attempt)
        await self.ingestions.submitted(ingestion, follow(ingestion.cause, fact, source=SOURCE, time=self.clock()))
        log.info("submitted", druid_task_id=ingestion.druid_task_id)

    async def _watch(self, ingestion: Ingestion, status: TaskStatus) -> None:
        if ingestion.phase is Phase.SUBMITTED and status.state in {TaskState.RUNNING, TaskState.SUCCESS}:
            await self.ingestions.ingesting(ingestion)
            await self._tell_progress(ingestion)
        decision = after_status(status, ingestion.unknown_polls)
        match decision:
            case Wait():
                await self._wait(ingestion, unknown=status.state is TaskState.UNKNOWN)
            case Resubmit():
                log.warning("Druid has lost the task; it is submitted again", druid_task_id=ingestion.druid_task_id)
                await self.ingestions.resubmit(ingestion, ingestion.attempt)
            case Prove():
                await self._prove(ingestion)
            case Clear(problem):
                await self.ingestions.clearing(ingestion, problem)
            case _:
                assert_never(decision)

    async def _prove(self, ingestion: Ingestion) -> None:
        interval = await self._interval(ingestion.accepted)
        stats = await self.druid.row_stats(ingestion.druid_task_id)
        presence = await self.druid.presence(ingestion.datasource, ingestion.task_id, interval)
        await self._settle(ingestion, prove(ingestion.accepted, stats, presence), problem=None)

    async def _clear(self, ingestion: Ingestion) -> None:
        match await self._last_state(ingestion):
            case TaskState.SUCCESS:
                await self._prove(ingestion)  # it has succeeded after all
                return
            case TaskState.RUNNING | TaskState.UNKNOWN:
                await self._wait(ingestion)
                return
        outcome, rows, problem = refusal(ingestion)
        presence = await self.druid.presence(ingestion.datasource, ingestion.task_id, None)
        await self._settle(ingestion, clear(outcome, rows, presence), problem)

    async def _last_state(self, ingestion: Ingestion) -> TaskState:
        """What became of an ingestion that is given up. FAILED: it brings no rows any more.

        Druid may have taken it although nobody heard it say so, and a stalled replica may still submit it: where nothing
        stands under its id, the id is burnt.
        """
        if not isinstance(ingestion.cause.data.verdict, Accepted):
            return TaskState.FAILED
        if await self.druid.burn(ingestion.druid_task_id, ingestion.datasource):
            return TaskState.FAILED
        statuses = await self.druid.statuses([ingestion.druid_task_id])
        return statuses[ingestion.druid_task_id].state

    async def _settle(self, ingestion: Ingestion, decision: Wait | Hold | Conclude, problem: Problem | None) -> None:
        match decision:
            case Wait():
                await self._wait(ingestion)
            case Hold(reason):
                log.error("held: rows in Druid are not what they must be", reason=reason)
                await self._hold(ingestion)
            case Conclude(outcome, rows):
                await self._conclude(ingestion, outcome, rows, problem)
            case _:
                assert_never(decision)

    async def _conclude(self, ingestion: Ingestion, outcome: Outcome, rows: Receipt, problem: Problem | None) -> None:
        now = self.clock()
        verdict = ingestion.cause.data.verdict
        fact = TaskCompleted(
            **_of_task(ingestion),
            outcome=outcome,
            rows=rows,
            errors=getattr(verdict, "errors", 0),
            error=problem,
            report=getattr(verdict, "report", None),
            druid_task_id=ingestion.druid_task_id if isinstance(verdict, Accepted) else None,
            completed_at=now,
        )
        await self.ingestions.conclude(ingestion, follow(ingestion.cause, fact, source=SOURCE, time=now))
        log.info("concluded", outcome=outcome, rows=rows.model_dump())

    async def _interval(self, accepted: Accepted) -> Interval:
        contract = await self.contracts.get(accepted.contract)
        return covering(accepted.time_range.first, accepted.time_range.last, contract.druid.segment_granularity)

    async def _tell_progress(self, ingestion: Ingestion) -> None:
        now = self.clock()
        news = TaskProgress(task_id=ingestion.task_id, stage="ingesting", at=now)
        try:
            async with asyncio.timeout(PROGRESS_TIMEOUT):
                await self.events.publish(follow(ingestion.cause, news, source=SOURCE, time=now))
        except (Transient, TimeoutError) as error:
            log.debug("progress not told", error=repr(error))

    async def _wait(self, ingestion: Ingestion, *, unknown: bool = False) -> None:
        if ingestion.polls and ingestion.polls % POLLS_UNTIL_ALERT == 0:
            log.error("still waiting for Druid", phase=ingestion.phase, polls=ingestion.polls)
        # the power of a count that grows for hours would overflow
        pause = min(FIRST_PAUSE * 1.3 ** min(ingestion.polls, 20), LONGEST_PAUSE)
        await self.ingestions.wait(ingestion, self.clock() + timedelta(seconds=pause), unknown=unknown)


def _of_task(ingestion: Ingestion) -> dict[str, Any]:
    fact = ingestion.cause.data
    return {
        "task_id": fact.task_id,
        "datasource": fact.datasource,
        "filename": fact.filename,
        "accepted_at": fact.accepted_at,
    }
