"""End a dry run: ask Druid what loading the file would do, and load nothing."""

from dataclasses import dataclass

import structlog

from druid_submitter.domain.ingestion import CANCELLED, DryRun, Ingestion, refusal
from druid_submitter.domain.preview import Holding, compare, told
from druid_submitter.domain.spec import touched
from druid_submitter.domain.turn import to_load
from druid_submitter.domain.watch import Conclude, Hold, Wait
from druid_submitter.ports import Contracts, DruidTasks, Ingestions
from druid_submitter.usecases.conclude import ConcludeIngestion
from druid_submitter.usecases.rows import Rows
from sluice.contracts import DruidMode
from sluice.errors import Permanent
from sluice.events import Accepted, Outcome, Preview, Problem

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class PreviewIngestion:
    """Only asks, so that it may be repeated and be broken off anywhere."""

    ingestions: Ingestions
    druid: DruidTasks
    contracts: Contracts
    rows: Rows
    conclude: ConcludeIngestion

    async def __call__(self, ingestion: Ingestion, work: DryRun) -> None:
        await self.conclude(ingestion, await self._decide(ingestion, work.accepted))

    async def _decide(self, ingestion: Ingestion, accepted: Accepted) -> Wait | Hold | Conclude:
        receipt = refusal(ingestion).rows
        if ingestion.cancelled:
            return Conclude(Outcome.CANCELLED, receipt, CANCELLED)
        try:
            answer = await self._look(ingestion, accepted)
        except Permanent as error:
            log.warning("no preview", error=str(error))
            return Conclude(Outcome.FAILED, receipt, Problem(code=error.code, message=str(error)[:1000]))
        return Conclude(Outcome.CANCELLED, receipt, told(answer), answer) if isinstance(answer, Preview) else answer

    async def _look(self, ingestion: Ingestion, accepted: Accepted) -> Wait | Hold | Preview:
        """Once all that is there can be counted; what is on its way at that moment is not in it."""
        contract = await self.contracts.get(accepted.contract)
        datasource, mode = ingestion.datasource, contract.druid.mode
        replaces_all = mode is DruidMode.REPLACE_ALL
        presence = await self.rows.presence(datasource, ingestion.task_id, accepted)
        if presence.counted:
            return Hold(f"a query counts {presence.counted} rows of a dry run")
        interval = touched(contract, accepted, await self.druid.extent(datasource) if replaces_all else None)
        rows = await self.druid.rows(datasource, interval)
        if rows is None or not presence.loaded:
            return Wait()
        holding = Holding(rows, await self.druid.columns(datasource))
        superseded = await self.ingestions.superseded(ingestion, to_load(mode, interval))
        return compare(contract, accepted, interval, holding, superseded=superseded)
