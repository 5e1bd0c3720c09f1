"""Say how a task ends: the only place where an outcome is made."""

from dataclasses import dataclass
from typing import Any, assert_never

import structlog

from druid_submitter.domain.ingestion import DryRun, Ingestion, Load, Phase, Refuse, Retract, Work, too_late
from druid_submitter.domain.watch import Conclude, Hold, Wait
from druid_submitter.ports import Ingestions, Outcomes
from druid_submitter.usecases.patience import Patience
from druid_submitter.usecases.progress import SOURCE
from druid_submitter.usecases.removals import Removal, Removals
from sluice.clock import Clock
from sluice.events import Outcome, Rejected, TaskCompleted, TaskFact, follow

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ConcludeIngestion:
    ingestions: Ingestions
    removals: Removals
    outcomes: Outcomes
    patience: Patience
    clock: Clock

    async def __call__(self, ingestion: Ingestion, decision: Wait | Hold | Conclude) -> None:
        match decision:
            case Wait(missing):
                await self.patience.wait(ingestion, missing=missing)
            case Hold(reason):
                log.error("held: rows in Druid are not what they must be", reason=reason)
                await self.patience.hold(ingestion)
            case Conclude() if await self._may_still_lose_rows(ingestion, decision):
                await self._as_it_stands(ingestion)
            case Conclude():
                await self._conclude(ingestion, decision)
            case _:
                assert_never(decision)

    async def _may_still_lose_rows(self, ingestion: Ingestion, end: Conclude) -> bool:
        """Of one that was given up, and has succeeded after all: some may have been missing, and their removal begun."""
        given_up = ingestion.phase is Phase.CLEARING and isinstance(ingestion.work, Load)
        succeeds = given_up and end.outcome is Outcome.SUCCEEDED
        return succeeds and await self.removals.rule_out(ingestion) is not Removal.NEVER

    async def _as_it_stands(self, ingestion: Ingestion) -> None:
        """It may have ended already, with rows of another attempt, before the database was restored from an earlier day."""
        if stands := await self.outcomes.outcome(ingestion.about.accepted_at, ingestion.task_id):
            await self.stands(ingestion, stands)
        else:
            log.warning(
                "all rows are there, and a removal may still take them out", druid_task_id=ingestion.druid_task_id
            )
            await self.patience.wait(ingestion)

    async def stands(self, ingestion: Ingestion, fact: TaskCompleted) -> None:
        """It has ended already, as S3 tells: the database was restored from an earlier day."""
        log.warning("the outcome stands on S3 already", outcome=fact.outcome)
        await self.ingestions.conclude(ingestion, follow(ingestion.cause, fact, source=SOURCE, time=fact.completed_at))

    async def _conclude(self, ingestion: Ingestion, end: Conclude) -> None:
        now, work = self.clock(), ingestion.work
        errors, report = _judged(work)
        fact = TaskCompleted(
            **told_of(ingestion),
            outcome=end.outcome,
            rows=end.rows,
            errors=errors,
            error=end.problem,
            remark=too_late(ingestion) if end.outcome is Outcome.SUCCEEDED else None,
            report=report,
            druid_task_id=None if isinstance(work, Refuse | DryRun) else ingestion.druid_task_id,
            completed_at=now,
            retracts=work.task_id if isinstance(work, Retract) else None,
            preview=end.preview,
        )
        await self.ingestions.conclude(ingestion, follow(ingestion.cause, fact, source=SOURCE, time=now))
        log.info("concluded", outcome=end.outcome, rows=end.rows.model_dump())


def _judged(work: Work) -> tuple[int, str | None]:
    """Errors of the file, and where its report is."""
    match work:
        case Load(accepted) | DryRun(accepted):
            return 0, accepted.report
        case Refuse(Rejected() as verdict):
            return verdict.errors, verdict.report
        case _:
            return 0, None


def told_of(ingestion: Ingestion) -> dict[str, Any]:
    """What every fact of a task says of it."""
    return {name: getattr(ingestion.about, name) for name in TaskFact.model_fields}
