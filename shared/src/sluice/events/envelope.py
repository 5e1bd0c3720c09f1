"""An event with its CloudEvents context: who said it, when, and under which id."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sluice.events.facts import DruidSubmitted, Event, FileUploaded, TaskCompleted, TaskProgress
from sluice.events.identity import derived_id, task_id_for_outside
from sluice.events.values import FileFormat, WaitsFor, display_name

E_co = TypeVar("E_co", bound=Event, covariant=True)
E = TypeVar("E", bound=Event)

GATEWAY_SOURCE = "sluice/gateway"


@dataclass(frozen=True, slots=True)
class Envelope(Generic[E_co]):
    """One event as it travels. `source` and `id` together are unique; a second delivery bears the same pair."""

    id: str
    source: str
    time: datetime
    data: E_co
    traceparent: str | None = None

    def identity(self) -> UUID:
        """The id as a UUID: its own where it is one, else derived from source and id (events of other systems)."""
        try:
            return UUID(self.id)
        except ValueError:
            return task_id_for_outside(self.source, self.id)


def follow(cause: Envelope[Event], data: E, *, source: str, time: datetime) -> Envelope[E]:
    """Wrap the fact that follows from `cause`. The same cause and fact give the same id; an outcome hangs on its task alone.

    Every attempt to submit is a fact of its own.
    """
    match data:
        case TaskCompleted():
            event_id = derived_id(data.task_id, TaskCompleted.TOPIC)
        case DruidSubmitted(attempt=attempt) if attempt > 1:
            event_id = derived_id(cause.identity(), f"{data.TYPE} {attempt}")
        case TaskProgress(waits_for=WaitsFor()):  # of which one task may tell several
            event_id = derived_id(cause.identity(), f"{data.TYPE}\x00{data.waits_for}\x00{data.at.isoformat()}")
        case _:
            event_id = derived_id(cause.identity(), data.TYPE)
    return Envelope(id=str(event_id), source=source, time=time, data=data, traceparent=cause.traceparent)


def accepted(data: FileUploaded) -> Envelope[FileUploaded]:
    """The gateway's own `file.uploaded`, whole and always identical: everything follows from the acceptance record."""
    return Envelope(
        id=str(derived_id(data.task_id, FileUploaded.TYPE)), source=GATEWAY_SOURCE, time=data.accepted_at, data=data
    )


def complete_outside(body: Mapping[str, Any], *, source: str, event_id: str, time: datetime | None) -> dict[str, Any]:
    """The body of another system's `file.uploaded`, completed with what only its context knows.

    Its `task_id` is always derived from `source` and `id`: nobody outside chooses the task that an event speaks of.
    """
    completed = {
        **body,
        "task_id": task_id_for_outside(source, event_id),
        "accepted_at": time,
        "caller": source[:200],
    }
    if isinstance(name := body.get("filename"), str):
        completed["filename"] = display_name(name)
    completed.setdefault("format", FileFormat.of(str(body.get("filename", ""))))
    return completed
