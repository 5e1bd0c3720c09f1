"""Things on S3 that one task at a time may hold: a parent that is corrected, a content that is loaded.

Claims on one thing are numbered 1, 2, …, each create-only. One holds while its task is under way, and for good once that has succeeded;
it ends with a task that ends otherwise or is retracted, and lapses where the upload that made it was never accepted. Then the next
number may be made.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import count
from uuid import UUID

from pydantic import AwareDatetime, ValidationError

from sluice.clock import Clock
from sluice.errors import ObjectExists, ObjectMissing, Undecodable
from sluice.events import FileUploaded, Outcome
from sluice.events.values import Value
from sluice.ledger import accepted_key
from sluice.objectstore import ObjectStore
from sluice.tasks import Tasks

LAPSES_AFTER = timedelta(hours=1)
"""How long an upload may take from its claim to its acceptance record."""


class Claim(Value):
    """One task's claim. `recorded` false: there is no acceptance record to wait for (events from outside)."""

    task_id: UUID
    accepted_at: AwareDatetime
    claimed_at: AwareDatetime
    recorded: bool = True


class Standing(StrEnum):
    """Where the task of a claim is."""

    OPEN = "open"
    SUCCEEDED = "succeeded"
    ENDED = "ended"
    LAPSED = "lapsed"

    @property
    def holds(self) -> bool:
        return self in {Standing.OPEN, Standing.SUCCEEDED}


@dataclass(frozen=True, slots=True)
class Held:
    """The claim that keeps others out."""

    claim: Claim
    standing: Standing


@dataclass(frozen=True, slots=True)
class Claims:
    """Claims on one thing; `key` gives the key of the n-th. All methods raise Transient while S3 does not answer, and Undecodable."""

    store: ObjectStore
    clock: Clock
    key: Callable[[int], str]

    async def all(self) -> AsyncIterator[Claim]:
        """In order, read one by one: listings may show what is not there."""
        for number in count(1):
            try:
                document = await self.store.get(self.key(number))
            except ObjectMissing:
                return
            try:
                yield Claim.model_validate_json(document)
            except ValidationError as error:
                raise Undecodable("a claim of a task should stand here") from error

    async def latest(self) -> Claim | None:
        claims = [each async for each in self.all()]
        return claims[-1] if claims else None

    async def has(self, task_id: UUID) -> bool:
        """Has this task made a claim, whatever became of it?"""
        return task_id in [each.task_id async for each in self.all()]

    async def holder(self) -> Held | None:
        """None where every claim so far has come to nothing."""
        async for claim in self.all():
            if (standing := await self._standing(claim)).holds:
                return Held(claim, standing)
        return None

    async def rival(self, task_id: UUID) -> Held | None:
        """The holder, where that is another task than this one."""
        held = await self.holder()
        return held if held and held.claim.task_id != task_id else None

    async def make(self, task: FileUploaded, *, recorded: bool = True) -> Held | None:
        """Claim for this task; None: it holds a claim, else what keeps it out. Of many tasks at once exactly one wins.

        `recorded`: an acceptance record will follow within LAPSES_AFTER.
        """
        ours = Claim(task_id=task.task_id, accepted_at=task.accepted_at, claimed_at=self.clock(), recorded=recorded)
        while (held := await self.holder()) is None:
            number = len([each async for each in self.all()]) + 1
            if await self._create(number, ours):
                held = await self._overtaken(number)
                break
        return held if held and held.claim.task_id != task.task_id else None

    async def _overtaken(self, number: int) -> Held | None:
        """A claim that had lapsed may have been accepted just before ours was made: then ours is given up."""
        before = [each async for each in self.all()][: number - 1]
        for claim in before:
            if (standing := await self._standing(claim)).holds:
                await self.store.delete(self.key(number))
                return Held(claim, standing)
        return None

    async def _standing(self, claim: Claim) -> Standing:
        tasks = Tasks(self.store)
        ended = await tasks.outcome(claim.accepted_at, claim.task_id)
        if ended is not None:
            stays = ended.outcome is Outcome.SUCCEEDED and not await tasks.is_retracted(claim.task_id)
            return Standing.SUCCEEDED if stays else Standing.ENDED
        young = self.clock() - claim.claimed_at < LAPSES_AFTER
        return Standing.OPEN if young or await self._is_accepted(claim) else Standing.LAPSED

    async def _is_accepted(self, claim: Claim) -> bool:
        if not claim.recorded:
            return True
        try:
            await self.store.head(accepted_key(claim.accepted_at, claim.task_id))
        except ObjectMissing:
            return False
        return True

    async def _create(self, number: int, claim: Claim) -> bool:
        try:
            await self.store.create(self.key(number), claim.model_dump_json().encode(), "application/json")
        except ObjectExists:
            return False
        return True
