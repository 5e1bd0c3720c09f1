"""Submit what is to be loaded or taken out; watch it; prove it; conclude. The order of effects is what the promises rest on."""

import asyncio
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, assert_never
from uuid import UUID

import structlog
from structlog.contextvars import bound_contextvars

from druid_submitter.domain.identity import removal_id
from druid_submitter.domain.ingestion import CANCELLED, SUPERSEDED, Ingestion, Load, Phase, Refuse, Retract, refusal
from druid_submitter.domain.interval import Interval, covering
from druid_submitter.domain.spec import build_removal, build_spec
from druid_submitter.domain.turn import Turn, Wish, to_load, to_take_out
from druid_submitter.domain.watch import (
    Clear,
    Conclude,
    Hold,
    Presence,
    Prove,
    Remove,
    Resubmit,
    TaskState,
    TaskStatus,
    Wait,
    after_status,
    clear,
    prove,
    prove_retracted,
)
from druid_submitter.errors import IdBurnt, NothingLoaded
from druid_submitter.ports import Contracts, DruidTasks, EventPublisher, Ingestions, Verdicts
from sluice.clock import Clock
from sluice.contracts import DruidMode
from sluice.errors import Permanent, Transient
from sluice.events import (
    Accepted,
    DruidSubmitted,
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
class AdvanceIngestions:
    """Take what is due one step further: submit, watch, prove, clear, conclude.

    Each step is safe to repeat; a step that a lost lease or a killed process leaves half done is simply done again.
    """

    ingestions: Ingestions
    druid: DruidTasks
    contracts: Contracts
    verdicts: Verdicts
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
        due.sort(key=lambda each: each.about.accepted_at)  # so that few have to wait for a turn that nobody disputes
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
        if ingestion.cancelled and ingestion.phase in {Phase.SUBMITTING, Phase.SUBMITTED, Phase.INGESTING}:
            log.info("cancelled", phase=ingestion.phase)
            await self.ingestions.clearing(ingestion, CANCELLED)
            return
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
        match await self.ingestions.turn(ingestion, await self._wish(ingestion)):
            case Turn.LATER:
                log.debug("waits for its turn")
                await self.ingestions.wait(ingestion, self.clock() + _pause(ingestion))
                return
            case Turn.OVERTAKEN:
                log.warning("superseded: a later file is loaded already")
                await self.ingestions.clearing(ingestion, SUPERSEDED)
                return
        try:
            await self.druid.submit(await self._spec(ingestion))
        except IdBurnt:
            await self.ingestions.resubmit(ingestion, ingestion.attempt + 1)
            return
        fact = DruidSubmitted(**_of_task(ingestion), druid_task_id=ingestion.druid_task_id, attempt=ingestion.attempt)
        await self.ingestions.submitted(ingestion, follow(ingestion.cause, fact, source=SOURCE, time=self.clock()))
        log.info("submitted", druid_task_id=ingestion.druid_task_id)

    async def _spec(self, ingestion: Ingestion) -> dict[str, Any]:
        match ingestion.work:
            case Load(accepted):
                contract = await self.contracts.get(accepted.contract)
                replaces_all = contract.druid.mode is DruidMode.REPLACE_ALL
                there = await self.druid.extent(ingestion.datasource) if replaces_all else None
                return build_spec(contract, accepted, ingestion.task_id, ingestion.attempt, there)
            case Retract(task_id):
                interval = await self._interval(await self._loaded_by(ingestion.datasource, task_id))
                return build_removal(ingestion.datasource, ingestion.druid_task_id, task_id, interval)
            case Refuse():
                raise TypeError(f"task {ingestion.task_id} has nothing to submit, but is {ingestion.phase}")
            case _:
                assert_never(ingestion.work)

    async def _wish(self, ingestion: Ingestion) -> Wish:
        match ingestion.work:
            case Load(accepted):
                mode = (await self.contracts.get(accepted.contract)).druid.mode
                return to_load(mode, await self._interval(accepted))
            case Retract(task_id):
                return to_take_out(await self._interval(await self._loaded_by(ingestion.datasource, task_id)))
            case Refuse():
                raise TypeError(f"task {ingestion.task_id} has nothing to submit, but is {ingestion.phase}")
            case _:
                assert_never(ingestion.work)

    async def _loaded_by(self, datasource: str, task_id: UUID) -> Accepted:
        """The verdict by which the rows were loaded that are to be taken out. Raises NothingLoaded."""
        fact = await self.verdicts.verdict(datasource, task_id)
        if fact is None or not isinstance(fact.verdict, Accepted):
            raise NothingLoaded(f"Task {task_id} has loaded no rows into {datasource}: there is nothing to take out.")
        return fact.verdict

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
        decision: Wait | Hold | Conclude
        match ingestion.work:
            case Load(accepted):
                stats = await self.druid.row_stats(ingestion.druid_task_id)
                presence = await self._presence(ingestion.datasource, ingestion.task_id, accepted)
                decision = prove(accepted, stats, presence)
            case Retract(task_id):
                accepted = await self._loaded_by(ingestion.datasource, task_id)
                decision = prove_retracted(await self._presence(ingestion.datasource, task_id, accepted))
            case Refuse():
                raise TypeError(f"task {ingestion.task_id} has nothing to prove")
            case _:
                assert_never(ingestion.work)
        await self._settle(ingestion, decision, problem=None)

    async def _presence(self, datasource: str, task_id: UUID, accepted: Accepted) -> Presence:
        """Of a file that takes the place of all, all must be loaded: until then, rows that were there before still answer."""
        contract = await self.contracts.get(accepted.contract)
        everywhere = contract.druid.mode is DruidMode.REPLACE_ALL
        return await self.druid.presence(datasource, task_id, None if everywhere else await self._interval(accepted))

    async def _clear(self, ingestion: Ingestion) -> None:
        match await self._last_state(ingestion):
            case TaskState.SUCCESS:
                await self._prove(ingestion)  # it has succeeded after all
                return
            case TaskState.RUNNING | TaskState.UNKNOWN:
                await self._wait(ingestion)
                return
        outcome, rows, problem = refusal(ingestion)
        if isinstance(ingestion.work, Retract):
            await self._conclude(ingestion, outcome, rows, problem)  # the rows stay as they were
            return
        presence = await self.druid.presence(ingestion.datasource, ingestion.task_id, None)
        decision = clear(outcome, rows, presence)
        if isinstance(decision, Remove):
            await self._remove(ingestion)
        else:
            await self._settle(ingestion, decision, problem)

    async def _remove(self, ingestion: Ingestion) -> None:
        """Take out what a broken ingestion has left behind. Asked each time; Druid knows the id once."""
        if not isinstance(ingestion.work, Load):
            raise TypeError(f"task {ingestion.task_id} cannot have left rows behind")
        interval, druid_id = await self._interval(ingestion.work.accepted), removal_id(ingestion.druid_task_id)
        log.warning("rows of a broken ingestion are taken out", druid_task_id=druid_id)
        await self.druid.submit(build_removal(ingestion.datasource, druid_id, ingestion.task_id, interval))
        await self._wait(ingestion)

    async def _last_state(self, ingestion: Ingestion) -> TaskState:
        """What became of an ingestion that is given up. FAILED: it brings no rows any more.

        Druid may have taken it although nobody heard it say so, and a stalled replica may still submit it: where nothing
        stands under its id, the id is burnt.
        """
        if isinstance(ingestion.work, Refuse):
            return TaskState.FAILED
        if await self.druid.burn(ingestion.druid_task_id, ingestion.datasource):
            return TaskState.FAILED
        if ingestion.cancelled:
            await self.druid.stop(ingestion.druid_task_id)
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
        now, work = self.clock(), ingestion.work
        verdict = getattr(ingestion.cause.data, "verdict", None)
        fact = TaskCompleted(
            **_of_task(ingestion),
            outcome=outcome,
            rows=rows,
            errors=getattr(verdict, "errors", 0),
            error=None if outcome is Outcome.SUCCEEDED else problem,
            report=getattr(verdict, "report", None),
            druid_task_id=None if isinstance(work, Refuse) else ingestion.druid_task_id,
            completed_at=now,
            retracts=work.task_id if isinstance(work, Retract) else None,
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
        await self.ingestions.wait(ingestion, self.clock() + _pause(ingestion), unknown=unknown)


def _pause(ingestion: Ingestion) -> timedelta:
    """Until it is looked at again. Whoever ends wakes those that wait for their turn; this is for when that is missed."""
    # the power of a count that grows for hours would overflow
    return timedelta(seconds=min(FIRST_PAUSE * 1.3 ** min(ingestion.polls, 20), LONGEST_PAUSE))


def _of_task(ingestion: Ingestion) -> dict[str, Any]:
    return asdict(ingestion.about)
