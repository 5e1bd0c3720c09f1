"""`/v1/uploads`: files that come in several requests, by tus 1.0.0 with creation, checksum, expiration and termination."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from gateway.domain.names import check_name
from gateway.domain.resumable import ResumableUpload
from gateway.errors import InvalidTusRequest, ResumableRefused, UploadRefused
from gateway.routes.body import Stop, declared_size, read_body
from gateway.routes.edge import At, Edge, pace_commands, pace_uploads
from gateway.routes.problems import documented
from gateway.routes.tusdoor import PATH, VERSION
from gateway.routes.tusheaders import ALGORITHMS, CHUNK_TYPE, Metadata, agreeing, require_chunk
from gateway.usecases import Offer
from gateway.usecases.resumable import Standing
from sluice.auth import Caller, Verb, audit
from sluice.auth.access import at_least, require
from sluice.http import problem_answers

EXTENSIONS = ("creation", "creation-with-upload", "checksum", "expiration", "termination")
LARGEST = 2**53
GO_ON = "What has come is kept: ask for the offset by HEAD, and go on from there."

router = APIRouter(prefix=PATH, tags=["uploads"])
one = APIRouter(prefix=f"{PATH}/{{upload_id}}", tags=["uploads"])
Uploader = Annotated[Caller, Depends(at_least(Verb.UPLOAD))]
Version = Annotated[Literal["1.0.0"], Header(alias="Tus-Resumable", description="the version of tus")]
ChunkType = Annotated[str | None, Header(alias="Content-Type", description=CHUNK_TYPE, include_in_schema=False)]
Checksum = Annotated[
    str | None,
    Header(
        alias="Upload-Checksum",
        description=f"`<algorithm> <Base64>` over this body, by {', '.join(ALGORITHMS)}. A chunk that disagrees is dropped whole.",
        examples=["sha256 X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE="],
    ),
]
BODY: dict[str, Any] = {
    "requestBody": {
        "content": {CHUNK_TYPE: {"schema": {"type": "string", "format": "binary"}, "example": "sold_at,amount\n"}}
    },
}
REFUSALS = {**documented(ResumableRefused, UploadRefused), **problem_answers("tus-version-unsupported")}


UPLOAD_ID = "0197f3c2-7d51-7c3e-9a54-2f1f2c1b7a10"
EXAMPLE: JsonValue = {
    "url": f"http://127.0.0.1:8080{PATH}/{UPLOAD_ID}",
    "offset": 15,
    "expires_at": "2026-03-05T05:06:07Z",
    "task_id": UPLOAD_ID,
    "status_url": f"http://127.0.0.1:8080/v1/tasks/{UPLOAD_ID}",
}


class UploadCreated(BaseModel):
    """Where the upload stands; the same as the headers say. `task_id` and `status_url` once the file is accepted."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [EXAMPLE]})

    url: str = Field(description="of the upload, also in `Location`")
    offset: int = Field(description="the next byte that is wanted")
    expires_at: AwareDatetime
    task_id: UUID | None
    status_url: str | None


async def _upload(
    *,
    edge: At,
    caller: Uploader,
    upload_id: Annotated[UUID, Path(description="As the `Location` of the upload has it.", examples=[UPLOAD_ID])],
    _version: Version,
) -> ResumableUpload:
    upload = await edge.resumable.find(upload_id, caller.name)
    require(caller, Verb.UPLOAD, upload.contract.datasource)
    return upload


Of = Annotated[ResumableUpload, Depends(_upload)]


@router.options("", include_in_schema=False, status_code=204)
@one.options("", include_in_schema=False, status_code=204)
async def show_abilities(*, edge: At, response: Response) -> None:
    response.headers.update(
        {
            "Tus-Version": VERSION,
            "Tus-Extension": ",".join(EXTENSIONS),
            "Tus-Max-Size": str(edge.limits.largest),
            "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
        }
    )


