"""The acceptance ledger as objects on S3. Create-only puts decide; names are trusted only when exact."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from gateway.ports import Acceptance
from sluice.errors import ObjectExists, ObjectMissing, Undecodable
from sluice.events import FileUploaded
from sluice.ledger import accepted_key, accepted_prefix, claim_key, outcome_prefix
from sluice.messaging import decode_as, encode_structured
from sluice.objectstore import ObjectStore

JSON = "application/json"
SUFFIX = ".json"


@dataclass(frozen=True, slots=True)
class S3Ledger:
    store: ObjectStore

    async def claimed(self, task_id: UUID) -> Acceptance | None:
        try:
            return decode_as(FileUploaded, await self.store.get(claim_key(task_id)))
        except ObjectMissing:
            return None

    async def claim(self, acceptance: Acceptance) -> Acceptance:
        key = claim_key(acceptance.data.task_id)
        return decode_as(FileUploaded, await self.store.create_or_get(key, encode_structured(acceptance), JSON))

    async def record(self, acceptance: Acceptance) -> bool:
        key = accepted_key(acceptance.data.accepted_at, acceptance.data.task_id)
        try:
            await self.store.create(key, encode_structured(acceptance), JSON)
        except ObjectExists:
            return False
        return True

    async def has(self, acceptance: Acceptance) -> bool:
        try:
            await self.store.head(accepted_key(acceptance.data.accepted_at, acceptance.data.task_id))
        except ObjectMissing:
            return False
        return True

    async def read(self, day: str, task_id: UUID) -> Acceptance:
        acceptance = decode_as(FileUploaded, await self.store.get(f"{accepted_prefix(day)}{task_id}{SUFFIX}"))
        if acceptance.data.task_id != task_id:
            raise Undecodable("the record speaks of another task than its name")
        return acceptance

    def recorded(self, day: str) -> AsyncIterator[UUID]:
        return self._tasks(accepted_prefix(day))

    async def without_outcome(self, day: str) -> AsyncIterator[UUID]:
        """Both listings are in the order of their names, so one pass over the two suffices and nothing is collected."""
        outcomes = self._tasks(outcome_prefix(day))
        concluded = await anext(outcomes, None)
        async for task_id in self.recorded(day):
            while concluded is not None and str(concluded) < str(task_id):
                concluded = await anext(outcomes, None)
            if task_id != concluded:
                yield task_id

    async def _tasks(self, prefix: str) -> AsyncIterator[UUID]:
        async for info in self.store.list(prefix):
            task_id = id_of(info.key.removeprefix(prefix))
            if task_id:
                yield task_id


def id_of(name: str) -> UUID | None:
    """The id that an object is named after; None for names that are not exactly `<uuid>.json`."""
    try:
        task_id = UUID(name.removesuffix(SUFFIX))
    except ValueError:
        return None
    return task_id if name == f"{task_id}{SUFFIX}" else None
