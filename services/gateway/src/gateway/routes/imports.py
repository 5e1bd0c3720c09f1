"""`POST …/imports`: hand over a file that lies on S3 already."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from gateway.domain.names import check_name
from gateway.routes.body import read_body
from gateway.routes.edge import Accepted, At, pace_uploads
from gateway.routes.uploads import ANSWERS, Datasource, Key, Uploader
from gateway.usecases import Offer
from sluice.events import ObjectRef
from sluice.events.values import Count, S3Uri
from sluice.objectstore import bare_etag

router = APIRouter(prefix="/v1/datasources/{datasource}/imports", tags=["files"], dependencies=[Depends(pace_uploads)])

MOST = 65_536
"""Bytes of a request."""

EXAMPLE: JsonValue = {"uri": "s3://landing/erp/sales-2026-07.csv", "etag": "9b2cf535f27731c974343645a3985328"}


class Import(BaseModel):
    """Where the file lies. What is said beside that must be true of it: size and ETag now, the SHA-256 when it is validated."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    uri: S3Uri = Field(description="`s3://bucket/key`; the key as it stands on S3, not percent-encoded")
    filename: str | None = Field(
        default=None, min_length=1, max_length=255, description="its extension names the format; else that of the key"
    )
    size: Count | None = Field(default=None, description="bytes")
    etag: Annotated[str, AfterValidator(bare_etag)] | None = Field(default=None, min_length=1, max_length=128)
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$", description="in hexadecimal digits")
    corrects: UUID | None = Field(default=None, description="as with an upload: the concluded task that it corrects")
    dry_run: bool = Field(default=False, description="judge it and say what loading it would do, but load nothing")

    @property
    def name(self) -> str:
        return self.filename or self.uri.rpartition("/")[2]

    @property
    def content(self) -> ObjectRef:
        return ObjectRef(uri=self.uri, size=self.size, etag=self.etag, sha256=self.sha256)


BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": Import.model_json_schema()}}}
}


@router.post(
    "",
    summary="Hand over a file that lies on S3 already",
    status_code=202,
    responses=ANSWERS,
    openapi_extra=BODY,
)
async def import_file(
    *,
    edge: At,
    caller: Uploader,
    datasource: Datasource,
    request: Request,
    response: Response,
    key: Key = None,
) -> Accepted:
    """It is held against the same limits as an upload, and read from where it lies. Leave it there until its task has ended."""
    asked = await _asked(request, edge.body_patience)
    name = check_name(asked.name)
    contract = await edge.admit(datasource, asked.size, caller.name, name.format)
    offer = Offer(contract, name, key, asked.corrects, caller.name, dry_run=asked.dry_run)
    with edge.admit.place(caller.name):
        return edge.told(await edge.import_file(offer, asked.content), caller, response)


async def _asked(request: Request, patience: float) -> Import:
    """Raises RequestValidationError, also for a body of more than MOST bytes, of which no more is read."""
    body = bytearray()
    async for chunk in read_body(request, patience):
        body += chunk
        if len(body) > MOST:
            raise RequestValidationError(
                [{"loc": ("body",), "msg": f"has more than {MOST:,} bytes", "type": "too_long"}]
            )
    try:
        return Import.model_validate_json(bytes(body))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([{**fault, "loc": ("body", *fault["loc"])} for fault in faults]) from error
