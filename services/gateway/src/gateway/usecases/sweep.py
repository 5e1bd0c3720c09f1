"""Records held against outcomes: what has none after a while is told again, always the identical event."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from gateway.ports import AcceptanceLedger, Outbound
from gateway.usecases.backlog import Backlog
from sluice.clock import Clock
from sluice.errors import ObjectDenied, Permanent
from sluice.events import day_of

log = structlog.get_logger()

LONGEST_WAIT = timedelta(hours=1)
MOST_REMEMBERED = 100_000
"""Tasks watched at once; further ones wait until some of these have their outcome."""
DAYS_THAT_GROW = 2
"""Today, and yesterday for uploads that began before midnight: older days get no new records."""


@dataclass(frozen=True, slots=True)
class Watch:
    """When a task without outcome is told again, and how long after that the next time."""

    due: datetime
    wait: timedelta

    def again(self, now: datetime) -> "Watch":
        return Watch(now + self.wait, min(self.wait * 2, LONGEST_WAIT))


@dataclass(slots=True)
class SweepUnconcluded:
    """Looks at the tasks of the last `days`. `after`: how long an outcome may take before the event is told again;
    `after_start` the same for what a process before us left. Every replica counts; the one that `leads` tells."""

    ledger: AcceptanceLedger
    outbound: Outbound
    backlog: Backlog
    clock: Clock
    after: timedelta
    after_start: timedelta
    days: int
    leads: Callable[[], bool]
    _watched: dict[UUID, Watch] = field(default_factory=dict)
    _quiet: dict[str, datetime] = field(default_factory=dict)
    """Days that are over and had no open task, and when they are looked at again."""
    _swept: bool = False

    async def __call__(self) -> bool:
        """One round. Raises Transient while the ledger does not answer."""
        open_tasks, count, room = set(), 0, True
        async for day, task_id in self._open_tasks():
            count += 1
            watch = self._watch(task_id)
            if watch is None:
                continue
            open_tasks.add(task_id)
            if room and self.leads() and watch.due <= self.clock():
                room = await self._tell(day, task_id, watch)
        self.backlog.noted(count)
        self._watched = {task_id: self._watched[task_id] for task_id in open_tasks}
        self._swept = True
        return False

    async def _open_tasks(self) -> AsyncIterator[tuple[str, UUID]]:
        now = self.clock()
        for back in range(self.days + 1):
            day = day_of(now - timedelta(days=back))
            if self._quiet.get(day, now) > now:
                continue
            found = False
            async for task_id in self.ledger.without_outcome(day):
                found = True
                yield day, task_id
            if not found and back >= DAYS_THAT_GROW:
                self._quiet[day] = now + LONGEST_WAIT
        self._quiet = {day: until for day, until in self._quiet.items() if until > now}

    def _watch(self, task_id: UUID) -> Watch | None:
        if task_id not in self._watched:
            if len(self._watched) >= MOST_REMEMBERED:
                return None
            first = self.after if self._swept else self.after_start
            self._watched[task_id] = Watch(self.clock() + first, self.after)
        return self._watched[task_id]

    async def _tell(self, day: str, task_id: UUID, watch: Watch) -> bool:
        """False if there is no room to tell anything more now."""
        try:
            if not self.outbound.hand_over(await self.ledger.read(day, task_id)):
                return False
        except ObjectDenied as error:
            log.warning("S3 does not let us at an acceptance record", task_id=str(task_id), error=str(error))
        except Permanent as error:
            log.exception("acceptance record is broken", task_id=str(task_id), error=str(error))
        else:
            log.info("event told again: no outcome yet", task_id=str(task_id))
        self._watched[task_id] = watch.again(self.clock())
        return True
