"""Claims on bytes, by their SHA-256: `contents/<datasource>/<sha256>/<n>.json`."""

from dataclasses import dataclass
from functools import partial

from sluice.claims import Claims, Held
from sluice.clock import Clock
from sluice.contracts import ContractStore, SameContent
from sluice.errors import ContractInvalid, ObjectMissing
from sluice.events import ContractRef, FileUploaded
from sluice.ledger import content_key
from sluice.objectstore import ObjectStore


@dataclass(frozen=True, slots=True)
class S3Contents:
    store: ObjectStore
    contracts: ContractStore
    clock: Clock

    async def rule(self, contract: ContractRef) -> SameContent:
        try:
            return (await self.contracts.get(contract)).same_content
        except (ObjectMissing, ContractInvalid):
            return SameContent.ALLOW  # whoever judges the file says what is wrong with its contract

    async def holder(self, task: FileUploaded) -> Held | None:
        return await self._claims(task).holder()

    async def claim(self, task: FileUploaded) -> Held | None:
        return await self._claims(task).make(task)

    def _claims(self, task: FileUploaded) -> Claims:
        return Claims(self.store, self.clock, partial(content_key, task.datasource, task.object.sha256 or ""))
