"""How far a task has come: of each kind of fact the one that stands."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from sluice.events import (
    DruidSubmitted,
    Envelope,
    Event,
    FileUploaded,
    FileValidated,
    TaskCommand,
    TaskCompleted,
    TaskProgress,
    WaitsFor,
)
from status_tracker.domain.journal import moment, rank

E_co = TypeVar("E_co", bound=Event, covariant=True)


@dataclass(frozen=True, slots=True)
class Standing(Generic[E_co]):
    """The fact of its kind that stands until one of smaller rank is heard."""

    data: E_co
    fact: Envelope[Event]

    @property
    def at(self) -> datetime:
        return moment(self.fact)


@dataclass(frozen=True, slots=True)
class Progress:
    """Of one task. None where no such fact is known yet."""

    task_id: UUID
    retraction: Standing[TaskCommand] | None = None
    uploaded: Standing[FileUploaded] | None = None
    validating: Standing[TaskProgress] | None = None
    validated: Standing[FileValidated] | None = None
    submitted: Standing[DruidSubmitted] | None = None
    waiting: Standing[TaskProgress] | None = None
    ingesting: Standing[TaskProgress] | None = None
    completed: Standing[TaskCompleted] | None = None
    updated_at: datetime | None = None


def advance(progress: Progress, fact: Envelope[Event]) -> Progress:
    """Take one fact of the task into account. Pure and idempotent; the order of facts makes no difference.

    Of several outcomes, verdicts or acceptances the earliest stands; of several submissions, the latest attempt; of
    what it waits for, what was told last.
    """
    match fact.data:
        case FileUploaded() as data:
            progress = replace(progress, uploaded=_first(progress.uploaded, Standing(data, fact)))
        case FileValidated() as data:
            progress = replace(progress, validated=_first(progress.validated, Standing(data, fact)))
        case DruidSubmitted() as data:
            progress = replace(progress, submitted=_first(progress.submitted, Standing(data, fact)))
        case TaskCompleted() as data:
            progress = replace(progress, completed=_first(progress.completed, Standing(data, fact)))
        case TaskProgress(waits_for=WaitsFor()) as data:
            progress = replace(progress, waiting=_first(progress.waiting, Standing(data, fact)))
        case TaskProgress(stage="validating") as data:
            progress = replace(progress, validating=_first(progress.validating, Standing(data, fact)))
        case TaskProgress(stage="ingesting") as data:
            progress = replace(progress, ingesting=_first(progress.ingesting, Standing(data, fact)))
        case TaskCommand(retraction=progress.task_id) as data:
            progress = replace(progress, retraction=_first(progress.retraction, Standing(data, fact)))
        case TaskCommand():
            pass
        case other:
            raise TypeError(f"no place for {type(other).__name__}")
    return replace(progress, updated_at=max(progress.updated_at or fact.time, fact.time))


def _first(standing: Standing[E_co] | None, heard: Standing[E_co]) -> Standing[E_co]:
    return heard if standing is None or rank(heard.fact) < rank(standing.fact) else standing
