"""Pausing a datasource: what is in Druid goes on, nothing new goes there."""

from dataclasses import dataclass

import structlog

from gateway.ports import Pauses
from gateway.usecases.datasources import ReadContracts
from sluice.clock import Clock
from sluice.pauses import Pause

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class PauseDatasource:
    """All methods raise NoSuchDatasource, Transient. Asked twice, each is done once."""

    pauses: Pauses
    contracts: ReadContracts
    clock: Clock

    async def find(self, datasource: str) -> Pause | None:
        return await self.pauses.find(datasource)

    async def pause(self, datasource: str, caller: str) -> Pause:
        """As it stands: a pause that was begun before stays."""
        await self.contracts.of(datasource, "", 1)
        pause = await self.pauses.begin(datasource, Pause(by=caller, at=self.clock()))
        log.info("datasource paused", datasource=datasource, by=pause.by)
        return pause

    async def resume(self, datasource: str, caller: str) -> None:
        await self.contracts.of(datasource, "", 1)
        await self.pauses.end(datasource)
        log.info("datasource resumed", datasource=datasource, by=caller)
