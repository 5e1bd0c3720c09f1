"""`/v1/datasources`: which there are, what is in force there, and which versions of contracts they have."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from gateway.errors import NoSuchDatasource
from gateway.routes.contracts import READ, Datasource
from gateway.routes.edge import At
from gateway.routes.problems import documented
from sluice.auth import Caller, Verb
from sluice.auth.access import at_least
from sluice.contracts import Activation, Dialect, DruidTarget, Version
from sluice.events import DATASOURCE_PATTERN, VERSION_PATTERN
from sluice.pauses import Pause

router = APIRouter(prefix="/v1/datasources", tags=["contracts"])

Limit = Annotated[int, Query(ge=1, le=1000, description="Most entries of the page.")]
VERSION: JsonValue = {"version": "1.0.0", "put_at": "2026-03-04T05:06:07Z", "active": True}


class DatasourceEntry(BaseModel):
    datasource: str
    active: str | None = Field(description="the version in force; null: files are refused until one is activated")


class DatasourcesAnswer(BaseModel):
    """Those that the caller may read."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"datasources": [{"datasource": "orders", "active": "1.0.0"}], "next": "orders"}]
        }
    )

    datasources: list[DatasourceEntry]
    next: str | None = Field(description="`after` of the next page; null on the last")


class VersionEntry(BaseModel):
    version: str
    put_at: datetime
    active: bool = Field(description="it is in force")

    @classmethod
    def of(cls, version: Version, active: str | None) -> "VersionEntry":
        return cls(version=version.version, put_at=version.put_at, active=version.version == active)


class VersionsAnswer(BaseModel):
    """By the characters of their names: 1.10.0 stands before 1.9.0."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"contracts": [VERSION], "next": "1.0.0"}]})

    contracts: list[VersionEntry]
    next: str | None = Field(description="`after` of the next page; null on the last")


class DatasourceAnswer(BaseModel):
    """What holds for files that are handed over now."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "datasource": "orders",
                    "active": "1.0.0",
                    "columns": ["sold_at", "amount"],
                    "druid": {"time_column": "sold_at", "segment_granularity": "day"},
                    "dialect": {"delimiter": ",", "decimal": "."},
                    "contracts": [VERSION],
                    "paused": {"by": "ada", "at": "2026-03-04T05:06:07Z"},
                    "activations": [{"version": "1.0.0", "before": "0.9.0", "at": "2026-03-04T05:06:07Z", "by": "ada"}],
                }
            ]
        }
    )

    datasource: str
    active: str | None = Field(description="the version in force; null: files are refused until one is activated")
    columns: list[str] | None = Field(
        description="of the contract in force; null where there is none, or it cannot be read"
    )
    druid: DruidTarget | None = Field(description="where and how the rows are kept")
    dialect: Dialect | None = Field(description="how a CSV file is written, and where a spreadsheet's table stands")
    contracts: list[VersionEntry] = Field(description="at most 1,000; the others at …/contracts")
    paused: Pause | None = Field(
        description="nothing new goes to Druid: by whom and since when; null: it is not paused"
    )
    activations: list[Activation] = Field(description="the last 20, the latest first")


@router.get("", summary="List the datasources that the caller may read", responses=documented())
async def list_datasources(
    *,
    edge: At,
    caller: Annotated[Caller, Depends(at_least(Verb.READ))],
    after: Annotated[
        str, Query(pattern=f"^$|{DATASOURCE_PATTERN}", description="`next` of the page before", examples=["orders"])
    ] = "",
    limit: Limit = 100,
) -> DatasourcesAnswer:
    found = await edge.read_contracts.datasources(caller.datasources(Verb.READ), after, limit + 1)
    entries = [DatasourceEntry(datasource=name, active=active and active.version) for name, active in found[:limit]]
    return DatasourcesAnswer(datasources=entries, next=entries[-1].datasource if len(found) > limit else None)


@router.get("/{datasource}", summary="Show a datasource", dependencies=READ, responses=documented(NoSuchDatasource))
async def show_datasource(*, edge: At, datasource: Datasource) -> DatasourceAnswer:
    found = await edge.read_contracts.datasource(datasource)
    active, contract = found.active.version if found.active else None, found.contract
    return DatasourceAnswer(
        datasource=found.name,
        active=active,
        columns=list(contract.columns) if contract else None,
        druid=contract and contract.druid,
        dialect=contract and contract.dialect,
        contracts=[VersionEntry.of(each, active) for each in found.versions],
        paused=await edge.pausing.find(datasource),
        activations=found.history,
    )


@router.get(
    "/{datasource}/contracts",
    summary="List the versions of a datasource's contract",
    dependencies=READ,
    responses=documented(NoSuchDatasource),
)
async def list_contracts(
    *,
    edge: At,
    datasource: Datasource,
    after: Annotated[
        str, Query(pattern=f"^$|{VERSION_PATTERN}", description="`next` of the page before", examples=["1.0.0"])
    ] = "",
    limit: Limit = 100,
) -> VersionsAnswer:
    found = await edge.read_contracts.of(datasource, after, limit + 1)
    active = await edge.read_contracts.active(datasource)
    entries = [VersionEntry.of(each, active) for each in found[:limit]]
    return VersionsAnswer(contracts=entries, next=entries[-1].version if len(found) > limit else None)
