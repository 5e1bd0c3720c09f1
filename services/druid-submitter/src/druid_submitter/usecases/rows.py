"""Which rows an ingestion is about, and what Druid has of them."""

from dataclasses import dataclass
from uuid import UUID

from druid_submitter.domain.interval import Interval, covering
from druid_submitter.domain.watch import Presence
from druid_submitter.errors import NothingLoaded
from druid_submitter.ports import Contracts, DruidTasks, Verdicts
from sluice.contracts import DruidMode
from sluice.events import Accepted


@dataclass(frozen=True, slots=True)
class Rows:
    druid: DruidTasks
    contracts: Contracts
    verdicts: Verdicts

    async def loaded_by(self, datasource: str, task_id: UUID) -> Accepted:
        """The verdict by which the rows were loaded that are to be taken out. Raises NothingLoaded."""
        fact = await self.verdicts.verdict(datasource, task_id)
        if fact is None or fact.dry_run or not isinstance(fact.verdict, Accepted):
            raise NothingLoaded(f"Task {task_id} has loaded no rows into {datasource}: there is nothing to take out.")
        return fact.verdict

    async def interval(self, accepted: Accepted) -> Interval:
        contract = await self.contracts.get(accepted.contract)
        return covering(accepted.time_range.first, accepted.time_range.last, contract.druid.segment_granularity)

    async def presence(self, datasource: str, task_id: UUID, accepted: Accepted) -> Presence:
        """Of a file that takes the place of all, all must be loaded: until then, rows that were there before still answer."""
        contract = await self.contracts.get(accepted.contract)
        everywhere = contract.druid.mode is DruidMode.REPLACE_ALL
        return await self.druid.presence(datasource, task_id, None if everywhere else await self.interval(accepted))
