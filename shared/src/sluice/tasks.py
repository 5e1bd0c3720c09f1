"""What the ledger on S3 knows of a task: how it was accepted, how it was judged, how it ended."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import TypeVar
from uuid import UUID

from sluice.errors import ObjectMissing
from sluice.events import (
    Event,
    FileUploaded,
    FileValidated,
    Outcome,
    TaskCommand,
    TaskCompleted,
    day_of,
    derived_id,
    drawn_at,
)
from sluice.events.facts import TaskFact
from sluice.ledger import (
    ACTIVE,
    accepted_prefix,
    claim_key,
    command_prefix,
    contracts_prefix,
    outcome_key,
    retraction_key,
    verdict_key,
)
from sluice.messaging import decode_as
from sluice.objectstore import ObjectStore

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Tasks:
    """All methods raise Transient while S3 does not answer, and Undecodable where the ledger is broken."""

    store: ObjectStore

    async def accepted(self, task_id: UUID) -> FileUploaded | None:
        """Found by the task's claim, or by the day in its id. None also for the file of another system's event: it has no record.

        A claim alone does not say that the file is accepted: its record may still be missing.
        """
        for key in (claim_key(task_id), *(f"{accepted_prefix(day)}{task_id}.json" for day in _days_of(task_id))):
            if found := await self._told(FileUploaded, key):
                return found
        return None

    async def verdict(self, datasource: str, task_id: UUID) -> FileValidated | None:
        return await self._told(FileValidated, verdict_key(datasource, task_id))

    async def outcome(self, accepted_at: datetime, task_id: UUID) -> TaskCompleted | None:
        return await self._told(TaskCompleted, outcome_key(accepted_at, task_id))

    async def is_retracted(self, task_id: UUID) -> bool:
        """Have its rows been taken out again?"""
        for number in count(1):
            asked = await self._told(TaskCommand, retraction_key(task_id, number))
            if asked is None:
                return False
            ended = await self.outcome(asked.requested_at, asked.retraction) if asked.retraction else None
            if ended and ended.outcome is Outcome.SUCCEEDED:
                return True
        raise AssertionError

    async def find(self, task_id: UUID) -> TaskFact | None:
        """Whatever tells which datasource a task belongs to. Of another system's event nothing is known before its verdict."""
        if told := await self.accepted(task_id) or await self._retraction(task_id):
            return told
        async for datasource in self._datasources():
            if verdict := await self.verdict(datasource, task_id):
                return verdict
        return None

    async def _retraction(self, task_id: UUID) -> TaskFact | None:
        """By the command that has made it, recorded on the day in its id."""
        command_id = derived_id(task_id, TaskCommand.TYPE)
        for day in _days_of(task_id):
            if asked := await self._told(TaskCommand, f"{command_prefix(day)}{command_id}.json"):
                return asked.made()
        return None

    async def _told(self, kind: type[E], key: str) -> E | None:
        try:
            return decode_as(kind, await self.store.get(key)).data
        except ObjectMissing:
            return None

    async def _datasources(self) -> AsyncIterator[str]:
        async for info in self.store.list(contracts_prefix()):
            datasource, _, name = info.key.removeprefix(contracts_prefix()).partition("/")
            if name == ACTIVE:
                yield datasource


def _days_of(task_id: UUID) -> tuple[str, ...]:
    """Days on which a task may have been accepted, or a retraction asked for, from the moment that a UUIDv7 holds: it is drawn before.

    The day before, too: ids never run backwards, but a clock that was set back does.
    """
    try:
        drawn = drawn_at(task_id)
        return tuple(day_of(drawn + timedelta(days=days)) for days in (0, 1, -1))
    except (ValueError, OverflowError):
        return ()
