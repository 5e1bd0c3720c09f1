"""Submit what is to be loaded or taken out, when it is its turn."""

from dataclasses import dataclass
from typing import Any, assert_never

import structlog

from druid_submitter.domain.ingestion import SUPERSEDED, Ingestion, Load, Refuse, Retract
from druid_submitter.domain.spec import build_removal, build_spec
from druid_submitter.domain.turn import Turn, Wish, to_load, to_take_out
from druid_submitter.errors import IdBurnt
from druid_submitter.ports import Contracts, DruidTasks, Ingestions
from druid_submitter.usecases.conclude import SOURCE, told_of
from druid_submitter.usecases.patience import Patience
from druid_submitter.usecases.rows import Rows
from sluice.clock import Clock
from sluice.contracts import DruidMode
from sluice.events import DruidSubmitted, follow

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SubmitIngestion:
    ingestions: Ingestions
    druid: DruidTasks
    contracts: Contracts
    rows: Rows
    patience: Patience
    clock: Clock

    async def __call__(self, ingestion: Ingestion) -> None:
        match await self.ingestions.turn(ingestion, await self._wish(ingestion)):
            case Turn.LATER:
                log.debug("waits for its turn")
                await self.patience.pause(ingestion)
                return
            case Turn.OVERTAKEN:
                log.warning("superseded: a later file is loaded already")
                await self.ingestions.clearing(ingestion, SUPERSEDED)
                return
        try:
            await self.druid.submit(await self._spec(ingestion))
        except IdBurnt:
            await self.ingestions.resubmit(ingestion, ingestion.attempt + 1)
            return
        ours = {"druid_task_id": ingestion.druid_task_id, "attempt": ingestion.attempt}
        fact = DruidSubmitted(**told_of(ingestion), **ours)
        await self.ingestions.submitted(ingestion, follow(ingestion.cause, fact, source=SOURCE, time=self.clock()))
        log.info("submitted", druid_task_id=ingestion.druid_task_id)

    async def _spec(self, ingestion: Ingestion) -> dict[str, Any]:
        match ingestion.work:
            case Load(accepted):
                contract = await self.contracts.get(accepted.contract)
                replaces_all = contract.druid.mode is DruidMode.REPLACE_ALL
                there = await self.druid.extent(ingestion.datasource) if replaces_all else None
                return build_spec(contract, accepted, ingestion.task_id, ingestion.attempt, there)
            case Retract(task_id):
                interval = await self.rows.interval(await self.rows.loaded_by(ingestion.datasource, task_id))
                return build_removal(ingestion.datasource, ingestion.druid_task_id, task_id, interval)
            case Refuse():
                raise TypeError(f"task {ingestion.task_id} has nothing to submit, but is {ingestion.phase}")
            case _:
                assert_never(ingestion.work)

    async def _wish(self, ingestion: Ingestion) -> Wish:
        match ingestion.work:
            case Load(accepted):
                mode = (await self.contracts.get(accepted.contract)).druid.mode
                return to_load(mode, await self.rows.interval(accepted))
            case Retract(task_id):
                return to_take_out(await self.rows.interval(await self.rows.loaded_by(ingestion.datasource, task_id)))
            case Refuse():
                raise TypeError(f"task {ingestion.task_id} has nothing to submit, but is {ingestion.phase}")
            case _:
                assert_never(ingestion.work)
