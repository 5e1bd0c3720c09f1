"""Bytes that came and were never accepted: what a crash between the last byte and the record leaves. Removed by age, and reported."""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from gateway.ports import AcceptanceLedger, RawObject, RawObjects, ResumableUploads, Tasks
from sluice.clock import Clock
from sluice.events import day_of

log = structlog.get_logger()

ONE_DAY = timedelta(days=1)


@dataclass(slots=True)
class SweepOrphans:
    """Holds the objects of a day against its records, once that day is over by the `lifetime` of an upload and a day more.

    Two listings tell of almost every object that it was accepted. The few others are looked up one by one: uploads that went on past
    midnight, and those whose task has several objects, for its record names one of them. Looks back `days`.
    """

    raw: RawObjects
    ledger: AcceptanceLedger
    tasks: Tasks
    uploads: ResumableUploads
    clock: Clock
    lifetime: timedelta
    days: int
    _swept: set[str] = field(default_factory=set)

    async def __call__(self) -> bool:
        """One round. Raises Transient while the storage does not answer."""
        horizon = self.clock() - self.lifetime - ONE_DAY
        due = [day_of(horizon - ONE_DAY * back) for back in range(1, self.days + 2)]
        self._swept &= set(due)
        for day in due:
            if day not in self._swept and await self._sweep(day, horizon):
                self._swept.add(day)
        return False

    async def _sweep(self, day: str, horizon: datetime) -> bool:
        """False: some of its objects are still young."""
        known, count, done = await self._recorded(day), Counter[str](), True
        async for objects in _by_task(self.raw.of_day(day)):
            if len(objects) == 1 and known.has(objects[0].task_id):
                continue
            for each in objects:
                if each.written_at > horizon:
                    done = False
                elif await self._is_orphan(each):
                    await self.raw.remove(each.key)
                    count.update(objects=1, bytes=each.size)
        if count:
            log.warning("objects without a record removed: their uploads were never answered 202", day=day, **count)
        return done

    async def _recorded(self, day: str) -> "_Known":
        known = _Known()
        async for task_id in self.ledger.recorded(day):
            known.add(task_id)
        return known.sorted()

    async def _is_orphan(self, each: RawObject) -> bool:
        """A claim counts as a record does: the same upload may come once more and find it."""
        if await self.uploads.find(each.upload_id):
            return False  # the sweep of resumable uploads will conclude it
        accepted = await self.tasks.accepted(each.task_id)
        return accepted is None or accepted.object.uri != each.uri


@dataclass(slots=True)
class _Known:
    """Tasks of a day, by the random half of their ids: 8 MB for a million. One that is known by mistake is an object that stays."""

    halves: "array[int]" = field(default_factory=lambda: array("Q"))

    def add(self, task_id: UUID) -> None:
        self.halves.append(_half(task_id))

    def sorted(self) -> "_Known":
        return _Known(array("Q", sorted(self.halves)))

    def has(self, task_id: UUID) -> bool:
        at = bisect_left(self.halves, _half(task_id))
        return at < len(self.halves) and self.halves[at] == _half(task_id)


def _half(task_id: UUID) -> int:
    return task_id.int & 0xFFFF_FFFF_FFFF_FFFF


async def _by_task(objects: AsyncIterator[RawObject]) -> AsyncIterator[list[RawObject]]:
    group: list[RawObject] = []
    async for each in objects:
        if group and group[0].task_id != each.task_id:
            yield group
            group = []
        group.append(each)
    if group:
        yield group
