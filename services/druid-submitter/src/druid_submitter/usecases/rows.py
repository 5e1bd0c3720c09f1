"""Which rows an ingestion is about, and what Druid has of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never
from uuid import UUID

import structlog

from druid_submitter.domain.ingestion import DryRun, Ingestion, Load, Refuse, Retract, Work
from druid_submitter.domain.interval import Interval, covering
from druid_submitter.domain.retention import Drop, ends_of, first_drop
from druid_submitter.domain.watch import Presence
from druid_submitter.errors import NothingLoaded
from druid_submitter.ports import Contracts, DruidTasks, Verdicts
from sluice.contracts import DruidMode
from sluice.errors import Permanent
from sluice.events import Accepted

log = structlog.get_logger()


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
        """Of a file that takes the place of all, all must be loaded: until then, rows that were there before still answer."""
        contract = await self.contracts.get(accepted.contract)
        everywhere = contract.druid.mode is DruidMode.REPLACE_ALL
        span = None if everywhere else await self.interval(accepted)
        return await self.druid.presence(datasource, task_id, span, rolled_up=contract.druid.rollup is not None)

    async def left(self, ingestion: Ingestion, *, never_ran: bool = False) -> Presence:
        """Of one that is given up: what is there of the rows that it loads, or takes out, in the segments of their time range.

        `never_ran`: Druid was given nothing, so no segment that is not loaded can hold any.
        """
        datasource, work = ingestion.datasource, ingestion.work
        if never_ran and not await self.druid.count(datasource, ingestion.task_id):
            return Presence(0, loaded=True)
        task_id = work.task_id if isinstance(work, Retract) else ingestion.task_id
        span, rolled_up = None, False
        try:
            if accepted := await self._verdict_on(datasource, work):
                span = await self.interval(accepted)
                rolled_up = (await self.contracts.get(accepted.contract)).druid.rollup is not None
        except Permanent as error:
            # without its contract it was not submitted; that there are none is told by any count, anywhere
            log.info("rows are looked for at all times", error=str(error))
        return await self.druid.presence(datasource, task_id, span, rolled_up=rolled_up)

    async def _verdict_on(self, datasource: str, work: Work) -> Accepted | None:
        """None of what was refused. Raises NothingLoaded."""
        match work:
            case Load(accepted) | DryRun(accepted):
                return accepted
            case Retract(task_id):
                return await self.loaded_by(datasource, task_id)
            case Refuse():
                return None
            case _:
                assert_never(work)
