"""Submit what is to be loaded or taken out, once it is admitted."""

from dataclasses import dataclass
from typing import Any, assert_never

import structlog

from druid_submitter.domain.ingestion import SUPERSEDED, DryRun, Ingestion, Load, Phase, Refuse, Retract
from druid_submitter.domain.spec import build_removal, build_spec
from druid_submitter.domain.turn import Later, Now, Superseded, Wish, to_load, to_take_out
from druid_submitter.errors import IdBurnt
from druid_submitter.ports import Admission, Contracts, DruidTasks, Ingestions, Paused
from druid_submitter.usecases.begin import BeginAttempt
from druid_submitter.usecases.conclude import told_of
from druid_submitter.usecases.door import Door
from druid_submitter.usecases.patience import Patience
from druid_submitter.usecases.progress import SOURCE
from druid_submitter.usecases.rows import Rows
from druid_submitter.usecases.steps import Steps
from sluice.clock import Clock
from sluice.contracts import DruidMode
from sluice.errors import Transient
from sluice.events import DruidSubmitted, WaitsFor, follow

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SubmitIngestion:
    """Keep what it wishes; once it is admitted, hand it over."""

    ingestions: Ingestions
    druid: DruidTasks
    contracts: Contracts
    rows: Rows
    paused: Paused
    begin: BeginAttempt
    door: Door
    patience: Patience
    clock: Clock

    async def __call__(self, ingestion: Ingestion) -> None:
        wish = await self._wish(ingestion)
        paused = ingestion.datasource in await self.paused()
        match await self.ingestions.turn(ingestion, wish):
            case Later(waits_for):
                await self.patience.queue(ingestion, WaitsFor.PAUSED if paused else waits_for)
            case Superseded():
                log.warning("superseded: a later file is loaded already")
                await self.ingestions.clearing(ingestion, SUPERSEDED)
            case Now() if paused:
                await self.patience.step_back(ingestion, WaitsFor.PAUSED)
            case Now(slots):
                await self._submit(ingestion, wish, slots)

    async def _submit(self, ingestion: Ingestion, wish: Wish, slots: int) -> None:
        if not await self.begin(ingestion):
            return
        spec = await self._spec(ingestion, slots)
        try:
            async with self.door.way_in():
                if wish.alone and await self._locked(ingestion.datasource, wish):
                    await self.patience.step_back(ingestion, WaitsFor.LOCK)
                    return
                await self.druid.submit(spec)
        except IdBurnt:
            await self.ingestions.resubmit(ingestion, ingestion.attempt + 1, ingestion.problem)
            return
        ours = {"druid_task_id": ingestion.druid_task_id, "attempt": ingestion.attempt}
        fact = DruidSubmitted(**told_of(ingestion), **ours)
        told = follow(ingestion.cause, fact, source=SOURCE, time=self.clock())
        await self.ingestions.submitted(
            ingestion, told, deadline=told.time + await self.rows.time_limit(ingestion.work)
        )
        log.info("submitted", druid_task_id=ingestion.druid_task_id)

    async def _locked(self, datasource: str, wish: Wish) -> bool:
        """By somebody else: of ours nothing runs beside a task that runs alone."""
        locked = await self.druid.locked(datasource)
        return any(each.overlaps(wish.span) for each in locked)

    async def _spec(self, ingestion: Ingestion, slots: int) -> dict[str, Any]:
        match ingestion.work:
            case Load(accepted):
                contract = await self.contracts.get(accepted.contract)
                replaces_all = contract.druid.mode is DruidMode.REPLACE_ALL
                there = await self.druid.extent(ingestion.datasource) if replaces_all else None
                return build_spec(contract, accepted, ingestion.task_id, ingestion.attempt, there=there, slots=slots)
            case Retract(task_id):
                interval = await self.rows.interval(await self.rows.loaded_by(ingestion.datasource, task_id))
                segments = await self.druid.segment_types(ingestion.datasource, interval)
                return build_removal(ingestion.datasource, ingestion.druid_task_id, task_id, interval, segments)
            case Refuse() | DryRun():
                raise TypeError(f"task {ingestion.task_id} has nothing to submit, but is {ingestion.phase}")
            case _:
                assert_never(ingestion.work)

    async def _wish(self, ingestion: Ingestion) -> Wish:
        match ingestion.work:
            case Load(accepted):
                druid, parts = (await self.contracts.get(accepted.contract)).druid, len(accepted.canonical)
                return to_load(druid.mode, await self.rows.interval(accepted), parts, druid.partitions.type)
            case Retract(task_id):
                return to_take_out(await self.rows.interval(await self.rows.loaded_by(ingestion.datasource, task_id)))
            case Refuse() | DryRun():
                raise TypeError(f"task {ingestion.task_id} has nothing to submit, but is {ingestion.phase}")
            case _:
                assert_never(ingestion.work)


@dataclass(frozen=True, slots=True)
class SubmitIngestions:
    """Hear what each wishes, admit whoever has his turn, submit what is admitted."""

    ingestions: Ingestions
    admission: Admission
    druid: DruidTasks
    submit: SubmitIngestion
    steps: Steps
    batch_size: int

    async def __call__(self) -> bool:
        """True when something was due."""
        await self._look_at_slots()
        due = await self.ingestions.lease({Phase.SUBMITTING}, self.batch_size)
        if due:
            await self.steps.take(due, self.submit)
            await self.admission.admit()
        return bool(due)

    async def _look_at_slots(self) -> None:
        if not await self.admission.capacity_is_due():
            return
        try:
            await self.admission.keep(await self.druid.capacity())
        except Transient as error:
            log.info("Druid does not say how many slots it has", error=str(error))  # what it said last still holds
