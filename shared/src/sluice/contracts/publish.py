"""Putting a contract in force in one step, as a command or a job does."""

from dataclasses import dataclass

from sluice.clock import Clock, utc_now
from sluice.contracts.compatibility import Comparison
from sluice.contracts.odcs import load_contract
from sluice.contracts.store import ContractStore
from sluice.contracts.versions import ContractVersions
from sluice.events import ContractRef
from sluice.objectstore import ObjectStore


@dataclass(frozen=True, slots=True)
class Published:
    """`comparison` is with the version that was in force before; None for the first, or where that one cannot be read any more."""

    reference: ContractRef
    comparison: Comparison | None = None


async def publish_contract(
    store: ObjectStore, text: str | bytes, *, by: str = "command", clock: Clock = utc_now
) -> Published:
    """Check a contract, put its version, make it active.

    Raises ContractInvalid, also when the version exists already with other content: a version never changes.
    """
    contract = load_contract(text)
    reference = ContractRef(datasource=contract.datasource, version=contract.version)
    versions = ContractVersions(store, clock)
    await versions.put(reference, text if isinstance(text, bytes) else text.encode())
    before = (await versions.activate(reference, by)).before
    of_before = ContractRef(datasource=contract.datasource, version=before) if before else None
    return Published(reference, await ContractStore(store).compared(of_before, contract))
