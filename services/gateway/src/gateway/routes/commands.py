"""`POST /v1/tasks/{task_id}/cancel`, `/retract`, `/retry`: what may be asked of a task."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from gateway.errors import CommandRefused, UploadRefused
from gateway.ports import Command
from gateway.routes.edge import Accepted, At, Edge, pace_commands
from gateway.routes.problems import documented
from gateway.usecases.command import unknown_task
from sluice.auth import Caller, Verb, audit
from sluice.auth.access import at_least, hides
from sluice.events import TaskFact

router = APIRouter(prefix="/v1/tasks/{task_id}", tags=["tasks"], dependencies=[Depends(pace_commands)])

Id = Annotated[UUID, Path(description="Id of a task.", examples=["0197f3c2-7d51-7c3e-9a54-2f1f2c1b7a10"])]
Commander = Annotated[Caller, Depends(at_least(Verb.COMMAND))]


async def _task(*, edge: At, caller: Commander, task_id: Id) -> TaskFact:
    task = await edge.find(task_id)
    if hides(caller, Verb.COMMAND, task.datasource, task_id):
        raise unknown_task()
    return task


Of = Annotated[TaskFact, Depends(_task)]
REFUSALS: dict[int | str, dict[str, Any]] = documented(CommandRefused)


EXAMPLE: JsonValue = {
    "command": "cancel",
    "task_id": "0197f3c2-7d51-7c3e-9a54-2f1f2c1b7a10",
    "of_task": "0197f3c2-7d51-7c3e-9a54-2f1f2c1b7a10",
    "status_url": "http://127.0.0.1:8080/v1/tasks/0197f3c2-7d51-7c3e-9a54-2f1f2c1b7a10",
}


class Commanded(BaseModel):
    """The command is recorded and will be carried out; what became of it is told at `status_url`."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [EXAMPLE]})

    command: Literal["cancel", "retract"]
    task_id: UUID = Field(description="the task that tells what became of it: of a retract, one of its own")
    of_task: UUID = Field(description="the task it was asked of")
    status_url: str


def _told(edge: Edge, task: TaskFact, command: Command, caller: Caller, response: Response) -> Commanded:
    asked = command.data
    audit.allowed(f"{asked.command} accepted", caller, Verb.COMMAND, task.datasource, task.task_id)
    task_id = asked.retraction or asked.task_id
    status_url = edge.point_to(task_id, response)
    return Commanded(command=asked.command, task_id=task_id, of_task=asked.task_id, status_url=status_url)


@router.post("/cancel", summary="End a task before it has done its work", status_code=202, responses=REFUSALS)
async def cancel_task(*, edge: At, caller: Commander, task: Of, response: Response) -> Commanded:
    """Of a file whose rows are queryable by then, the outcome stays `succeeded`: the receipt says which of the two it was. A retraction
    that Druid has begun with is not stopped.
    """
    return _told(edge, task, await edge.cancel(task, caller.name), caller, response)


@router.post("/retract", summary="Take the rows of a task out of Druid again", status_code=202, responses=REFUSALS)
async def retract_task(*, edge: At, caller: Commander, task: Of, response: Response) -> Commanded:
    """A task of its own in the datasource's queue. It succeeds when a query counts no row of the retracted task."""
    return _told(edge, task, await edge.retract(task, caller.name), caller, response)


@router.post(
    "/retry",
    summary="Try the stored file of a task once more",
    status_code=202,
    responses=documented(CommandRefused, UploadRefused),
)
async def retry_task(*, edge: At, caller: Commander, task: Of, response: Response) -> Accepted:
    """For tasks that did not succeed, as after a fault of Druid or a new version of the contract, which is the one in force now."""
    file = await edge.retry.check(task)
    contract = await edge.admit(file.datasource, file.object.size)
    return edge.told(await edge.retry(file, contract, caller.name), caller, response)
