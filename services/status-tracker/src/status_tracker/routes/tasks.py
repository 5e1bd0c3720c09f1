"""What is known of tasks."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from sluice.auth import Verb
from sluice.auth.access import require
from sluice.events import DATASOURCE_PATTERN, Envelope, Event, FileFormat
from sluice.http import Refusal, problem_answers
from status_tracker.domain.page import Cursor, Selection
from status_tracker.domain.task import State, Task
from status_tracker.routes.examples import CURSOR, EVENT, TASK
from status_tracker.routes.sources import Asked, From, Reader

router = APIRouter(tags=["tasks"])
of_one = APIRouter(prefix="/{task_id}", tags=["tasks"], responses=problem_answers("task-not-found", "invalid-request"))


class Links(BaseModel):
    """Null where there is nothing to be read. Of a file it may turn out that none was made: then the answer says why."""

    events: str
    report: str | None = Field(description="JSON, or a page where Accept prefers text/html")
    rejects: str | None = Field(description="the rejected rows")
    workbook: str | None = Field(description="the sender's workbook with its bad cells marked")
    corrects: str | None = Field(description="the task that this one corrects")
    corrected_by: tuple[str, ...] = Field(description="tasks that correct this one, first come first")


class TaskAnswer(Task):
    model_config = ConfigDict(json_schema_extra={"examples": [TASK]})

    corrected_by: tuple[UUID, ...] = Field(description="tasks that correct this one, first come first; at most 20")
    links: Links

    @classmethod
    def of(cls, task: Task, corrected_by: tuple[UUID, ...] = ()) -> "TaskAnswer":
        here = _path(task.task_id)
        rejected = task.report is not None and (task.errors > 0 or bool(task.rows.rejected))
        spreadsheet = task.format in {FileFormat.XLSX, FileFormat.XLS}
        links = Links(
            events=f"{here}/events",
            report=f"{here}/report" if task.report else None,
            rejects=f"{here}/rejects" if rejected else None,
            workbook=f"{here}/workbook" if rejected and spreadsheet else None,
            corrects=_path(task.corrects) if task.corrects else None,
            corrected_by=tuple(_path(each) for each in corrected_by),
        )
        return cls(**dict(task), corrected_by=corrected_by, links=links)


def _path(task_id: UUID) -> str:
    return f"/v1/tasks/{task_id}"


class TasksAnswer(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"tasks": [TASK], "next": CURSOR}]})

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
    model_config = ConfigDict(json_schema_extra={"examples": [{"events": [EVENT]}]})

    events: list[EventAnswer]


@router.get(
    "",
    summary="List tasks, newest first",
    description="Only those of datasources that the caller may read are there.",
    responses=problem_answers("invalid-request", "invalid-cursor"),
)
async def list_tasks(
    *,
    sources: From,
    caller: Reader,
    datasource: Annotated[str | None, Query(pattern=DATASOURCE_PATTERN, examples=["orders"])] = None,
    state: State | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[
        str | None, Query(max_length=200, description="`next` of the page before", examples=[CURSOR])
    ] = None,
) -> TasksAnswer:
    if datasource is not None:
        require(caller, Verb.READ, datasource)
    datasources = caller.datasources(Verb.READ) if datasource is None else frozenset({datasource})
    page = await sources.tasks.list(Selection(datasources, state, _cursor(cursor), limit))
    corrections = await sources.tasks.corrections([task.task_id for task in page.tasks])
    tasks = [TaskAnswer.of(task, corrections.get(task.task_id, ())) for task in page.tasks]
    return TasksAnswer(tasks=tasks, next=page.next.encode() if page.next else None)


@of_one.get("", summary="Show one task")
async def show_task(sources: From, task: Asked) -> TaskAnswer:
    return TaskAnswer.of(task, (await sources.tasks.corrections([task.task_id])).get(task.task_id, ()))


@of_one.get("/events", summary="List the events of a task, in order of time")
async def list_events(sources: From, task: Asked) -> EventsAnswer:
    facts = await sources.tasks.events(task.task_id)
    return EventsAnswer(events=[EventAnswer.of(fact) for fact in facts])


def _cursor(text: str | None) -> Cursor | None:
    try:
        return Cursor.decode(text) if text is not None else None
    except ValueError:
        raise Refusal("invalid-cursor", "`cursor` is not one that this list gave out; leave it out to start.") from None
