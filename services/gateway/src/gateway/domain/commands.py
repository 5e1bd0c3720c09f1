"""Commands as events: the same thing asked of the same task is the same event."""

from datetime import datetime
from uuid import UUID

from sluice.events import GATEWAY_SOURCE, Envelope, TaskCommand, TaskFact, derived_id


def cancelling(task: TaskFact, caller: str, now: datetime) -> Envelope[TaskCommand]:
    return _envelope(_command(task, "cancel", caller, now), cancel_of(task.task_id))


def cancel_of(task_id: UUID) -> UUID:
    """The event by which a task is cancelled."""
    return derived_id(task_id, "cancel")


def retracting(task: TaskFact, retraction: UUID, caller: str, now: datetime) -> Envelope[TaskCommand]:
    """`retraction`: a new id, for it is a task of its own."""
    command = _command(task, "retract", caller, now).model_copy(update={"retraction": retraction})
    return _envelope(command, derived_id(retraction, TaskCommand.TYPE))


def retry_of(task_id: UUID) -> UUID:
    """The task that a retry makes. A task is retried once; after that, its retry is."""
    return derived_id(task_id, "retry")


def _command(task: TaskFact, command: str, caller: str, now: datetime) -> TaskCommand:
    return TaskCommand.model_validate(
        {
            "task_id": task.task_id,
            "command": command,
            "requested_by": caller,
            "requested_at": now.replace(microsecond=now.microsecond // 1000 * 1000),
            "datasource": task.datasource,
            "filename": task.filename,
            "accepted_at": task.accepted_at,
        }
    )


def _envelope(command: TaskCommand, event_id: UUID) -> Envelope[TaskCommand]:
    return Envelope(id=str(event_id), source=GATEWAY_SOURCE, time=command.requested_at, data=command)
