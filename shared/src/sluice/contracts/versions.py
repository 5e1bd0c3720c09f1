"""Versions of contracts on S3, and which of them is in force.

A version never changes. Activations are numbered 1, 2, …, each create-only: their order decides, and what was in force when stays known.
The object `active`, which readers ask, follows the last of them.
"""

import re
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from pydantic import AwareDatetime, Field, ValidationError

from sluice.clock import Clock
from sluice.errors import ContractInvalid, ObjectExists, ObjectMissing, Permanent, Undecodable
from sluice.events import DATASOURCE_PATTERN, VERSION_PATTERN, ContractRef
from sluice.events.values import Value
from sluice.ledger import (
    CONTRACT,
    activation_key,
    activation_prefix,
    active_contract_key,
    contract_key,
    contract_prefix,
    contracts_prefix,
)
from sluice.objectstore import ObjectStore


class VersionExists(ContractInvalid):
    """The version stands there with other content."""


class ActiveChanged(Permanent):
    """Another version is in force than was expected: `active`; None, if none is."""

    def __init__(self, active: str | None) -> None:
        super().__init__(f"{active or 'no version'} is in force")
        self.active = active


class Activation(Value):
    """A version was put in force, in the place of `before`; None for the first."""

    version: str
    before: str | None
    at: AwareDatetime
    by: str = Field(description="the caller who asked for it")


@dataclass(frozen=True, slots=True)
class Version:
    version: str
    put_at: datetime


@dataclass(frozen=True, slots=True)
class ContractVersions:
    """All methods raise Transient while S3 does not answer, and may be repeated."""

    store: ObjectStore
    clock: Clock

    async def put(self, reference: ContractRef, body: bytes) -> bool:
        """Put a version, once; False: it stands there already. Raises VersionExists."""
        key = contract_key(reference.datasource, reference.version)
        try:
            await self.store.create(key, body, "application/yaml")
        except ObjectExists:
            return await self.is_new(reference, body)
        return True

    async def is_new(self, reference: ContractRef, body: bytes) -> bool:
        """Would putting it change anything? Raises VersionExists."""
        try:
            stands = await self.read(reference)
        except ObjectMissing:
            return True
        if stands != body:
            raise VersionExists(
                f"version {reference.version} of {reference.datasource} exists with other content; "
                "give the new one a new version"
            )
        return False

    async def read(self, reference: ContractRef) -> bytes:
        """The version as it was put. Raises ObjectMissing."""
        return await self.store.get(contract_key(reference.datasource, reference.version))

    async def of(self, datasource: str, after: str = "") -> AsyncIterator[Version]:
        """Those behind the version `after`, by the characters of their names: 1.10.0 stands before 1.9.0."""
        prefix = contract_prefix(datasource)
        async for info in self.store.list(prefix, contract_key(datasource, after) if after else ""):
            name = info.key.removeprefix(prefix)
            version = name.removesuffix(CONTRACT)
            if version != name and re.fullmatch(VERSION_PATTERN, version):
                yield Version(version, info.written_at)

    async def datasources(self, after: str = "") -> AsyncIterator[str]:
        """Whatever has a contract, in force or not, behind the name `after`, as S3 orders their keys: `a-b` before `a`."""
        async for name in self.store.folders(contracts_prefix(), after):
            if re.fullmatch(DATASOURCE_PATTERN, name):
                yield name

    async def activate(self, new: ContractRef, by: str, expected: str | None = None) -> Activation:
        """Put a version that stands there in force. Asked again, it is the same activation until another one follows.

        Of many at once each has its turn, and the last one stays. Raises ActiveChanged where `expected` is not what was in force
        before; `""` stands for none.
        """
        while True:
            number, last = await self._latest(new.datasource)
            if last and last.version == new.version:
                await self._show(new.datasource)
                return last
            before = last.version if last else await self._shown(new.datasource)
            if expected not in {None, before or ""}:
                raise ActiveChanged(before)
            before = before if before != new.version else None
            ours = Activation(version=new.version, before=before, at=self.clock(), by=by)
            if await self._claim(new.datasource, number + 1, ours):
                await self._show(new.datasource)
                return ours

    async def history(self, datasource: str, most: int) -> list[Activation]:
        """The last activations, the latest first."""
        numbers = await self._last(datasource, most)
        return [await self._activation(datasource, number) for number in reversed(numbers)]

    async def _show(self, datasource: str) -> None:
        """Let readers know of the last activation; again, where one has come meanwhile whose news ours may have covered."""
        shown = 0
        while True:
            number, last = await self._latest(datasource)
            if last is None or number == shown:
                return
            await self.store.put(active_contract_key(datasource), last.version.encode(), "text/plain")
            shown = number

    async def _shown(self, datasource: str) -> str | None:
        try:
            return (await self.store.get(active_contract_key(datasource))).decode().strip()
        except ObjectMissing:
            return None

    async def _claim(self, datasource: str, number: int, activation: Activation) -> bool:
        try:
            document = activation.model_dump_json().encode()
            await self.store.create(activation_key(datasource, number), document, "application/json")
        except ObjectExists:
            return False
        return True

    async def _latest(self, datasource: str) -> tuple[int, Activation | None]:
        """Number and activation; 0 and None where there is none yet."""
        for number in await self._last(datasource, 1):
            return number, await self._activation(datasource, number)
        return 0, None

    async def _last(self, datasource: str, most: int) -> deque[int]:
        """Numbers of the last activations, in their order."""
        numbers: deque[int] = deque(maxlen=most)
        async for number in self._numbers(datasource):
            numbers.append(number)
        return numbers

    async def _numbers(self, datasource: str) -> AsyncIterator[int]:
        prefix = activation_prefix(datasource)
        async for info in self.store.list(prefix):
            if found := re.fullmatch(r"([0-9]{8})\.json", info.key.removeprefix(prefix)):
                yield int(found[1])

    async def _activation(self, datasource: str, number: int) -> Activation:
        document = await self.store.get(activation_key(datasource, number))
        try:
            return Activation.model_validate_json(document)
        except ValidationError as error:
            raise Undecodable("an activation of a contract should stand here") from error
