"""The HTTP edge: what is known of tasks. It answers questions and changes nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from sluice.events import DATASOURCE_PATTERN, Envelope, Event
from sluice.http import Refusal
from status_tracker.domain.page import Cursor, Selection
from status_tracker.domain.task import State, Task
from status_tracker.ports import Reports, Tasks

router = APIRouter(prefix="/v1/tasks", tags=["tasks"])


@dataclass(frozen=True, slots=True)
class Sources:
    """Where answers come from; the application puts it on its `state.sources`."""

    tasks: Tasks
    reports: Reports


class Links(BaseModel):
    events: str
    report: str | None = Field(description="null while there is none")


class TaskAnswer(Task):
    links: Links

    @classmethod
    def of(cls, task: Task) -> "TaskAnswer":
        here = f"/v1/tasks/{task.task_id}"
        links = Links(events=f"{here}/events", report=f"{here}/report" if task.report else None)
        return cls(**dict(task), links=links)


class TasksAnswer(BaseModel):
    tasks: list[TaskAnswer]
    next: str | None = Field(description="cursor of the next page; null on the last")


class EventAnswer(BaseModel):
    """One event, with its CloudEvents context."""

    id: str
    type: str
    source: str
    time: datetime
    data: dict[str, Any]

    @classmethod
    def of(cls, fact: Envelope[Event]) -> "EventAnswer":
        data = fact.data.model_dump(mode="json")
        return cls(id=fact.id, type=fact.data.TYPE, source=fact.source, time=fact.time, data=data)


class EventsAnswer(BaseModel):
    events: list[EventAnswer]


def _sources(request: Request) -> Sources:
    sources: Sources = request.app.state.sources
    return sources


From = Annotated[Sources, Depends(_sources)]


@router.get("", summary="List tasks, newest first")
async def list_tasks(
    sources: From,
    datasource: Annotated[str | None, Query(pattern=DATASOURCE_PATTERN)] = None,
    state: State | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(max_length=200, description="`next` of the page before")] = None,
) -> TasksAnswer:
    page = await sources.tasks.list(Selection(datasource, state, _cursor(cursor), limit))
    tasks = [TaskAnswer.of(task) for task in page.tasks]
    return TasksAnswer(tasks=tasks, next=page.next.encode() if page.next else None)


@router.get("/{task_id}", summary="Show one task")
async def show_task(sources: From, task_id: UUID) -> TaskAnswer:
    return TaskAnswer.of(await _find(sources, task_id))


@router.get("/{task_id}/events", summary="List the events of a task, in order of time")
async def list_events(sources: From, task_id: UUID) -> EventsAnswer:
    facts = await sources.tasks.events(task_id)
    if not facts:
        raise _unknown()
    return EventsAnswer(events=[EventAnswer.of(fact) for fact in facts])


@router.get(
    "/{task_id}/report",
    summary="Fetch the validation report of a task",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/json": {}}}},
)
async def fetch_report(sources: From, task_id: UUID) -> StreamingResponse:
    task = await _find(sources, task_id)
    report = await sources.reports.open(task)
    if report is None:
        raise Refusal(
            404, "report-not-found", f"The task is {task.state}, and there is no report of it.", state=task.state
        )
    headers = {"Content-Length": str(report.size), "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(report.chunks, media_type="application/json", headers=headers)


async def _find(sources: Sources, task_id: UUID) -> Task:
    task = await sources.tasks.find(task_id)
    if task is None:
        raise _unknown()
    return task


def _unknown() -> Refusal:
    detail = "No event of this task is known. A file accepted a moment ago may not have been heard of yet: ask again."
    return Refusal(404, "task-not-found", detail, {"Retry-After": "1"})


def _cursor(text: str | None) -> Cursor | None:
    try:
        return Cursor.decode(text) if text is not None else None
    except ValueError:
        raise Refusal(
            422, "invalid-cursor", "`cursor` is not one that this list gave out; leave it out to start."
        ) from None