@router.post(
    "",
    summary="Begin an upload in several requests",
    status_code=201,
    responses={
        201: {"headers": {"Location": {"description": "the same as `url`", "schema": {"type": "string"}}}},
        **REFUSALS,
    },
    openapi_extra=BODY,
    dependencies=[Depends(pace_uploads)],
)
async def create_upload(
    *,
    edge: At,
    caller: Uploader,
    request: Request,
    response: Response,
    metadata: Annotated[
        str,
        Header(
            alias="Upload-Metadata",
            max_length=4000,
            pattern=r"^[\x20-\x7e]*$",
            description="`filename` and `datasource`, also `corrects`, `idempotency_key` and `dry_run`: each with its value in Base64",
            examples=["filename c2FsZXMuY3N2,datasource c2FsZXM="],
        ),
    ],
    length: Annotated[
        int | None,
        Header(alias="Upload-Length", ge=0, le=LARGEST, description="bytes of the whole file", examples=[15]),
    ] = None,
    checksum: Checksum = None,
    _version: Version,
) -> UploadCreated:
    """A body that comes along is the beginning of the file, or all of it."""
    if length is None:
        raise InvalidTusRequest("Upload-Length must say how long the file is; it cannot be said later.")
    said = Metadata.parse(metadata)
    require(caller, Verb.UPLOAD, said.datasource)
    name = check_name(said.filename)
    contract = await edge.admit(said.datasource, length, caller.name, name.format)
    offer = Offer(contract, name, said.idempotency_key, said.corrects, caller.name, dry_run=said.dry_run)
    if not _has_body(request):
        upload, standing = await edge.resumable.create(offer, length, metadata), Standing(0)
    else:
        with edge.admit.place(caller.name):
            chunk = await _chunk(edge, request, checksum)
            upload = await edge.resumable.create(offer, length, metadata)
            standing = await edge.resumable.append(upload, 0, chunk.body, chunk.stop)
    return _created(edge, caller, upload, standing, response)


@one.head("", summary="Ask for the next byte that is wanted", response_class=Response, responses=REFUSALS)
async def show_upload(*, edge: At, caller: Uploader, upload: Of) -> Response:
    """Whoever is sending at the moment is stopped, so that what has arrived of it counts."""
    response = Response()
    _tell(edge, caller, upload, await edge.resumable.look(upload), response)
    response.headers.update(
        {"Upload-Length": str(upload.length), "Upload-Metadata": upload.metadata, "Cache-Control": "no-store"}
    )
    return response


@one.patch("", summary="Go on with an upload", status_code=204, responses=REFUSALS, openapi_extra=BODY)
async def append_to_upload(
    *,
    edge: At,
    caller: Uploader,
    upload: Of,
    request: Request,
    response: Response,
    offset: Annotated[
        int, Header(alias="Upload-Offset", ge=0, le=LARGEST, description="of the first byte of the body", examples=[0])
    ],
    checksum: Checksum = None,
) -> None:
    """With the last byte the file is accepted: `Sluice-Task-Id` and `Sluice-Status-Url` name its task."""
    with edge.admit.place(caller.name):
        chunk = await _chunk(edge, request, checksum)
        standing = await edge.resumable.append(upload, offset, chunk.body, chunk.stop)
    _tell(edge, caller, upload, standing, response)


@one.delete(
    "",
    summary="Give an upload up",
    status_code=204,
    responses=REFUSALS,
    dependencies=[Depends(pace_commands)],
)
async def terminate_upload(*, edge: At, upload: Of) -> None:
    """What has come is removed. An upload that is complete has become a task, which can be cancelled."""
    await edge.resumable.terminate(upload)


@dataclass(frozen=True, slots=True)
class _Chunk:
    body: AsyncIterator[bytes]
    stop: Stop


async def _chunk(edge: Edge, request: Request, checksum: str | None) -> _Chunk:
    """Raises WrongMediaType, and what a checksum is refused for."""
    require_chunk(request.headers.get("content-type"))
    stop = Stop()
    body = read_body(request, edge.body_patience, stop, GO_ON)
    return _Chunk(body if checksum is None else await agreeing(body, checksum), stop)


def _has_body(request: Request) -> bool:
    return (
        declared_size(request) != 0 if "content-length" in request.headers else "transfer-encoding" in request.headers
    )


def _created(
    edge: Edge, caller: Caller, upload: ResumableUpload, standing: Standing, response: Response
) -> UploadCreated:
    _tell(edge, caller, upload, standing, response)
    url = f"{edge.public_url.rstrip('/')}{PATH}/{upload.upload_id}"
    response.headers["Location"] = url
    return UploadCreated(
        url=url,
        offset=standing.offset,
        expires_at=upload.expires_at,
        task_id=standing.finished.task_id if standing.finished else None,
        status_url=response.headers.get("Sluice-Status-Url"),
    )


def _tell(edge: Edge, caller: Caller, upload: ResumableUpload, standing: Standing, response: Response) -> None:
    """Where the upload stands, in headers; the audit log is told of the task."""
    response.headers["Upload-Offset"] = str(standing.offset)
    response.headers["Upload-Expires"] = format_datetime(upload.expires_at, usegmt=True)
    if standing.finished:
        task_id = standing.finished.task_id
        response.headers["Sluice-Task-Id"] = str(task_id)
        response.headers["Sluice-Status-Url"] = f"{edge.public_url.rstrip('/')}/v1/tasks/{task_id}"
        if standing.finished.just_now:
            audit.allowed("file accepted", caller, Verb.UPLOAD, upload.contract.datasource, task_id)
