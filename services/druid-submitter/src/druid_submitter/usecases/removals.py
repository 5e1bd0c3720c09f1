"""Take out what a broken ingestion has left behind, and see to it that nothing is taken out once a task has its rows."""

from dataclasses import dataclass
from enum import Enum, auto

import structlog

from druid_submitter.domain.identity import removal_ids
from druid_submitter.domain.ingestion import Ingestion
from druid_submitter.domain.interval import Interval
from druid_submitter.domain.spec import build_removal
from druid_submitter.domain.watch import TaskState
from druid_submitter.errors import IdBurnt, SegmentsUnknown
from druid_submitter.ports import DruidTasks
from druid_submitter.usecases.rows import Rows
from sluice.events import Accepted

log = structlog.get_logger()


class Removal(Enum):
    """Of an attempt's rows, by Druid."""

    NEVER = auto()
    UNDER_WAY = auto()
    DONE = auto()


@dataclass(frozen=True, slots=True)
class Removals:
    """Of one attempt: each has an id of its own, for when Druid has failed at the one before."""

    druid: DruidTasks
    rows: Rows

    async def begin(self, ingestion: Ingestion, accepted: Accepted) -> bool:
        """Unless Druid is at it already, or has done it. False where it has failed at every one, or they were ruled out."""
        for druid_id in removal_ids(ingestion.druid_task_id):
            match await self._state(druid_id):
                case TaskState.FAILED:
                    continue
                case TaskState.SUCCESS if await self.druid.burn(druid_id, ingestion.datasource):
                    continue
                case TaskState.UNKNOWN:
                    await self._submit(ingestion, druid_id, await self.rows.interval(accepted))
            return True
        return False

    async def rule_out(self, ingestion: Ingestion) -> Removal:
        """See to it that none begins any more, not even by a replica that wakes up late."""
        found = Removal.NEVER
        for druid_id in removal_ids(ingestion.druid_task_id):
            if await self.druid.burn(druid_id, ingestion.datasource):
                continue
            match await self._state(druid_id):
                case TaskState.SUCCESS:
                    found = Removal.DONE
                case TaskState.RUNNING | TaskState.UNKNOWN:
                    return Removal.UNDER_WAY
        return found

    async def _state(self, druid_id: str) -> TaskState:
        return (await self.druid.statuses([druid_id]))[druid_id].state

    async def _submit(self, ingestion: Ingestion, druid_id: str, interval: Interval) -> None:
        """Unless another task holds a lock: it would wait in Druid, and find segments of types that nobody has asked for."""
        if any(each.overlaps(interval) for each in await self.druid.locked(ingestion.datasource)):
            log.info("rows are not taken out yet: another task holds a lock")
            return
        try:
            segments = await self.druid.segment_types(ingestion.datasource, interval)
        except SegmentsUnknown as error:
            log.info("rows are not taken out yet", error=str(error))
            return
        log.warning("rows of a broken ingestion are taken out", druid_task_id=druid_id)
        try:
            await self.druid.submit(
                build_removal(ingestion.datasource, druid_id, ingestion.task_id, interval, segments)
            )
        except IdBurnt as error:
            log.info("rows are not taken out: it was ruled out meanwhile", error=str(error))
