"""What to make of Druid's answers. Pure: observation in, decision out."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from sluice.events import Accepted, Outcome, Preview, Problem, Receipt

LOST_AFTER = 3
"""Polls in a row on which Druid does not know a task that it took: then it is submitted again, under the same id."""


class TaskState(StrEnum):
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class TaskStatus:
    state: TaskState
    error: str | None = None


@dataclass(frozen=True, slots=True)
class RowStats:
    """Rows as Druid's task report counts them."""

    processed: int
    unusable: int
    """thrown away, unparseable, or processed with an error"""


@dataclass(frozen=True, slots=True)
class Presence:
    """Rows of one task that a query counts, and whether every segment that could hold some is loaded."""

    counted: int
    loaded: bool


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is certain yet: ask again. `missing`: for how long it has been so already decides what is made of it."""

    missing: bool = False


@dataclass(frozen=True, slots=True)
class Resubmit:
    """Druid has lost the task."""


@dataclass(frozen=True, slots=True)
class Prove:
    """Druid says SUCCESS: now the rows are to be counted."""


@dataclass(frozen=True, slots=True)
class Clear:
    """It did not work. To be concluded, or tried again, once Druid holds none of the rows."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Druid has processed all rows and loaded every segment, and a query counts fewer: not yet, or not any more."""

    counted: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Rows are where they must not be, or are not what they must be: said aloud, never guessed."""

    reason: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Some rows are there, and not all: they are taken out before anything is concluded."""


@dataclass(frozen=True, slots=True)
class Conclude:
    """`problem`: why it does not succeed. `preview`: of a dry run."""

    outcome: Outcome
    rows: Receipt
    problem: Problem | None = None
    preview: Preview | None = None


def after_status(status: TaskStatus, unknown_polls: int) -> Wait | Resubmit | Prove | Clear:
    """What Druid's status of a submitted task means."""
    match status.state:
        case TaskState.RUNNING:
            return Wait()
        case TaskState.SUCCESS:
            return Prove()
        case TaskState.FAILED:
            return Clear()
        case TaskState.UNKNOWN:
            return Resubmit() if unknown_polls >= LOST_AFTER else Wait()
        case _:
            assert_never(status.state)


def prove(accepted: Accepted, stats: RowStats | None, presence: Presence) -> Wait | Missing | Hold | Conclude:
    """After SUCCESS: succeeded only if report, query and verdict name the same number of rows."""
    if presence.counted > accepted.accepted:
        return Hold(f"a query counts {presence.counted} rows where {accepted.accepted} were accepted")
    if stats is None or not presence.loaded:
        return Wait()
    if stats.unusable or stats.processed != accepted.accepted:
        return Hold(f"Druid processed {stats.processed} of {accepted.accepted} rows, {stats.unusable} unusable")
    if presence.counted < accepted.accepted:
        return Missing(presence.counted)
    rows = Receipt(
        source=accepted.source,
        accepted=accepted.accepted,
        rejected=accepted.rejected,
        ingested=stats.processed,
        queryable=presence.counted,
    )
    return Conclude(Outcome.SUCCEEDED, rows)


def prove_retracted(presence: Presence) -> Wait | Conclude:
    """After SUCCESS of a retraction: succeeded once a query counts none of the rows."""
    if presence.counted or not presence.loaded:
        return Wait()
    return Conclude(Outcome.SUCCEEDED, Receipt(accepted=0, ingested=0, queryable=0))


def clear_retraction(refused: Conclude, presence: Presence, wanted: int, *, settled: bool) -> Wait | Conclude:
    """Of one that Druid may have had. Where none of the `wanted` rows is left it has succeeded, whatever Druid says.

    Rows that are counted may have gone a moment ago, unless it has `settled`. Some may be gone for good: Druid takes them out one
    interval after the other, or others have replaced them.
    """
    if not presence.counted:
        return prove_retracted(presence)
    if not (settled and presence.loaded):
        return Wait(missing=True)
    if refused.problem is None or presence.counted >= wanted:
        return refused
    said = "The retraction was cancelled." if refused.outcome is Outcome.CANCELLED else refused.problem.message[:800]
    rest = f"{presence.counted} of the {wanted} rows that were loaded are still there. To have them out, retract their task again."
    return replace(refused, problem=Problem(code=refused.problem.code, message=f"{said} {rest}"))


def clear(refused: Conclude, presence: Presence) -> Wait | Remove | Hold | Conclude:
    """Before any outcome but succeeded: not one row of the task may be in Druid.

    Where all are there, it has succeeded after all. `rows.accepted` of them may be: of a refused file, none.
    """
    rows = refused.rows
    if not presence.loaded:
        return Wait()
    if not presence.counted:
        return refused
    if presence.counted == rows.accepted:
        loaded = {"ingested": presence.counted, "queryable": presence.counted}
        return Conclude(Outcome.SUCCEEDED, rows.model_copy(update=loaded))
    if rows.accepted and presence.counted < rows.accepted:
        return Remove()
    return Hold(f"a query counts {presence.counted} rows of a task that is to end as {refused.outcome}")
