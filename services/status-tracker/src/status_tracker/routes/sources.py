"""Where answers come from."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from sluice.http import Refusal
from status_tracker.domain.task import Task
from status_tracker.ports import Reports, Tasks


@dataclass(frozen=True, slots=True)
class Sources:
    """The application puts it on its `state.sources`."""

    tasks: Tasks
    reports: Reports

    async def find(self, task_id: UUID) -> Task:
        """Raises Refusal."""
        task = await self.tasks.find(task_id)
        if task is None:
            raise unknown()
        return task


def unknown() -> Refusal:
    detail = "No event of this task is known. A file accepted a moment ago may not have been heard of yet: ask again."
    return Refusal(404, "task-not-found", detail, {"Retry-After": "1"})


def _sources(request: Request) -> Sources:
    sources: Sources = request.app.state.sources
    return sources


From = Annotated[Sources, Depends(_sources)]
