"""Marks of attempts on S3: `reports/<datasource>/<task>/attempts/<n>.json`. See docs/decisions/0011.

A mark is made create-only before a child begins, renewed while it is at work, and removed when it came to an end, whichever.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import structlog

from sluice.clock import Clock
from sluice.errors import ObjectExists, ObjectMissing, Transient
from sluice.events import FileUploaded, Problem
from sluice.ledger import attempt_key
from sluice.objectstore import ObjectStore
from validator.domain.attempts import MOST, Mark, spent

log = structlog.get_logger()

BEAT = 10.0
"""Seconds between two signs of life."""


@dataclass(slots=True)
class S3Attempt:
    """A mark of ours."""

    store: ObjectStore
    clock: Clock
    key: str
    stays: bool = False

    async def crashed(self, reason: str) -> None:
        self.stays = True
        await self._write(Mark(seen_at=self.clock(), crashed=reason))

    async def beat(self) -> None:
        """Say again and again that the reader lives."""
        while True:
            await asyncio.sleep(BEAT)
            try:
                await self._write(Mark(seen_at=self.clock()))
            except Transient as error:
                log.warning("sign of life not written", error=str(error))

    async def _write(self, mark: Mark) -> None:
        await self.store.put(self.key, mark.model_dump_json().encode(), "application/json")


@dataclass(slots=True)
class S3Attempts:
    """`ended` holds marks of readers that came to an end while S3 did not answer: they are removed before any other is made."""

    store: ObjectStore
    clock: Clock
    ended: set[str] = field(default_factory=set)

    async def begin(self, fact: FileUploaded) -> AbstractAsyncContextManager[S3Attempt] | Problem:
        await self._remove_ended()
        marks = []
        for number in range(1, MOST + 1):
            key = attempt_key(fact.datasource, fact.task_id, number)
            try:
                await self.store.create(key, Mark(seen_at=self.clock()).model_dump_json().encode(), "application/json")
            except ObjectExists:
                marks.append(await self._read(key))
            else:
                return self._at_work(S3Attempt(self.store, self.clock, key))
        if problem := spent(marks, self.clock()):
            return problem
        raise Transient("other validators may be at this file")

    @asynccontextmanager
    async def _at_work(self, attempt: S3Attempt) -> AsyncIterator[S3Attempt]:
        beat = asyncio.create_task(attempt.beat())
        try:
            yield attempt
        finally:
            beat.cancel()
            await asyncio.gather(beat, return_exceptions=True)
            if not attempt.stays:
                await self._remove(attempt.key)

    async def _remove(self, key: str) -> None:
        self.ended.add(key)
        try:
            await self._remove_ended()
        except Transient as error:
            # what was judged is worth more than the mark of it
            log.warning("mark of an attempt not removed", error=str(error))

    async def _remove_ended(self) -> None:
        for key in list(self.ended):
            await self.store.delete(key)
            self.ended.discard(key)

    async def _read(self, key: str) -> Mark | None:
        try:
            return Mark.model_validate_json(await self.store.get(key))
        except ObjectMissing:
            return None
