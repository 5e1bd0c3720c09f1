"""Where answers come from."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Request

from sluice.auth import Caller, Verb
from sluice.auth.access import at_least, hides
from sluice.http import Refusal
from status_tracker.domain.task import Task
from status_tracker.ports import Reports, Tasks
from status_tracker.routes.examples import TASK_ID


@dataclass(frozen=True, slots=True)
class Sources:
    """The application puts it on its `state.sources`."""

    tasks: Tasks
    reports: Reports


def _sources(request: Request) -> Sources:
    sources: Sources = request.app.state.sources
    return sources


From = Annotated[Sources, Depends(_sources)]
Id = Annotated[UUID, Path(description="Id of a task.", examples=[TASK_ID])]
Reader = Annotated[Caller, Depends(at_least(Verb.READ))]


async def _task(sources: From, caller: Reader, task_id: Id) -> Task:
    """Whoever may not read its datasource is told the same as of a task that does not exist. Raises Refusal."""
    task = await sources.tasks.find(task_id)
    if task is None or hides(caller, Verb.READ, task.datasource, task_id):
        detail = "No such task is known. A file accepted a moment ago may not have been heard of yet: ask again."
        raise Refusal("task-not-found", detail, {"Retry-After": "1"})
    return task


Asked = Annotated[Task, Depends(_task)]
"""The task that the path names."""
