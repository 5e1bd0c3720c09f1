"""Leases on S3: of all processes one at a time works on a thing, as far as clocks agree and nobody sleeps through his time.

That is politeness, not a fence: whoever holds a lease must do nothing that a second holder could not survive. Leases on one thing are
numbered. Each is created create-only, and its holder alone writes it again, to renew it and to let go. The highest number counts.

<prefix><number>.json      the lease; one that was let go lies in the past
<prefix><number>.wanted    somebody waits for it
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import AwareDatetime, ValidationError

from sluice.clock import Clock
from sluice.errors import ObjectExists, ObjectMissing, SluiceError, Transient, Undecodable
from sluice.events.values import Value
from sluice.objectstore import ObjectStore

LASTS = timedelta(seconds=8)
LOOK = 2.0
"""Seconds between two looks of a holder: does anybody want it, is it time to renew?"""
POLL = 0.2
"""Seconds between two looks of somebody who waits."""

MOST_KEPT = 8
"""Leases that may lie about; then those that are over are removed."""

NAME = re.compile(r"([0-9]{8})\.(json|wanted)")

Wanted = Callable[[], None]


class LeaseTaken(Transient):
    """Somebody else holds it, and has not let go in time."""

    code = "lease-taken"


class Lease(Value):
    until: AwareDatetime


@dataclass(frozen=True, slots=True)
class _Seen:
    """The numbers that a listing shows, and those that are waited for."""

    leases: frozenset[int]
    wanted: frozenset[int]

    @property
    def highest(self) -> int:
        return max(self.leases, default=0)


@dataclass(frozen=True, slots=True)
class Leases:
    """Leases that this process takes, on things that are told apart by `prefix`, ending with `/`."""

    store: ObjectStore
    clock: Clock
    _here: dict[tuple[str, int], Wanted] = field(default_factory=dict)
    """Those that it holds: it need not ask itself by way of S3."""

    @asynccontextmanager
    async def hold(self, prefix: str, patience: float, wanted: Wanted) -> AsyncIterator[None]:
        """Hold the lease within the block. Whoever has it is asked to let go, and waited for `patience` seconds at most.

        `wanted` is called, perhaps more than once, when somebody asks the same of us or has taken over. Raises LeaseTaken, Transient.
        """
        number = await self._take(prefix, patience)
        self._here[prefix, number] = wanted
        keeper = asyncio.create_task(self._keep(prefix, number, wanted, self.clock()))
        keeper.add_done_callback(lambda _: wanted())  # what is kept no longer will soon be somebody else's
        try:
            yield
        finally:
            del self._here[prefix, number]
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
            with suppress(SluiceError):  # then it ends by itself
                await self._write(prefix, number, lasts=timedelta())

    async def _take(self, prefix: str, patience: float) -> int:
        clock = asyncio.get_running_loop().time
        deadline = clock() + patience
        while True:
            seen = await self._look(prefix)
            if not await self._is_held(prefix, seen.highest):
                if await self._create(prefix, seen.highest + 1):
                    return seen.highest + 1
            elif clock() >= deadline:
                raise LeaseTaken("somebody else is at it, and has not let go in time")
            else:
                await self._ask(prefix, seen)
                await asyncio.sleep(POLL)

    async def _is_held(self, prefix: str, number: int) -> bool:
        try:
            document = await self.store.get(f"{prefix}{number:08d}.json")
            return Lease.model_validate_json(document).until > self.clock()
        except ObjectMissing:
            return False
        except ValidationError as error:
            raise Undecodable("a lease should stand here") from error

    async def _create(self, prefix: str, number: int) -> bool:
        """False: another was faster."""
        try:
            await self._write(prefix, number, create=True)
        except ObjectExists:
            return False
        # lower numbers are removed now and then, so this one may be one of them that has come once more
        seen = await self._look(prefix)
        if seen.highest > number:
            await self.store.delete(f"{prefix}{number:08d}.json")
            return False
        if len(seen.leases) > MOST_KEPT:
            await self._remove_below(prefix, number, seen)
        return True

    async def _remove_below(self, prefix: str, number: int, seen: _Seen) -> None:
        for suffix, numbers in (("json", seen.leases), ("wanted", seen.wanted)):
            for each in numbers:
                if each < number:
                    await self.store.delete(f"{prefix}{each:08d}.{suffix}")

    async def _ask(self, prefix: str, seen: _Seen) -> None:
        wanted = self._here.get((prefix, seen.highest))
        if wanted:
            wanted()
        elif seen.highest not in seen.wanted:
            await self.store.put(f"{prefix}{seen.highest:08d}.wanted", b"")

    async def _keep(self, prefix: str, number: int, wanted: Wanted, renewed: datetime) -> None:
        while True:
            await asyncio.sleep(LOOK)
            with suppress(Transient):
                seen = await self._look(prefix)
                if seen.highest > number or number in seen.wanted:
                    wanted()
                if self.clock() - renewed > LASTS / 2:
                    await self._write(prefix, number)
                    renewed = self.clock()

    async def _look(self, prefix: str) -> _Seen:
        names = [NAME.fullmatch(info.key.removeprefix(prefix)) async for info in self.store.list(prefix)]
        leases, wanted = (
            frozenset(int(name[1]) for name in names if name and name[2] == suffix) for suffix in ("json", "wanted")
        )
        return _Seen(leases, wanted)

    async def _write(self, prefix: str, number: int, *, lasts: timedelta = LASTS, create: bool = False) -> None:
        key, document = f"{prefix}{number:08d}.json", Lease(until=self.clock() + lasts).model_dump_json().encode()
        await (self.store.create if create else self.store.put)(key, document, "application/json")


@dataclass(slots=True, eq=False)
class Leader:
    """Of all processes that run it, one `leads`: the first, until it ends or sleeps through its time; then another."""

    leases: Leases
    prefix: str
    leads: bool = False

    async def __call__(self) -> bool:
        """Lead for as long as that lasts, or find that somebody else does. Raises Transient."""
        over = asyncio.Event()
        try:
            async with self.leases.hold(self.prefix, 0, over.set):
                self.leads = True
                await over.wait()
        except LeaseTaken:
            return False
        finally:
            self.leads = False
        return False
