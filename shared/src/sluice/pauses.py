"""Datasources that are paused: their files are accepted and judged, and nothing new of them goes to Druid. One object each on S3."""

import re
from dataclasses import dataclass

from pydantic import AwareDatetime, ValidationError

from sluice.errors import ObjectMissing, Undecodable
from sluice.events import DATASOURCE_PATTERN
from sluice.events.values import Value
from sluice.ledger import PAUSED, paused_key
from sluice.objectstore import ObjectStore


class Pause(Value):
    """Who has paused it, and since when."""

    by: str
    at: AwareDatetime


@dataclass(frozen=True, slots=True)
class Pauses:
    """All methods raise Transient while S3 does not answer, and may be repeated."""

    store: ObjectStore

    async def find(self, datasource: str) -> Pause | None:
        """Raises Undecodable."""
        try:
            return _parsed(await self.store.get(paused_key(datasource)))
        except ObjectMissing:
            return None

    async def begin(self, datasource: str, pause: Pause) -> Pause:
        """Of many, the first one stands until it is ended. Raises Undecodable."""
        return _parsed(await self.store.create_or_get(paused_key(datasource), pause.model_dump_json().encode()))

    async def end(self, datasource: str) -> None:
        """One that is not paused is fine."""
        await self.store.delete(paused_key(datasource))

    async def all(self) -> frozenset[str]:
        """Names of those that are paused."""
        names = [info.key.removeprefix(PAUSED).removesuffix(".json") async for info in self.store.list(PAUSED)]
        return frozenset(name for name in names if re.fullmatch(DATASOURCE_PATTERN, name))


def _parsed(document: bytes) -> Pause:
    try:
        return Pause.model_validate_json(document)
    except ValidationError as error:
        raise Undecodable("who has paused a datasource should stand here") from error
