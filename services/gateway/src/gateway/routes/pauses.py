"""`POST /v1/datasources/{datasource}/pause`, `/resume`: hold back what is to be loaded."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from gateway.errors import NoSuchDatasource
from gateway.routes.contracts import Datasource
from gateway.routes.edge import At, pace_commands
from gateway.routes.problems import documented
from sluice.auth import Caller, Verb, audit
from sluice.auth.access import at_least
from sluice.pauses import Pause

router = APIRouter(
    prefix="/v1/datasources/{datasource}",
    tags=["contracts"],
    dependencies=[Depends(pace_commands)],
    responses=documented(NoSuchDatasource),
)

Commander = Annotated[Caller, Depends(at_least(Verb.COMMAND))]
PAUSE: JsonValue = {"by": "ada", "at": "2026-03-04T05:06:07Z"}


class PausedAnswer(BaseModel):
    """Whether anything new of the datasource goes to Druid."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"datasource": "orders", "paused": PAUSE}]})

    datasource: str
    paused: Pause | None = Field(description="by whom and since when; null: it is not paused")


@router.post("/pause", summary="Let nothing new of a datasource go to Druid")
async def pause_datasource(*, edge: At, caller: Commander, datasource: Datasource) -> PausedAnswer:
    """It holds within a few seconds. Files are accepted and judged as before, and wait; what Druid has already goes on to its outcome."""
    pause = await edge.pausing.pause(datasource, caller.name)
    audit.allowed("datasource paused", caller, Verb.COMMAND, datasource)
    return PausedAnswer(datasource=datasource, paused=pause)


@router.post("/resume", summary="End the pause of a datasource")
async def resume_datasource(*, edge: At, caller: Commander, datasource: Datasource) -> PausedAnswer:
    """What waits is loaded in the order in which it was accepted."""
    await edge.pausing.resume(datasource, caller.name)
    audit.allowed("datasource resumed", caller, Verb.COMMAND, datasource)
    return PausedAnswer(datasource=datasource, paused=None)
