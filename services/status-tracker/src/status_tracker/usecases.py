"""What the tracker does."""

from dataclasses import dataclass
from functools import reduce
from uuid import UUID

import structlog

from sluice.events import Envelope, Event
from status_tracker.domain.journal import Journal, contradictions, enter, identity, tasks_of
from status_tracker.domain.progress import Progress, advance
from status_tracker.domain.task import describe
from status_tracker.ports import TaskFile, TaskFiles

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RecordEvent:
    """Keep an event and show its task accordingly, in one step for each task that it tells of. A second delivery changes nothing."""

    files: TaskFiles

    async def __call__(self, fact: Envelope[Event]) -> None:
        """Raises Transient while it cannot be kept."""
        for task_id in tasks_of(fact):
            await self._record(fact, task_id)

    async def _record(self, fact: Envelope[Event], task_id: UUID) -> None:
        async with self.files.open(task_id) as file:
            before = await file.journal()
            for kept in contradictions(before, fact):
                log.error(
                    "two facts of one task contradict each other", type=kept.data.TYPE, kept=kept.id, heard=fact.id
                )
            after = enter(before, fact)
            if after == before:
                return
            await file.keep(identity(fact), fact)
            await _project(file, task_id, after)


@dataclass(frozen=True, slots=True)
class RebuildTasks:
    """Show every task anew from its journal, while events go on coming in."""

    files: TaskFiles

    async def __call__(self) -> int:
        """Returns the number of tasks."""
        count = 0
        async for task_id in self.files.task_ids():
            async with self.files.open(task_id) as file:
                await _project(file, task_id, await file.journal())
            count += 1
        return count


async def _project(file: TaskFile, task_id: UUID, journal: Journal) -> None:
    task = describe(reduce(advance, journal.values(), Progress(task_id)))
    if task is not None:
        await file.project(task)
