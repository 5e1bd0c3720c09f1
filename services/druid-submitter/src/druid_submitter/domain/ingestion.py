"""The submitter's knowledge of one task, from verdict or command to outcome."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never
from uuid import UUID

from druid_submitter.domain.failure import passes
from druid_submitter.domain.identity import druid_task_id
from druid_submitter.domain.watch import Conclude
from sluice.events import (
    Accepted,
    Envelope,
    Failed,
    FileValidated,
    Outcome,
    Problem,
    Receipt,
    Rejected,
    TaskCommand,
    TaskFact,
    WaitsFor,
)

Cause = Envelope[FileValidated] | Envelope[TaskCommand]
"""What a task of ours follows from: a verdict, or the command to take another task's rows out."""

TIME_LIMIT = "time-limit"

CANCELLED = Problem(code="cancelled", message="The task was cancelled; none of its rows is loaded.")
NONE_TAKEN_OUT = Problem(code=CANCELLED.code, message="The retraction was cancelled; it has taken no row out.")
TOO_LATE = "cancel-too-late"

SUPERSEDED = Problem(
    code="superseded",
    message="A file that was accepted later is loaded already, and rows of one would take the place of the other's. "
    "None of this file's rows is loaded; if they are wanted after all, hand the file over again.",
)


FORGOTTEN = Problem(
    code="ingestion-failed",
    message="Druid has forgotten the task, and holds only a part of its rows. They are taken out; hand the file over again.",
)


class Phase(StrEnum):
    """submitting → submitted → ingesting → proving → concluded, or from anywhere: clearing → concluded.

    What is to be tried again goes back to submitting, what shows no rows for minutes to ingesting. What is not to be loaded
    begins as clearing.
    """

    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    INGESTING = "ingesting"
    PROVING = "proving"
    """Druid says SUCCESS and the task holds no slot any more; its rows are being counted."""
    CLEARING = "clearing"
    CONCLUDED = "concluded"


@dataclass(frozen=True, slots=True)
class Load:
    """The rows of an accepted file are to be loaded."""

    accepted: Accepted


@dataclass(frozen=True, slots=True)
class DryRun:
    """The rows of an accepted file are not to be loaded; what loading them would do is told."""

    accepted: Accepted


@dataclass(frozen=True, slots=True)
class Refuse:
    """There is nothing to load."""

    verdict: Rejected | Failed


@dataclass(frozen=True, slots=True)
class Retract:
    """The rows of another task are to be taken out."""

    task_id: UUID


Work = Load | DryRun | Refuse | Retract


@dataclass(frozen=True, slots=True)
class Ingestion:
    """One task as a replica holds it. `lease` is the fence: whoever holds an older one changes nothing.

    `cancelled`: somebody has asked for it to be cancelled. `waits_for`: as it was told last. `deadline`: by when Druid must be ready.
    `missing_for`: how long each look has found rows missing. `admitted`: it has had its turn; before that, Druid was given nothing.
    """

    cause: Cause
    phase: Phase
    attempt: int
    polls: int
    unknown_polls: int
    problem: Problem | None
    lease: int
    cancelled: bool = False
    waits_for: WaitsFor | None = None
    deadline: datetime | None = None
    missing_for: timedelta = timedelta(0)
    admitted: bool = False

    @property
    def given_once(self) -> bool:
        """Was Druid given it but once, and said SUCCESS? Then no rows are there but of this time."""
        return self.phase is Phase.PROVING and self.attempt == 1 and self.problem is None

    @property
    def to_be_cancelled(self) -> bool:
        """Somebody has asked for it, and it can still be undone.

        Druid takes rows out one interval after the other: a retraction is not stopped between two of them.
        """
        undone = (
            {Phase.SUBMITTING}
            if isinstance(self.work, Retract)
            else {Phase.SUBMITTING, Phase.SUBMITTED, Phase.INGESTING}
        )
        return self.cancelled and self.phase in undone

    @property
    def to_be_stopped(self) -> bool:
        """In Druid."""
        given_up = self.cancelled and not isinstance(self.work, Retract)
        return given_up or (self.problem is not None and self.problem.code == TIME_LIMIT)

    @property
    def about(self) -> TaskFact:
        return about(self.cause)

    @property
    def task_id(self) -> UUID:
        return self.about.task_id

    @property
    def datasource(self) -> str:
        return self.about.datasource

    @property
    def druid_task_id(self) -> str:
        return druid_task_id(self.datasource, self.task_id, self.attempt)

    @property
    def work(self) -> Work:
        data = self.cause.data
        if isinstance(data, TaskCommand):
            return Retract(data.task_id)
        if not isinstance(data.verdict, Accepted):
            return Refuse(data.verdict)
        return DryRun(data.verdict) if data.dry_run else Load(data.verdict)


def about(cause: Cause) -> TaskFact:
    """Raises ValueError for a command that makes no task."""
    if isinstance(cause.data, FileValidated):
        return cause.data
    if made := cause.data.made():
        return made
    raise ValueError("the command does not say which task it makes, of which datasource and file")


def first_phase(cause: Cause) -> Phase:
    """What loads nothing is never one of those that wait for their turn."""
    data = cause.data
    nothing_to_load = isinstance(data, FileValidated) and (data.dry_run or not isinstance(data.verdict, Accepted))
    return Phase.CLEARING if nothing_to_load else Phase.SUBMITTING


LOSS = " It had taken the place of rows that were there before; those are not brought back."


def with_loss(problem: Problem | None) -> Problem | None:
    """Of a file that replaces: what cannot be undone any more. None where that is said already."""
    if problem is None or LOSS in problem.message:
        return None
    return Problem(code=problem.code, message=f"{problem.message[: 1000 - len(LOSS)]}{LOSS}")


def too_late(ingestion: Ingestion) -> Problem | None:
    """Of a task that succeeds: what a cancel cannot undo any more. None where nobody asked for one."""
    if not ingestion.cancelled:
        return None
    done = (
        "the rows were taken out already. To have them back, hand their file over again."
        if isinstance(ingestion.work, Retract)
        else "the rows were loaded already. To take them out again, retract the task."
    )
    return Problem(code=TOO_LATE, message=f"The cancel came too late: {done}")


def refusal(ingestion: Ingestion) -> Conclude:
    """How a task ends that does not succeed: by its verdict, by a cancel, or because Druid could not do it."""
    problem = ingestion.problem or Problem(code="internal", message="Loading failed.")
    if passes(problem) and ingestion.cancelled:
        problem = CANCELLED
    elif passes(problem) and ingestion.attempt > 1:
        problem = Problem(code=problem.code, message=f"{problem.message} It was tried {ingestion.attempt} times.")
    outcome = Outcome.CANCELLED if problem.code == CANCELLED.code else Outcome.FAILED
    none_loaded = Receipt(accepted=0, ingested=0, queryable=0)
    match ingestion.work:
        case Refuse(verdict):
            if isinstance(verdict, Failed):
                return Conclude(Outcome.FAILED, none_loaded, verdict.problem)
            rows = none_loaded.model_copy(update={"source": verdict.source, "rejected": verdict.rejected})
            return Conclude(Outcome.REJECTED, rows, verdict.problem)
        case Load(accepted) | DryRun(accepted):
            counts = {"source": accepted.source, "accepted": accepted.accepted, "rejected": accepted.rejected}
            return Conclude(outcome, none_loaded.model_copy(update=counts), problem)
        case Retract():
            return Conclude(outcome, none_loaded, NONE_TAKEN_OUT if outcome is Outcome.CANCELLED else problem)
        case _:
            assert_never(ingestion.work)
