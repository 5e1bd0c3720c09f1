"""No file is accepted on storage that could let two uploads win one claim."""

from dataclasses import dataclass

from gateway.ports import RaceProbe
from sluice.errors import ObjectMissing, Transient


@dataclass(slots=True)
class ProveStorage:
    """Probes the storage until it has answered once, and remembers that it passed."""

    probe: RaceProbe
    proven: bool = False

    async def __call__(self) -> None:
        """Raises Transient while storage does not answer, Permanent if it cannot be trusted."""
        if self.proven:
            return
        try:
            await self.probe.require_create_only()
        except ObjectMissing as error:
            raise Transient("the bucket does not exist yet") from error
        self.proven = True
