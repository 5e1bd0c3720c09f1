"""Which rows an ingestion is about, and what Druid has of them."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from druid_submitter.domain.ingestion import Ingestion, Load, Work
from druid_submitter.domain.interval import Interval, covering
from druid_submitter.domain.retention import Drop, ends_of, first_drop
from druid_submitter.domain.watch import Presence
from druid_submitter.errors import NothingLoaded
from druid_submitter.ports import Contracts, DruidTasks, Verdicts
from sluice.contracts import DruidMode
from sluice.errors import Permanent
from sluice.events import Accepted


@dataclass(frozen=True, slots=True)
class Rows:
    druid: DruidTasks
    contracts: Contracts
    verdicts: Verdicts
    longest: timedelta
    """That Druid may be at a file whose contract does not say."""

    async def loaded_by(self, datasource: str, task_id: UUID) -> Accepted:
        """The verdict by which the rows were loaded that are to be taken out. Raises NothingLoaded."""
        fact = await self.verdicts.verdict(datasource, task_id)
        if fact is None or fact.dry_run or not isinstance(fact.verdict, Accepted):
            raise NothingLoaded(f"Task {task_id} has loaded no rows into {datasource}: there is nothing to take out.")
        return fact.verdict

    async def interval(self, accepted: Accepted) -> Interval:
        contract = await self.contracts.get(accepted.contract)
        return covering(accepted.time_range.first, accepted.time_range.last, contract.druid.segment_granularity)

    async def replace_others(self, accepted: Accepted) -> bool:
        """Do they take the place of rows that were there before?"""
        return (await self.contracts.get(accepted.contract)).druid.mode is not DruidMode.APPEND

    async def time_limit(self, work: Work) -> timedelta:
        """How long Druid may be at it."""
        if not isinstance(work, Load):
            return self.longest
        minutes = (await self.contracts.get(work.accepted.contract)).druid.time_limit_minutes
        return timedelta(minutes=minutes) if minutes else self.longest

    async def dropped(self, accepted: Accepted, now: datetime) -> Drop | None:
        """Would Druid's retention rules let nobody query some of the rows?"""
        contract = await self.contracts.get(accepted.contract)
        ends = ends_of(accepted.time_range, contract.druid.segment_granularity)
        return first_drop(await self.druid.rules(contract.datasource), ends, now)

    async def presence(self, datasource: str, task_id: UUID, accepted: Accepted) -> Presence:
        """Of a file that takes the place of all, all must be loaded: until then, rows that were there before still answer.

        Of an append whose rows are all counted, nothing more can come: where files come all the time, some segment of others
        is always on its way.
        """
        contract = await self.contracts.get(accepted.contract)
        mode, rolled_up = contract.druid.mode, contract.druid.rollup is not None
        span = None if mode is DruidMode.REPLACE_ALL else await self.interval(accepted)
        found = await self.druid.presence(datasource, task_id, span, rolled_up=rolled_up)
        complete = mode is DruidMode.APPEND and found.counted == accepted.accepted
        return replace(found, loaded=True) if complete else found

    async def left(self, ingestion: Ingestion) -> Presence:
        """What an ingestion that is given up may have left. It loads into the segments that its spec names, and no others."""
        span, rolled_up = await self._span_of(ingestion.work)
        return await self.druid.presence(ingestion.datasource, ingestion.task_id, span, rolled_up=rolled_up)

    async def _span_of(self, work: Work) -> tuple[Interval | None, bool]:
        """And whether rows may have become one there. None: anywhere."""
        if not isinstance(work, Load):
            return None, False
        try:
            contract = await self.contracts.get(work.accepted.contract)
            return await self.interval(work.accepted), contract.druid.rollup is not None
        except Permanent:
            return None, False  # without its contract it was not submitted; that there are none is told by any count
