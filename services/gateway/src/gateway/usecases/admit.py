"""The cheap refusals, before a byte of the body is read."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from gateway.domain.limits import SizeLimits
from gateway.domain.measure import too_large
from gateway.errors import GatewayBusy, UnknownDatasource
from gateway.ports import Contracts
from gateway.usecases.acceptance import ANONYMOUS
from gateway.usecases.backlog import Backlog
from sluice.events import DATASOURCE_PATTERN, ContractRef, FileFormat
from sluice.proof import ProveStorage


@dataclass(slots=True)
class AdmitUpload:
    """Decides whether it is worth reading. `most` uploads at once, for each holds parts in memory; `most_of_one` of one caller."""

    contracts: Contracts
    storage: ProveStorage
    backlog: Backlog
    limits: SizeLimits
    most: int
    most_of_one: int
    _inside: Counter[str] = field(default_factory=Counter)

    async def __call__(
        self, datasource: str, size: int | None, caller: str = ANONYMOUS, promised: FileFormat | None = None
    ) -> ContractRef:
        """The contract to hold the file against. Raises UnknownDatasource, FileTooLarge, BacklogFull, Transient."""
        self.storage.require()
        known = re.fullmatch(DATASOURCE_PATTERN, datasource) and await self.contracts.active(datasource)
        if not known:
            raise UnknownDatasource(
                "There is no datasource of that name. One begins with its first contract: "
                "PUT /v1/datasources/<name>/contracts/<version>?activate=true."
            )
        limit = self.limits.of(datasource, caller, promised)
        if size is not None and size > limit:
            raise too_large(limit)
        self.backlog.require_room()
        return known

    @contextmanager
    def place(self, caller: str = ANONYMOUS) -> Iterator[None]:
        """Around one upload. Raises GatewayBusy when all places are taken, or all that one caller may have."""
        if self._inside.total() >= self.most:
            raise GatewayBusy("As many uploads are running as there is room for. Try again in a few seconds.")
        if self._inside[caller] >= self.most_of_one:
            raise GatewayBusy(
                f"{self.most_of_one} of your uploads are running at once. Send the next when one has ended."
            )
        self._inside[caller] += 1
        try:
            yield
        finally:
            self._inside -= Counter((caller,))
