"""Ids derived from causes: the same cause gives the same id, so a redelivery is recognisable and without effect. Ids that tell a time."""

from datetime import UTC, datetime
from uuid import UUID, uuid5

SLUICE = UUID("5a1d1f4e-3f0c-5d7a-9c55-6f1c2b1e7a10")
"""Namespace of every id that Sluice derives."""


def derived_id(cause: UUID, fact: str) -> UUID:
    """Id of the event of type `fact` that follows from `cause`, an event or a task."""
    return uuid5(cause, fact)


def task_id_for_key(caller: str, idempotency_key: str, *, dry_run: bool = False) -> UUID:
    """Task of an upload that carries an `Idempotency-Key`: the same caller and key name the same task.

    Its dry run is a task of its own, so that the file may follow under the same key.
    """
    return uuid5(SLUICE, f"{'dry run' if dry_run else 'key'}\x00{caller}\x00{idempotency_key}")


def task_id_for_outside(source: str, event_id: str) -> UUID:
    """Task of a `file.uploaded` that another system published: CloudEvents' own identity, `source` and `id`."""
    return uuid5(SLUICE, f"event\x00{source}\x00{event_id}")


def drawn_at(uuid: UUID) -> datetime:
    """When a UUIDv7 was drawn, to the millisecond. Raises ValueError for other versions, and for a time that no calendar has."""
    if uuid.version != _UUID7:
        raise ValueError(f"{uuid} is no UUIDv7: it tells no time")
    try:
        return datetime.fromtimestamp((uuid.int >> 80) / 1000, tz=UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(f"{uuid} tells a time that no calendar has") from error


_UUID7 = 7
