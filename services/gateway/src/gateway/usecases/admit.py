"""The cheap refusals, before a byte of the body is read."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gateway.domain.measure import too_large
from gateway.errors import GatewayBusy, UnknownDatasource
from gateway.ports import Contracts
from gateway.usecases.backlog import Backlog
from sluice.errors import Transient
from sluice.events import DATASOURCE_PATTERN, ContractRef
from sluice.proof import ProveStorage


@dataclass(slots=True)
class AdmitUpload:
    """Decides whether it is worth reading. `limit` in bytes; `most` uploads at once, for each holds parts in memory."""

    contracts: Contracts
    storage: ProveStorage
    backlog: Backlog
    limit: int
    most: int
    _inside: int = 0

    async def __call__(self, datasource: str, size: int | None) -> ContractRef:
        """The contract to hold the file against. Raises UnknownDatasource, FileTooLarge, BacklogFull, Transient."""
        if not self.storage.proven:
            raise Transient("the storage has not answered yet")
        known = re.fullmatch(DATASOURCE_PATTERN, datasource) and await self.contracts.active(datasource)
        if not known:
            raise UnknownDatasource(
                "There is no datasource of that name. One begins with its first contract: "
                "python -m sluice.contracts publish <file>."
            )
        if size is not None and size > self.limit:
            raise too_large(self.limit)
        self.backlog.require_room()
        return known

    @contextmanager
    def place(self) -> Iterator[None]:
        """Around one upload. Raises GatewayBusy when all places are taken."""
        if self._inside >= self.most:
            raise GatewayBusy("As many uploads are running as there is room for. Try again in a few seconds.")
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
