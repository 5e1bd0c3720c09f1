"""Contracts by API: put a version, put it in force. What there is, is told by `datasources`."""

import asyncio
from dataclasses import dataclass

import structlog

from gateway.errors import (
    InvalidContract,
    MisplacedContract,
    OtherVersionActive,
    UnknownVersion,
    VersionTaken,
)
from gateway.ports import ContractReader, Versions
from sluice.contracts import (
    Activation,
    ActiveChanged,
    Change,
    Contract,
    ContractFaulty,
    VersionExists,
    faults_of,
    load_contract,
)
from sluice.errors import ContractInvalid, ObjectMissing
from sluice.events import ContractRef
from sluice.proof import ProveStorage

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Effect:
    """What a version changes against the one that it takes the place of; None where there is none, or none that can be read."""

    against: str | None
    changes: tuple[Change, ...] = ()

    @property
    def breaking(self) -> bool:
        return any(change.breaking for change in self.changes)


@dataclass(frozen=True, slots=True)
class Put:
    """`created`: the version was not there before. `active`: it is in force."""

    created: bool
    active: bool
    effect: Effect


@dataclass(frozen=True, slots=True)
class PutContract:
    storage: ProveStorage
    versions: Versions
    contracts: ContractReader

    async def __call__(self, address: ContractRef, body: bytes, *, dry_run: bool = False) -> Put:
        """Check and keep a version; `dry_run`: only say what would come of it.

        Raises InvalidContract, MisplacedContract, VersionTaken, Transient.
        """
        self.storage.require()
        contract = await _loaded(body)
        _require_place(contract, address)
        try:
            created = await (self.versions.is_new if dry_run else self.versions.put)(address, body)
        except VersionExists as error:
            raise VersionTaken(
                f"Version {address.version} of {address.datasource} is there with other content, and a version never changes. "
                "Give this one a new version."
            ) from error
        active = await self.contracts.active(address.datasource)
        return Put(created, active == address, await _effect(self.contracts, active, contract))


@dataclass(frozen=True, slots=True)
class Activated:
    activation: Activation
    effect: Effect


@dataclass(frozen=True, slots=True)
class ActivateContract:
    storage: ProveStorage
    versions: Versions
    contracts: ContractReader

    async def __call__(self, address: ContractRef, by: str, expected: str | None = None) -> Activated:
        """Put a version in force that is there, an older one too.

        Raises UnknownVersion, InvalidContract, OtherVersionActive, Transient.
        """
        self.storage.require()
        contract = await self._found(address)
        try:
            activation = await self.versions.activate(address, by, expected)
        except ActiveChanged as error:
            raise OtherVersionActive(
                f"In force is {error.active or 'none'}, and not what was expected. Look at it, then decide again.",
                active=error.active,
            ) from error
        self.contracts.changed(address)
        log.info("contract activated", **address.model_dump(), before=activation.before, caller=by)
        before = address.model_copy(update={"version": activation.before}) if activation.before else None
        return Activated(activation, await _effect(self.contracts, before, contract))

    async def _found(self, address: ContractRef) -> Contract:
        try:
            return await self.contracts.get(address)
        except ObjectMissing as error:
            raise unknown_version() from error
        except ContractInvalid as error:
            raise invalid(error) from error


def unknown_version() -> UnknownVersion:
    return UnknownVersion("The datasource has no contract of this version. GET …/contracts lists those that there are.")


async def _loaded(body: bytes) -> Contract:
    try:
        return await asyncio.to_thread(
            load_contract, body
        )  # a second of work for the largest; others are served meanwhile
    except ContractInvalid as error:
        raise invalid(error) from error


def invalid(error: ContractInvalid) -> InvalidContract:
    """With the faults as members of the answer."""
    faults = [{"line": each.line, "path": each.place, "message": each.message} for each in faults_of(error)]
    count = error.count if isinstance(error, ContractFaulty) else 1
    more = f" There are {count} faults; see `faults`." if count > 1 else ""
    first = "Line {line}: {path}: {message}.".format(**faults[0])
    return InvalidContract(first + more, faults=faults, count=count)


def _require_place(contract: Contract, address: ContractRef) -> None:
    if (contract.datasource, contract.version) != (address.datasource, address.version):
        raise MisplacedContract(
            f"The document is version {contract.version} of {contract.datasource}: "
            f"put it to /v1/datasources/{contract.datasource}/contracts/{contract.version}, or change what it says."
        )


async def _effect(contracts: ContractReader, before: ContractRef | None, new: Contract) -> Effect:
    if before is None or before.version == new.version:
        return Effect(None)
    comparison = await contracts.compared(before, new)
    return Effect(before.version, comparison.changes) if comparison else Effect(None)
