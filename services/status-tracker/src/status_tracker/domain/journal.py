"""The events of one task, each kept once. Whatever order they come in, and however often, the same journal results."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
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
    derived_id,
)

Journal = Mapping[UUID, Envelope[Event]]


def tasks_of(fact: Envelope[Event]) -> tuple[UUID, ...]:
    """Whose journals it is entered in. What has a task retracted is also the first that is heard of the retraction."""
    data = fact.data
    if isinstance(data, TaskCommand) and data.retraction:
        return (data.task_id, data.retraction)
    return (data.task_id,)


def identity(fact: Envelope[Event]) -> UUID:
    """Under what an event is kept in a journal: source and id; of news of progress, where one is enough, the stage, or that it waits."""
    event = fact.data
    own = f"{fact.source}\x00{fact.id}"
    if isinstance(event, TaskProgress):
        own = "waiting" if event.waits_for else event.stage
    return derived_id(event.task_id, f"{event.TYPE}\x00{own}")


def rank(fact: Envelope[Event]) -> tuple[Any, ...]:
    """Total order of facts of one type: the smallest stands. Only the same fact has the same rank.

    Of news that the task waits the latest stands.
    """
    attempt = fact.data.attempt if isinstance(fact.data, DruidSubmitted) else 0
    waiting = isinstance(fact.data, TaskProgress) and fact.data.waits_for is not None
    return (
        -attempt,
        -moment(fact).timestamp() if waiting else 0.0,
        moment(fact),
        fact.id,
        fact.source,
        fact.time,
        fact.data.model_dump_json(),
        fact.traceparent or "",
    )


def moment(fact: Envelope[Event]) -> datetime:
    """When it came about, by the fact's own account."""
    match fact.data:
        case FileUploaded(accepted_at=at) | TaskCompleted(completed_at=at) | TaskProgress(at=at):
            return at
        case _:
            return fact.time


def enter(journal: Journal, fact: Envelope[Event]) -> Journal:
    """The journal with the fact in it; equal to the journal before if it was there, or if an earlier one stands there."""
    key = identity(fact)
    return {**journal, key: min(journal.get(key, fact), fact, key=rank)}


def contradictions(journal: Journal, fact: Envelope[Event]) -> tuple[Envelope[Event], ...]:
    """Kept facts that cannot be true beside this one: acceptance, verdict and outcome are one each per task."""
    if not isinstance(fact.data, FileUploaded | FileValidated | TaskCompleted):
        return ()
    return tuple(kept for kept in journal.values() if type(kept.data) is type(fact.data) and kept.data != fact.data)
