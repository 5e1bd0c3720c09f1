"""Which datasources there are, and which versions of their contracts."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TypeVar

import structlog

from gateway.errors import NoSuchDatasource
from gateway.ports import ContractReader, Versions
from gateway.usecases.contracts import invalid, unknown_version
from sluice.contracts import Activation, Contract, Version, document_json
from sluice.errors import ContractInvalid, ObjectMissing
from sluice.events import ContractRef

log = structlog.get_logger()
T = TypeVar("T")

AT_ONCE = 32
"""Questions to the storage that one listing asks at the same time."""

SHOWN_ACTIVATIONS = 20
SHOWN_VERSIONS = 1_000


@dataclass(frozen=True, slots=True)
class Datasource:
    """`contract`: the one in force; None where there is none, or where it cannot be read any more. `history`: the latest first."""

    name: str
    active: ContractRef | None
    contract: Contract | None
    versions: list[Version]
    history: list[Activation]


@dataclass(frozen=True, slots=True)
class ReadContracts:
    """All methods raise Transient."""

    versions: Versions
    contracts: ContractReader

    async def text(self, address: ContractRef) -> bytes:
        """A version as it was put. Raises UnknownVersion."""
        try:
            return await self.versions.read(address)
        except ObjectMissing as error:
            raise unknown_version() from error

    async def json(self, address: ContractRef) -> str:
        """The same as JSON. Raises UnknownVersion, InvalidContract."""
        try:
            return await asyncio.to_thread(document_json, await self.text(address))
        except ContractInvalid as error:
            raise invalid(error) from error

    async def of(self, datasource: str, after: str, most: int) -> list[Version]:
        """At most so many versions behind `after`. Raises NoSuchDatasource."""
        found = await _first(self.versions.of(datasource, after), most)
        if not found and not await self._exists(datasource):
            raise NoSuchDatasource(
                "There is no datasource of that name. One begins with its first contract: "
                "PUT …/datasources/{datasource}/contracts/{version}."
            )
        return found

    async def active(self, datasource: str) -> str | None:
        """The version in force."""
        active = await self.contracts.active(datasource)
        return active.version if active else None

    async def datasource(self, name: str) -> Datasource:
        """Raises NoSuchDatasource."""
        versions = await self.of(name, "", SHOWN_VERSIONS)
        active = await self.contracts.active(name)
        history = await self.versions.history(name, SHOWN_ACTIVATIONS)
        return Datasource(name, active, await self._readable(active), versions, history)

    async def datasources(
        self, allowed: frozenset[str] | None, after: str, most: int
    ) -> list[tuple[str, ContractRef | None]]:
        """At most so many of those that are allowed, or of all, with the version in force."""
        names = await _first(self._names(allowed, after), most)
        places = asyncio.Semaphore(AT_ONCE)

        async def active(name: str) -> ContractRef | None:
            async with places:
                return await self.contracts.active(name)

        return list(zip(names, await asyncio.gather(*map(active, names)), strict=True))

    async def _names(self, allowed: frozenset[str] | None, after: str) -> AsyncIterator[str]:
        if allowed is None:
            async for name in self.versions.datasources(after):
                yield name
            return
        for name in sorted(allowed, key=_as_folder):  # the order in which all of them are listed
            if _as_folder(name) > _as_folder(after) and await self._exists(name):
                yield name

    async def _exists(self, datasource: str) -> bool:
        """Has it any contract, in force or not?"""
        if await self.contracts.active(datasource):
            return True
        return bool(await _first(self.versions.of(datasource), 1))

    async def _readable(self, active: ContractRef | None) -> Contract | None:
        if active is None:
            return None
        try:
            return await self.contracts.get(active)
        except (ObjectMissing, ContractInvalid):
            log.warning("the active contract cannot be read", **active.model_dump())
            return None


async def _first(items: AsyncIterator[T], most: int) -> list[T]:
    found = []
    async for item in items:
        found.append(item)
        if len(found) >= most:
            break
    return found


def _as_folder(name: str) -> str:
    return f"{name}/"
