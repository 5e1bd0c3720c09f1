"""Contracts on S3: immutable per version, one of them active. Put there by a command or a job, read by services."""

import time
from dataclasses import dataclass, field

import structlog

from sluice.contracts.compatibility import Comparison, compare
from sluice.contracts.model import Contract
from sluice.contracts.odcs import load_contract
from sluice.errors import ContractInvalid, ObjectMissing
from sluice.events import ContractRef
from sluice.ledger import active_contract_key, contract_key
from sluice.objectstore import ObjectStore

log = structlog.get_logger()

ACTIVE_FOR = 2.0
"""Seconds for which the answer to "which version is active?" is kept."""


@dataclass(frozen=True, slots=True)
class Published:
    """`comparison` is with the version that was active before: None where it was this one, or none that can be read any more."""

    reference: ContractRef
    comparison: Comparison | None = None


async def publish_contract(store: ObjectStore, text: str | bytes) -> Published:
    """Check a contract, put its version, make it active.

    Raises ContractInvalid, also when the version exists already with other content: a version never changes.
    """
    contract = load_contract(text)
    body = text if isinstance(text, bytes) else text.encode()
    reference = ContractRef(datasource=contract.datasource, version=contract.version)
    before = await _active_before(store, reference)
    stands = await store.create_or_get(contract_key(contract.datasource, contract.version), body, "application/yaml")
    if stands != body:
        raise ContractInvalid(
            f"version {contract.version} of {contract.datasource} exists with other content; give the new one a new version"
        )
    await store.put(active_contract_key(contract.datasource), contract.version.encode(), "text/plain")
    return Published(reference, compare(before, contract) if before else None)


async def _active_before(store: ObjectStore, new: ContractRef) -> Contract | None:
    contracts = ContractStore(store)
    active = await contracts.active(new.datasource)
    if active is None or active == new:
        return None
    try:
        return await contracts.get(active)
    except (ContractInvalid, ObjectMissing):
        log.warning("the active contract cannot be read any more", datasource=active.datasource, version=active.version)
        return None


@dataclass(slots=True)
class ContractStore:
    """Reads contracts. Versions are immutable and kept; which one is active is asked again every ACTIVE_FOR seconds."""

    store: ObjectStore
    _versions: dict[ContractRef, Contract] = field(default_factory=dict)
    _active: dict[str, tuple[float, ContractRef]] = field(default_factory=dict)

    async def active(self, datasource: str) -> ContractRef | None:
        """The version that new files are held against; None where the datasource is unknown."""
        known = self._active.get(datasource)
        if known and time.monotonic() - known[0] < ACTIVE_FOR:
            return known[1]
        try:
            version = (await self.store.get(active_contract_key(datasource))).decode().strip()
        except ObjectMissing:
            return None
        reference = ContractRef(datasource=datasource, version=version)
        self._active[datasource] = (time.monotonic(), reference)
        return reference

    async def get(self, reference: ContractRef) -> Contract:
        """Raises ObjectMissing where there is no such version, ContractInvalid where it cannot be honoured, or is another."""
        if reference not in self._versions:
            key = contract_key(reference.datasource, reference.version)
            contract = load_contract(await self.store.get(key))
            if (contract.datasource, contract.version) != (reference.datasource, reference.version):
                raise ContractInvalid(
                    f"{key} holds version {contract.version} of {contract.datasource}; put each where it belongs"
                )
            self._versions[reference] = contract
        return self._versions[reference]
