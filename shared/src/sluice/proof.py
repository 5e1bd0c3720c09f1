"""Two writers that both believe they were first would break every promise: storage is proved before it is relied on."""

from dataclasses import dataclass
from typing import Protocol

from sluice.errors import Transient


class RaceProbe(Protocol):
    async def require_create_only(self) -> None:
        """Raises Permanent for a store on which two create-only writers can both win."""


@dataclass(slots=True)
class ProveStorage:
    """Probes the storage until it has answered once, and remembers that it passed."""

    probe: RaceProbe
    proven: bool = False

    async def __call__(self) -> None:
        """Raises Transient while storage does not answer, Permanent if it cannot be trusted."""
        if self.proven:
            return
        await self.probe.require_create_only()
        self.proven = True

    def require(self) -> None:
        """Raises Transient while it is not proven."""
        if not self.proven:
            raise Transient("the storage has not answered yet")
