"""What the tracker needs of the world."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from sluice.events import Envelope, Event
from status_tracker.domain.journal import Journal
from status_tracker.domain.page import Page, Selection
from status_tracker.domain.task import Task


class TaskFile(Protocol):
    """One task's journal and projection while nobody else may write them. All methods raise Transient."""

    async def journal(self) -> Journal: ...

    async def keep(self, identity: UUID, fact: Envelope[Event]) -> None:
        """Keep the fact under its identity, in place of what stood there."""

    async def project(self, task: Task) -> None:
        """Show the task like this from now on."""


class TaskFiles(Protocol):
    """The journals of all tasks."""

    def open(self, task_id: UUID) -> AbstractAsyncContextManager[TaskFile]:
        """Everything done in the block is kept whole when it ends, or not at all. Waits for others on the same task."""

    def task_ids(self) -> AsyncIterator[UUID]:
        """Every task with a journal."""


class Tasks(Protocol):
    """What is told of tasks. All methods raise Transient."""

    async def list(self, selection: Selection) -> Page: ...

    async def find(self, task_id: UUID) -> Task | None: ...

    async def events(self, task_id: UUID) -> tuple[Envelope[Event], ...]:
        """The journal of a task in order of time; empty if nothing is known of it."""

    async def corrections(self, task_ids: Sequence[UUID]) -> Mapping[UUID, tuple[UUID, ...]]:
        """The tasks that correct each of these, first come first; of each at most the first 20."""


@dataclass(frozen=True, slots=True)
class Document:
    """A stored file on its way: `size` bytes. `etag` names this content, without quotes."""

    size: int
    etag: str
    chunks: AsyncIterator[bytes]


class Reports(Protocol):
    async def open(self, task: Task, name: str) -> Document | None:
        """A file of the run that judged the task, such as its report, or None. Raises Transient."""
