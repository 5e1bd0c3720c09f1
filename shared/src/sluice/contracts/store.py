"""Contracts on S3, as services read them: immutable per version, one of them active."""

import time
from dataclasses import dataclass, field
from math import inf

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

MOST_KEPT = 1_000
"""Versions held in memory."""


@dataclass(slots=True)
class ContractStore:
    """Reads contracts. Versions are immutable, and the last ones kept; which one is active is asked again after a while."""

    store: ObjectStore
    active_for: float = ACTIVE_FOR
    most_kept: int = MOST_KEPT
    _versions: dict[ContractRef, Contract] = field(default_factory=dict)
    _active: dict[str, tuple[float, ContractRef]] = field(default_factory=dict)

    async def active(self, datasource: str) -> ContractRef | None:
        """The version that new files are held against; None where the datasource is unknown."""
        known = self._active.get(datasource)
        if known and time.monotonic() - known[0] < self.active_for:
            return known[1]
        try:
            version = (await self.store.get(active_contract_key(datasource))).decode().strip()
        except ObjectMissing:
            return None
        if self._active.get(datasource) is known:  # else somebody has learned more while we asked
            self._active[datasource] = (time.monotonic(), ContractRef(datasource=datasource, version=version))
        return self._active[datasource][1]

    def changed(self, active: ContractRef) -> None:
        """This version was made active just now: whoever asks next gets to know at once."""
        self._active[active.datasource] = (-inf, active)

    async def get(self, reference: ContractRef) -> Contract:
        """Raises ObjectMissing where there is no such version, ContractInvalid where it cannot be honoured, or is another."""
        if reference not in self._versions:
            key = contract_key(reference.datasource, reference.version)
            contract = load_contract(await self.store.get(key))
            if (contract.datasource, contract.version) != (reference.datasource, reference.version):
                raise ContractInvalid(
                    f"{key} holds version {contract.version} of {contract.datasource}; put each where it belongs"
                )
            self._keep(reference, contract)
        return self._versions[reference]

    async def compared(self, before: ContractRef | None, new: Contract) -> Comparison | None:
        """What `new` changes; None where nothing was before, or nothing that can be read any more."""
        if before is None:
            return None
        try:
            return compare(await self.get(before), new)
        except (ContractInvalid, ObjectMissing):
            log.warning("an earlier contract cannot be read any more", **before.model_dump())
            return None

    def _keep(self, reference: ContractRef, contract: Contract) -> None:
        while len(self._versions) >= self.most_kept:
            del self._versions[next(iter(self._versions))]
        self._versions[reference] = contract
