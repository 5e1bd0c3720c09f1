"""`GET /v1/limits`: what may be handed over, known before the upload."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from gateway.routes.edge import At, Known
from sluice.auth.refusals import DENIED
from sluice.events import DATASOURCE_PATTERN, FileFormat
from sluice.http import problem_answers

router = APIRouter(prefix="/v1/limits", tags=["limits"])


EXAMPLE: JsonValue = {
    "max_bytes": dict.fromkeys(map(str, FileFormat), 500_000_000),
    "max_unpacked_bytes": 2_000_000_000,
    "max_uploads": 16,
    "upload_rate": "600/minute",
    "command_rate": "600/minute",
    "max_backlog": 50_000,
    "body_patience": 60.0,
}


class Limits(BaseModel):
    """Sizes in decimal bytes. What stands here is for the caller who asks, on the datasource that he names."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [EXAMPLE]})

    max_bytes: dict[FileFormat, int] = Field(description="largest file of each format")
    max_unpacked_bytes: int = Field(description="what may come out of an XLSX file")
    max_uploads: int = Field(description="uploads of this caller at once")
    upload_rate: str = Field(description="files that this caller may hand over", examples=["600/minute"])
    command_rate: str = Field(description="other requests that change something", examples=["600/minute"])
    max_backlog: int = Field(description="accepted files that may wait for their outcome")
    body_patience: float = Field(description="seconds without a byte after which an upload is given up")


@router.get(
    "",
    summary="Show how large and how many files may be",
    responses={401: DENIED[401], **problem_answers("invalid-request", "dependency-unavailable")},
)
async def show_limits(
    *,
    edge: At,
    caller: Known,
    datasource: Annotated[
        str, Query(pattern=DATASOURCE_PATTERN, description="limits may differ", examples=["sales"])
    ] = "",
) -> Limits:
    return Limits(
        max_bytes={each: edge.limits.of(datasource, caller.name, each) for each in FileFormat},
        max_unpacked_bytes=edge.limits.unpacked,
        max_uploads=min(edge.admit.most, edge.admit.most_of_one),
        upload_rate=edge.uploads.rate,
        command_rate=edge.commands.rate,
        max_backlog=edge.admit.backlog.most,
        body_patience=edge.body_patience,
    )
