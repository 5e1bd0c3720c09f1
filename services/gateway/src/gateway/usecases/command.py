"""What people ask of a task that is accepted: cancel it, take its rows out again, try its file once more."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from uuid import UUID

import structlog

from gateway.domain.commands import cancel_of, cancelling, retracting, retry_of
from gateway.domain.names import FileName
from gateway.errors import NothingToCancel, NothingToRetract, NothingToRetry, TaskNotConcluded, TaskUnknown
from gateway.ports import Acceptance, Command, CommandLedger, Outbound, Tasks
from gateway.usecases.acceptance import Accept, Offer
from gateway.usecases.known import KnownContent
from sluice.clock import Clock
from sluice.events import ContractRef, FileUploaded, Outcome, TaskFact

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class FindTask:
    tasks: Tasks

    async def __call__(self, task_id: UUID) -> TaskFact:
        """Raises TaskUnknown, Transient."""
        if task := await self.tasks.find(task_id):
            return task
        raise unknown_task()


def unknown_task() -> TaskUnknown:
    return TaskUnknown("There is no task of that id here. Look it up in the list of tasks: GET /v1/tasks.")


@dataclass(frozen=True, slots=True)
class CancelTask:
    """Records the wish; whoever concludes the task decides what it can still change."""

    tasks: Tasks
    commands: CommandLedger
    outbound: Outbound
    clock: Clock

    async def __call__(self, task: TaskFact, caller: str) -> Command:
        """Raises NothingToCancel, Transient."""
        if ended := await self.tasks.outcome(task.accepted_at, task.task_id):
            has_rows = ended.outcome is Outcome.SUCCEEDED and not ended.retracts
            way_out = " To take its rows out again, retract it." if has_rows else ""
            raise NothingToCancel(f"The task has ended already: {ended.outcome}.{way_out}")
        command = await self.commands.record(cancelling(task, caller, self.clock()))
        self.outbound.hand_over(command)
        log.info("cancel asked", task_id=str(task.task_id), caller=caller)
        return command


@dataclass(frozen=True, slots=True)
class RetractTask:
    """Has the rows of a task that succeeded taken out, by a task of its own. It is one until that has ended otherwise."""

    tasks: Tasks
    commands: CommandLedger
    outbound: Outbound
    new_id: Callable[[], UUID]
    clock: Clock

    async def __call__(self, task: TaskFact, caller: str) -> Command:
        """Raises TaskNotConcluded, NothingToRetract, Transient."""
        ended = await self.tasks.outcome(task.accepted_at, task.task_id)
        if ended is None:
            raise TaskNotConcluded("The task has not ended yet. Cancel it, or wait for its outcome.")
        if ended.dry_run:
            raise NothingToRetract("The task was a dry run: it has loaded nothing.")
        if ended.retracts:
            raise NothingToRetract(f"The task has loaded nothing: it is the retraction of task {ended.retracts}.")
        if ended.outcome is not Outcome.SUCCEEDED:
            raise NothingToRetract(f"The task has ended as {ended.outcome}: Druid holds none of its rows.")
        command = await self.commands.record(await self._retraction(task, caller))
        self.outbound.hand_over(command)
        log.info("retract asked", task_id=str(task.task_id), retraction=str(command.data.retraction), caller=caller)
        return command

    async def _retraction(self, task: TaskFact, caller: str) -> Command:
        for number in count(1):
            stands = await self.commands.retraction(task.task_id, number)
            if stands is None:
                command = retracting(task, self.new_id(), caller, self.clock())
                return await self.commands.claim_retraction(command, number)
            match await self._outcome(stands):
                case None if await self._is_being_cancelled(stands):
                    raise TaskNotConcluded(
                        f"Its retraction {stands.data.retraction} is being cancelled: wait for its outcome."
                    )
                case None:
                    return stands
                case Outcome.SUCCEEDED:
                    raise NothingToRetract(f"The rows of this task were taken out by task {stands.data.retraction}.")
                case _:
                    continue
        raise AssertionError

    async def _is_being_cancelled(self, retraction: Command) -> bool:
        data = retraction.data
        return data.retraction is not None and await self.commands.is_recorded(
            cancel_of(data.retraction), data.requested_at, self.clock()
        )

    async def _outcome(self, retraction: Command) -> Outcome | None:
        data = retraction.data
        ended = await self.tasks.outcome(data.requested_at, data.retraction) if data.retraction else None
        return ended.outcome if ended else None


@dataclass(frozen=True, slots=True)
class RetryTask:
    """Accepts the stored file of a task that did not succeed once more, as a new task that names the old one.

    It brings back that one's file, and so it is a correction that needs no bytes: the two take the same claims.
    """

    tasks: Tasks
    accept: Accept
    known: KnownContent

    async def check(self, task: TaskFact) -> FileUploaded:
        """The file that may be tried again. Raises TaskNotConcluded, NothingToRetry, Transient."""
        if task.dry_run:
            raise NothingToRetry("The task is a dry run. Upload the file, with `dry_run` for another preview.")
        ended = await self.tasks.outcome(task.accepted_at, task.task_id)
        if ended is None:
            raise TaskNotConcluded("The task has not ended yet. Wait for its outcome, or cancel it first.")
        if ended.retracts:
            raise NothingToRetry(
                f"The task has no file: it is the retraction of task {ended.retracts}. "
                "Where rows of that one are still there, retract it again."
            )
        if ended.outcome is Outcome.SUCCEEDED:
            raise NothingToRetry("The task has succeeded. To load its file anew, retract it and upload the file.")
        if not isinstance(task, FileUploaded):
            raise NothingToRetry("The file came with another system's event. Publish that event again, under a new id.")
        return task

    async def __call__(self, task: FileUploaded, contract: ContractRef, caller: str) -> Acceptance:
        """Raises NothingToRetry where the retry has ended as well, CorrectionRefused, ContentKnown, Undecided, Transient."""
        retry = retry_of(task.task_id)
        name = FileName(task.filename, task.format)
        # the first of all that brought these rows: on it there is one claim for corrections, retries, and retries of those
        first = task.corrects or task.task_id
        offer = Offer(contract, name, corrects=first, caller=caller, retries=task.task_id, task_id=retry)
        claimed = await self.accept.check(offer, retry)
        if claimed and (ended := await self.tasks.outcome(claimed.data.accepted_at, retry)):
            raise NothingToRetry(
                f"The task was tried again as task {retry}, which has ended: {ended.outcome}. Retry that one."
            )
        # a refused retry leaves no claim: the next one is to have the contract and the time of its own day
        acceptance = claimed or await self.known.before(offer, task)
        acceptance = acceptance or await self.accept.claim(retry, offer, task.object)
        acceptance = await self.known(offer, acceptance)
        await self.accept.finish(acceptance)
        return acceptance
