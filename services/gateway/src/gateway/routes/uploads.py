"""`PUT …/files/{filename}` with bare bytes, `POST …/files` with a form. Both end in the same answer."""

import re
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from gateway.domain.names import check_name
from gateway.errors import UploadRefused
from gateway.routes.body import declared_size, read_body
from gateway.routes.edge import Accepted, At, pace_uploads
from gateway.routes.form import OVERHEAD, open_form
from gateway.routes.problems import documented
from gateway.usecases import Offer
from sluice.auth import Caller, Verb
from sluice.auth.access import at_least

router = APIRouter(prefix="/v1/datasources/{datasource}/files", tags=["files"], dependencies=[Depends(pace_uploads)])

TASK = "0197f3c2-7d51-7c3e-9a54-2f1f2c1b7a10"

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
        "its rejected rows as they were handed back (`/v1/tasks/{task_id}/rejects`), mended. One correction at a time.",
        examples=[TASK],
    ),
]
DryRun = Annotated[
    bool,
    Query(
        description="Judge the file and say what loading it would do, but load nothing. Under an Idempotency-Key of a dry run "
        "the file itself may follow."
    ),
]
Datasource = Annotated[str, Path(description="Name of a datasource that has a contract.", examples=["sales"])]
Uploader = Annotated[Caller, Depends(at_least(Verb.UPLOAD))]
ROWS = "sold_at,amount\n2026-03-04T05:06:07Z,12.5\n"
BYTES = {"schema": {"type": "string", "format": "binary"}, "example": ROWS}
RAW_BODY = {"requestBody": {"required": True, "content": {"application/octet-stream": BYTES}}}
CORRECTS = {"type": "string", "format": "uuid", "description": "the same as the query parameter; stands before `file`"}
FORM = {"type": "object", "required": ["file"], "properties": {"corrects": CORRECTS, "file": BYTES["schema"]}}
FORM_BODY = {
    "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": FORM, "example": {"file": ROWS}}}}
}
ANSWERS: dict[int | str, dict[str, Any]] = {
    202: {"headers": {"Location": {"description": "the same as status_url", "schema": {"type": "string"}}}},
    **documented(UploadRefused),
}


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
    caller: Uploader,
    datasource: Datasource,
    filename: Annotated[str, Path(description="Its extension names the format.", examples=["sales.csv"])],
    request: Request,
    response: Response,
    key: Key = None,
    digest: Digest = None,
    corrects: Corrects = None,
    dry_run: DryRun = False,
) -> Accepted:
    name = check_name(filename)
    contract = await edge.admit(datasource, declared_size(request), caller.name, name.format)
    offer = Offer(contract, name, key, corrects, caller.name, dry_run=dry_run)
    with edge.admit.place(caller.name):
        accepted = await edge.accept(offer, read_body(request, edge.body_patience), _sha256(digest))
        return edge.told(accepted, caller, response)


@router.post("", summary="Hand over a file in a form", status_code=202, responses=ANSWERS, openapi_extra=FORM_BODY)
async def post_file(
    *,
    edge: At,
    caller: Uploader,
    datasource: Datasource,
    request: Request,
    response: Response,
    key: Key = None,
    corrects: Corrects = None,
    dry_run: DryRun = False,
) -> Accepted:
    size = declared_size(request)
    contract = await edge.admit(datasource, size and max(0, size - OVERHEAD), caller.name)
    with edge.admit.place(caller.name):
        content_type = request.headers.get("content-type", "")
        form = await open_form(content_type, read_body(request, edge.body_patience))
        name, corrects = check_name(form.filename), form.corrects or corrects
        offer = Offer(contract, name, key, corrects, caller.name, dry_run=dry_run)
        return edge.told(await edge.accept(offer, form.content), caller, response)


def _sha256(content_digest: str | None) -> str | None:
    """The SHA-256 in a `Content-Digest`, in base64; other algorithms are ignored."""
    found = re.search(r"(?:^|,)\s*sha-256=:([^:]*):", content_digest or "")
    return found[1] if found else None
