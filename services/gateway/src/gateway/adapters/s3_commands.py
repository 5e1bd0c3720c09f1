"""Commands as objects on S3, beside the acceptance ledger."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from gateway.adapters.s3_ledger import JSON, SUFFIX, id_of
from gateway.ports import Command
from sluice.errors import ObjectMissing
from sluice.events import TaskCommand
from sluice.ledger import command_key, command_prefix, retraction_key
from sluice.messaging import decode_as, encode_structured
from sluice.objectstore import ObjectStore


@dataclass(frozen=True, slots=True)
class S3Commands:
    store: ObjectStore

    async def record(self, command: Command) -> Command:
        return await self._create_or_get(command_key(command.data.requested_at, UUID(command.id)), command)

    async def retraction(self, task_id: UUID, number: int) -> Command | None:
        try:
            return decode_as(TaskCommand, await self.store.get(retraction_key(task_id, number)))
        except ObjectMissing:
            return None

    async def claim_retraction(self, command: Command, number: int) -> Command:
        return await self._create_or_get(retraction_key(command.data.task_id, number), command)

    async def is_recorded(self, command_id: UUID, since: datetime, until: datetime) -> bool:
        # a day more on either side: it may have been recorded by another clock
        for days in range(-1, (until.date() - since.date()).days + 2):
            try:
                await self.store.head(command_key(since + timedelta(days=days), command_id))
            except ObjectMissing:
                continue
            return True
        return False

    async def of_day(self, day: str) -> AsyncIterator[UUID]:
        prefix = command_prefix(day)
        async for info in self.store.list(prefix):
            if command_id := id_of(info.key.removeprefix(prefix)):
                yield command_id

    async def read(self, day: str, command_id: UUID) -> Command:
        return decode_as(TaskCommand, await self.store.get(f"{command_prefix(day)}{command_id}{SUFFIX}"))

    async def _create_or_get(self, key: str, command: Command) -> Command:
        return decode_as(TaskCommand, await self.store.create_or_get(key, encode_structured(command), JSON))
