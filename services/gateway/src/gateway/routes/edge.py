"""What the routes call on, and how an accepted file is told."""

from base64 import b64encode
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from gateway.domain.limits import SizeLimits
from gateway.ports import Acceptance
from gateway.routes.pace import Pace
from gateway.usecases import (
    AcceptUpload,
    ActivateContract,
    AdmitUpload,
    CancelTask,
    FindTask,
    ImportFile,
    PauseDatasource,
    PutContract,
    ReadContracts,
    RetractTask,
    RetryTask,
)
from gateway.usecases.resumable import Resumable
from sluice.auth import Caller, Verb, audit
from sluice.auth.access import known
from sluice.events import ObjectRef

EXAMPLE: JsonValue = {
    "task_id": "0197f3c2-7d51-7c3e-9a54-2f1f2c1b7a10",
    "status_url": "http://127.0.0.1:8080/v1/tasks/0197f3c2-7d51-7c3e-9a54-2f1f2c1b7a10",
    "size": 18,
    "content_digest": "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
}


class Accepted(BaseModel):
    """The file is accepted and will end in exactly one outcome, to be read at `status_url`."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [EXAMPLE]})

    task_id: UUID
    status_url: str
    size: int | None = Field(description="bytes of the file")
    content_digest: str | None = Field(
        description="SHA-256 of the file as RFC 9530 writes it, to be held against your own; of an import as announced, or null"
    )


@dataclass(frozen=True, slots=True)
class Edge:
    """The application puts it on its `state.edge`. `body_patience` in seconds."""

    admit: AdmitUpload
    accept: AcceptUpload
    import_file: ImportFile
    find: FindTask
    cancel: CancelTask
    retract: RetractTask
    retry: RetryTask
    put_contract: PutContract
    activate_contract: ActivateContract
    read_contracts: ReadContracts
    pausing: PauseDatasource
    uploads: Pace
    commands: Pace
    limits: SizeLimits
    resumable: Resumable
    public_url: str
    body_patience: float

    def point_to(self, task_id: UUID, response: Response) -> str:
        """Where the task is told, also as the answer's `Location`."""
        status_url = f"{self.public_url.rstrip('/')}/v1/tasks/{task_id}"
        response.headers["Location"] = status_url
        return status_url

    def told(self, acceptance: Acceptance, caller: Caller, response: Response) -> Accepted:
        """The answer to whoever handed the file over, or had it retried; the audit log tells it too."""
        task_id, content = acceptance.data.task_id, acceptance.data.object
        verb = Verb.COMMAND if acceptance.data.retries else Verb.UPLOAD
        what = "dry run accepted" if acceptance.data.dry_run else "file accepted"
        audit.allowed(what, caller, verb, acceptance.data.datasource, task_id)
        status_url = self.point_to(task_id, response)
        return Accepted(task_id=task_id, status_url=status_url, size=content.size, content_digest=_digest(content))


def _digest(content: ObjectRef) -> str | None:
    return f"sha-256=:{b64encode(bytes.fromhex(content.sha256)).decode()}:" if content.sha256 else None


def _edge(request: Request) -> Edge:
    edge: Edge = request.app.state.edge
    return edge


At = Annotated[Edge, Depends(_edge)]


Known = Annotated[Caller, Depends(known)]


async def pace_uploads(edge: At, caller: Known, response: Response) -> None:
    await edge.uploads(caller, response)


async def pace_commands(edge: At, caller: Known, response: Response) -> None:
    await edge.commands(caller, response)
