"""The loops that take an ingestion from its verdict to its outcome, wired. None waits for another."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from druid_submitter.domain.failure import Attempts
from druid_submitter.domain.ingestion import DryRun, Ingestion, Phase
from druid_submitter.ports import (
    Admission,
    Contracts,
    DruidTasks,
    EventPublisher,
    Evidence,
    Ingestions,
    Outcomes,
    Pace,
    Paused,
    Verdicts,
)
from druid_submitter.usecases.begin import BeginAttempt
from druid_submitter.usecases.clear import ClearIngestion
from druid_submitter.usecases.conclude import ConcludeIngestion
from druid_submitter.usecases.door import Door
from druid_submitter.usecases.explain import ExplainFailure
from druid_submitter.usecases.missing import FindMissingRows
from druid_submitter.usecases.patience import Patience
from druid_submitter.usecases.preview import PreviewIngestion
from druid_submitter.usecases.progress import TellProgress
from druid_submitter.usecases.prove import ProveIngestion
from druid_submitter.usecases.removals import Removals
from druid_submitter.usecases.rows import Rows
from druid_submitter.usecases.steps import Steps
from druid_submitter.usecases.submit import SubmitIngestion, SubmitIngestions
from druid_submitter.usecases.watch import WatchIngestions
from sluice.clock import Clock


@dataclass(frozen=True, slots=True)
class ConcludeIngestions:
    """Prove what Druid has loaded, clear what it has not, preview what it is not to load, and conclude."""

    ingestions: Ingestions
    admission: Admission
    prove: ProveIngestion
    clear: ClearIngestion
    preview: PreviewIngestion
    steps: Steps
    batch_size: int

    async def __call__(self) -> bool:
        """True when something was due."""
        due = await self.ingestions.lease({Phase.PROVING, Phase.CLEARING}, self.batch_size)
        if due:
            await self.steps.take(due, self._step)
            await self.admission.admit()
        return bool(due)

    async def _step(self, ingestion: Ingestion) -> None:
        if isinstance(work := ingestion.work, DryRun):
            await self.preview(ingestion, work)
        else:
            await (self.prove if ingestion.phase is Phase.PROVING else self.clear)(ingestion)


@dataclass(frozen=True, slots=True)
class AdvanceIngestions:
    submit: SubmitIngestions
    watch: WatchIngestions
    conclude: ConcludeIngestions
    admission: Admission

    async def admit(self) -> bool:
        """Each loop admits after what it has done; this is for what no loop of this process has done."""
        await self.admission.admit()
        return False


@dataclass(frozen=True, slots=True)
class World:
    """Everything that they need. `monotonic`: see Door."""

    ingestions: Ingestions
    admission: Admission
    paused: Paused
    pace: Pace
    druid: DruidTasks
    contracts: Contracts
    verdicts: Verdicts
    outcomes: Outcomes
    evidence: Evidence
    events: EventPublisher
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class Limits:
    """`batch_size`: ingestions that are submitted, or concluded, at a time. `lease`: how long one lasts that nobody renews.

    `step`: how long one step of one of them may take. `time`: of Druid for an attempt at a file whose contract sets none.
    """

    batch_size: int
    lease: timedelta
    step: timedelta
    attempts: Attempts
    time: timedelta


def advance_ingestions(world: World, limits: Limits) -> AdvanceIngestions:
    """All loops, wired."""
    ingestions, admission, druid, clock = world.ingestions, world.admission, world.druid, world.clock
    tell, rows = TellProgress(world.events, clock), Rows(druid, world.contracts, world.verdicts, limits.time)
    patience, removals = Patience(ingestions, tell, clock), Removals(druid, rows)
    steps, conclude = (
        Steps(ingestions, patience, limits.lease, limits.step),
        ConcludeIngestion(ingestions, removals, world.outcomes, patience, clock),
    )
    find = FindMissingRows(ingestions, world.outcomes, rows, conclude, patience, clock)
    prove, explain = ProveIngestion(ingestions, druid, rows, find, conclude), ExplainFailure(druid, world.evidence)
    begin = BeginAttempt(ingestions, rows, world.outcomes, conclude, patience, clock)
    submit = SubmitIngestion(
        ingestions, druid, world.contracts, rows, world.paused, begin, Door(world.monotonic), patience, clock
    )
    clear = ClearIngestion(ingestions, druid, rows, removals, prove, conclude, patience, limits.attempts)
    preview = PreviewIngestion(ingestions, druid, world.contracts, rows, conclude)
    return AdvanceIngestions(
        submit=SubmitIngestions(ingestions, admission, druid, submit, steps, limits.batch_size),
        watch=WatchIngestions(ingestions, druid, rows, world.pace, admission, explain, tell, steps, patience, clock),
        admission=admission,
        conclude=ConcludeIngestions(ingestions, admission, prove, clear, preview, steps, limits.batch_size),
    )
