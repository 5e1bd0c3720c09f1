"""`/v1/datasources/{datasource}/contracts`: the versions of a datasource's contract, and which one is in force."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from gateway.errors import (
    ContractTooLarge,
    InvalidContract,
    MisplacedContract,
    OtherVersionActive,
    UnknownVersion,
    UploadIncomplete,
    UploadStalled,
    VersionTaken,
)
from gateway.routes.body import declared_size, read_body
from gateway.routes.contractanswers import DOCUMENT, ActivatedAnswer, PutAnswer, changes_of
from gateway.routes.edge import At, Edge, pace_commands
from gateway.routes.problems import documented
from gateway.usecases.contracts import Activated
from sluice.accept import prefers
from sluice.auth import Caller, Verb, audit
from sluice.auth.access import at_least
from sluice.contracts.source import MAX_BYTES
from sluice.events import DATASOURCE_PATTERN, VERSION_PATTERN, ContractRef

router = APIRouter(prefix="/v1/datasources/{datasource}/contracts/{version}", tags=["contracts"])

YAML = "application/yaml"
Datasource = Annotated[
    str, Path(pattern=DATASOURCE_PATTERN, description="Name of the datasource.", examples=["orders"])
]
READ = [Depends(at_least(Verb.READ))]
Manager = Annotated[Caller, Depends(at_least(Verb.MANAGE))]
Expected = Annotated[
    str | None,
    Query(
        pattern=f"^$|{VERSION_PATTERN}",
        description="The version that must be in force at this moment, so that two people do not overwrite each other; empty: none.",
        examples=["1.0.0"],
    ),
]


def _address(
    datasource: Datasource,
    version: Annotated[str, Path(pattern=VERSION_PATTERN, description="Version of the contract.", examples=["1.0.0"])],
) -> ContractRef:
    return ContractRef(datasource=datasource, version=version)


Address = Annotated[ContractRef, Depends(_address)]


@router.get(
    "",
    summary="Fetch a version of a contract",
    description="The YAML as it was put; with `Accept: application/json` the same document as JSON.",
    response_class=Response,
    dependencies=READ,
    responses={
        200: {"content": {YAML: DOCUMENT, "application/json": DOCUMENT}},
        **documented(UnknownVersion, InvalidContract),
    },
)
async def fetch_contract(*, edge: At, address: Address, accept: Annotated[str, Header()] = "") -> Response:
    headers = {"Vary": "Accept", "X-Content-Type-Options": "nosniff", "Cache-Control": "private"}
    if prefers(accept, "application/json", YAML):
        return Response(await edge.read_contracts.json(address), media_type="application/json", headers=headers)
    return Response(await edge.read_contracts.text(address), media_type=YAML, headers=headers)


@router.put(
    "",
    summary="Put a version of a contract",
    description="It is checked, compared with the version in force, and kept; it takes effect only when it is activated. A version never "
    "changes: the same content again is `200`, other content `409`. A datasource begins with its first contract.",
    dependencies=[Depends(pace_commands)],
    responses={
        200: {"description": "The very same version was there already, or `dry_run`."},
        201: {"model": PutAnswer, "description": "The version is new, and kept."},
        **documented(
            InvalidContract,
            MisplacedContract,
            ContractTooLarge,
            VersionTaken,
            OtherVersionActive,
            UploadIncomplete,
            UploadStalled,
        ),
    },
    openapi_extra={"requestBody": {"required": True, "content": {YAML: DOCUMENT}}},
)
async def put_contract(
    *,
    edge: At,
    caller: Manager,
    address: Address,
    request: Request,
    response: Response,
    dry_run: Annotated[bool, Query(description="Check and compare only; nothing is kept.")] = False,
    activate: Annotated[bool, Query(description="Put it in force as well.")] = False,
    expected: Expected = None,
) -> PutAnswer:
    put = await edge.put_contract(address, await _read(request, edge.body_patience), dry_run=dry_run)
    effect, active = put.effect, put.active
    if put.created and not dry_run:
        response.status_code = 201
        audit.allowed("contract put", caller, Verb.MANAGE, address.datasource, version=address.version)
    if activate and not dry_run:
        effect, active = (await _activated(edge, caller, address, expected)).effect, True
    return PutAnswer(**address.model_dump(), created=put.created, active=active, **changes_of(effect))


@router.post(
    "/activate",
    summary="Put a version of a contract in force",
    description="Files accepted from now on are held against it, those before keep theirs. An older version may be activated again.",
    dependencies=[Depends(pace_commands)],
    responses=documented(UnknownVersion, InvalidContract, OtherVersionActive),
)
async def activate_contract(
    *, edge: At, caller: Manager, address: Address, expected: Expected = None
) -> ActivatedAnswer:
    activated = await _activated(edge, caller, address, expected)
    return ActivatedAnswer(datasource=address.datasource, **dict(activated.activation), **changes_of(activated.effect))


async def _activated(edge: Edge, caller: Caller, address: ContractRef, expected: str | None) -> Activated:
    activated = await edge.activate_contract(address, caller.name, expected)
    audit.allowed("contract activated", caller, Verb.MANAGE, address.datasource, version=address.version)
    return activated


async def _read(request: Request, patience: float) -> bytes:
    """Raises ContractTooLarge, UploadIncomplete, UploadStalled."""
    body = bytearray()
    if (declared_size(request) or 0) > MAX_BYTES:
        raise _too_large()
    async for chunk in read_body(request, patience):
        body += chunk
        if len(body) > MAX_BYTES:
            raise _too_large()
    return bytes(body)


def _too_large() -> ContractTooLarge:
    return ContractTooLarge(f"A contract may have {MAX_BYTES:,} bytes at most. Leave out what no rule needs.")
