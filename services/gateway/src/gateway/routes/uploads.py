"""`PUT …/files/{filename}` with bare bytes, `POST …/files` with a form. Both end in the same answer."""

import re
from base64 import b64encode
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from gateway.domain.names import check_name
from gateway.ports import Acceptance
from gateway.routes.body import declared_size, read_body
from gateway.routes.form import OVERHEAD, open_form
from gateway.routes.problems import documented
from gateway.usecases import AcceptUpload, AdmitUpload, Offer
from sluice.events import ObjectRef

router = APIRouter(prefix="/v1/datasources/{datasource}/files", tags=["files"])

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x20-\x7e]+$",
        description="The same key with the same file is the same task, however often it is sent.",
        examples=["3f0c9a52-sales-2026-07"],
    ),
]
Digest = Annotated[
    str | None,
    Header(
        alias="Content-Digest",
        description="RFC 9530, `sha-256=:…:` over the body. If it is there, the bytes must agree with it.",
        examples=["sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"],
    ),
]
Corrects = Annotated[
    UUID | None,
    Query(
        description="The concluded task that this file corrects. If that one was rejected, send the whole file; if it succeeded in part, "
        "its rejected rows as they were handed back (`/v1/tasks/{task_id}/rejects`), mended. One correction at a time."
    ),
]
Datasource = Annotated[str, Path(description="Name of a datasource that has a contract.", examples=["sales"])]
BYTES = {"schema": {"type": "string", "format": "binary"}}
RAW_BODY = {"requestBody": {"required": True, "content": {"application/octet-stream": BYTES}}}
CORRECTS = {"type": "string", "format": "uuid", "description": "the same as the query parameter; stands before `file`"}
FORM = {"type": "object", "required": ["file"], "properties": {"corrects": CORRECTS, "file": BYTES["schema"]}}
FORM_BODY = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": FORM}}}}
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
        description="SHA-256 of the file as RFC 9530 writes it: hold it against your own"
    )


ANSWERS: dict[int | str, dict[str, Any]] = {
    202: {"headers": {"Location": {"description": "the same as status_url", "schema": {"type": "string"}}}},
    **documented(),
}


@dataclass(frozen=True, slots=True)
class Edge:
    """What the routes call on; the application puts it on its `state.edge`. `body_patience` in seconds."""

    admit: AdmitUpload
    accept: AcceptUpload
    public_url: str
    body_patience: float

    def told(self, acceptance: Acceptance, response: Response) -> Accepted:
        """The answer to whoever handed the file over."""
        task_id, content = acceptance.data.task_id, acceptance.data.object
        status_url = f"{self.public_url.rstrip('/')}/v1/tasks/{task_id}"
        response.headers["Location"] = status_url
        return Accepted(task_id=task_id, status_url=status_url, size=content.size, content_digest=digest_of(content))


def _edge(request: Request) -> Edge:
    edge: Edge = request.app.state.edge
    return edge


At = Annotated[Edge, Depends(_edge)]


# the name may hold slashes here so that a path in it is refused as such, not lost as an unknown route
@router.put(
    "/{filename:path}",
    summary="Hand over a file as bare bytes",
    status_code=202,
    responses=ANSWERS,
    openapi_extra=RAW_BODY,
)
async def put_file(
    *,
    edge: At,
    datasource: Datasource,
    filename: Annotated[str, Path(description="Its extension names the format.", examples=["sales.csv"])],
    request: Request,
    response: Response,
    key: Key = None,
    digest: Digest = None,
    corrects: Corrects = None,
) -> Accepted:
    contract = await edge.admit(datasource, declared_size(request))
    offer = Offer(contract, check_name(filename), key, corrects)
    with edge.admit.place():
        return edge.told(await edge.accept(offer, read_body(request, edge.body_patience), _sha256(digest)), response)


@router.post("", summary="Hand over a file in a form", status_code=202, responses=ANSWERS, openapi_extra=FORM_BODY)
async def post_file(
    *,
    edge: At,
    datasource: Datasource,
    request: Request,
    response: Response,
    key: Key = None,
    corrects: Corrects = None,
) -> Accepted:
    size = declared_size(request)
    contract = await edge.admit(datasource, size and max(0, size - OVERHEAD))
    with edge.admit.place():
        content_type = request.headers.get("content-type", "")
        form = await open_form(content_type, read_body(request, edge.body_patience))
        offer = Offer(contract, check_name(form.filename), key, form.corrects or corrects)
        return edge.told(await edge.accept(offer, form.content), response)


def digest_of(content: ObjectRef) -> str | None:
    """As `Content-Digest` writes it; None where the gateway has not read the bytes."""
    return f"sha-256=:{b64encode(bytes.fromhex(content.sha256)).decode()}:" if content.sha256 else None


def _sha256(content_digest: str | None) -> str | None:
    """The SHA-256 in a `Content-Digest`, in base64; other algorithms are ignored."""
    found = re.search(r"(?:^|,)\s*sha-256=:([^:]*):", content_digest or "")
    return found[1] if found else None
