"""What is told of a task."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, assert_never
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field

from sluice.events import (
    Accepted,
    ContractRef,
    Event,
    Failed,
    FileFormat,
    Preview,
    Problem,
    Receipt,
    Rejected,
    TaskFact,
    Verdict,
    WaitsFor,
)
from sluice.events.values import Value
from status_tracker.domain.progress import Progress, Standing

Utc = Annotated[AwareDatetime, AfterValidator(lambda at: at.astimezone(UTC))]


class State(StrEnum):
    """Where a task is. The last five never change: they are outcomes, and `previewed` that of a dry run
    whose file keeps its contract, which events tell as `cancelled` with a preview."""

    PENDING = "pending"
    VALIDATING = "validating"
    VALIDATED = "validated"
    SUBMITTED = "submitted"
    INGESTING = "ingesting"
    SUCCEEDED = "succeeded"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PREVIEWED = "previewed"


SENTENCES = {
    WaitsFor.EARLIER_LOAD: "A file of this datasource that was accepted earlier is being loaded; this task comes after it.",
    WaitsFor.EARLIER_REPLACE: "A file that replaces rows of this datasource was accepted earlier; this task comes after it.",
    WaitsFor.EARLIER_RETRACTION: "Rows of this datasource are being taken out; this task comes after that.",
    WaitsFor.PAUSED: "The datasource is paused; this task goes on when somebody resumes it.",
    WaitsFor.SLOT: "All task slots of Druid are busy; this task begins when one is free for it.",
    WaitsFor.WORKERS: "Druid has no task slot at all at the moment; this task begins when there is one.",
    WaitsFor.LOCK: "A task of somebody else in Druid holds the time range; this task begins after that.",
    WaitsFor.QUEUE: "Druid's queue of tasks is full; this task is handed over when there is room.",
    WaitsFor.DRUID: "Druid does not answer at the moment, or has not loaded all that is there; this task is handed over when it has.",
}


class Stages(Value):
    """When each stage was reached; null for one that was not reached, or of which no news came."""

    pending: Utc
    validating: Utc | None = None
    validated: Utc | None = None
    submitted: Utc | None = None
    ingesting: Utc | None = None
    completed: Utc | None = None


class Waiting(Value):
    """For what a task waits that Druid has not been given yet."""

    reason: WaitsFor
    message: str
    since: Utc


class Task(Value):
    """One file on its way, or the retraction of one, as far as it is known."""

    task_id: UUID
    datasource: str
    filename: str
    format: FileFormat | None = None
    size: int | None = Field(default=None, description="bytes of the uploaded file")
    state: State
    rows: Receipt = Field(description="rows at each station; null where unknown yet")
    errors: int = Field(default=0, description="errors found in the file")
    error: Problem | None = Field(default=None, description="why the task does not succeed")
    remark: Problem | None = Field(default=None, description="of a success: what was asked for and came too late")
    waits_for: Waiting | None = Field(default=None, description="of a task that is not submitted yet: why")
    contract: ContractRef | None = None
    corrects: UUID | None = Field(default=None, description="the task whose file or rejected rows this one brings back")
    retries: UUID | None = Field(default=None, description="the task whose file this one tries once more")
    retracts: UUID | None = Field(default=None, description="the task whose rows this one takes out")
    dry_run: bool = Field(default=False, description="it loads nothing, and ends with a preview")
    preview: Preview | None = Field(default=None, description="of a dry run: what loading the file would do")
    druid_task_id: str | None = None
    report: str | None = Field(default=None, description="S3 URI of the validation report")
    accepted_at: Utc
    updated_at: Utc
    completed_at: Utc | None = None
    stages: Stages


@dataclass(frozen=True, slots=True)
class _Findings:
    """What the verdict says, and the outcome after it."""

    rows: Receipt = field(default_factory=Receipt)
    errors: int = 0
    error: Problem | None = None
    report: str | None = None
    contract: ContractRef | None = None


def describe(progress: Progress) -> Task | None:
    """The task as it stands; None while nothing is known that names its file."""
    about = _about(progress)
    if about is None or progress.updated_at is None:
        return None
    uploaded = progress.uploaded.data if progress.uploaded else None
    findings = _findings(progress)
    return Task(
        task_id=about.task_id,
        datasource=about.datasource,
        filename=about.filename,
        format=uploaded.format if uploaded else None,
        size=uploaded.object.size if uploaded else None,
        state=_state(progress),
        rows=findings.rows,
        errors=findings.errors,
        error=findings.error,
        remark=progress.completed.data.remark if progress.completed else None,
        waits_for=_waiting(progress),
        contract=findings.contract or (uploaded.contract if uploaded else None),
        corrects=uploaded.corrects if uploaded else None,
        retries=uploaded.retries if uploaded else None,
        retracts=_retracts(progress),
        dry_run=about.dry_run,
        preview=progress.completed.data.preview if progress.completed else None,
        druid_task_id=_druid_task_id(progress),
        report=findings.report,
        accepted_at=about.accepted_at,
        updated_at=progress.updated_at,
        completed_at=_at(progress.completed),
        stages=_stages(about.accepted_at, progress),
    )


def _about(progress: Progress) -> TaskFact | None:
    tellers = (progress.uploaded, progress.validated, progress.submitted, progress.completed)
    told = next((teller.data for teller in tellers if teller), None)
    return told or (progress.retraction.data.made() if progress.retraction else None)


def _retracts(progress: Progress) -> UUID | None:
    if progress.completed:
        return progress.completed.data.retracts
    return progress.retraction.data.task_id if progress.retraction else None


def _stages(accepted_at: datetime, progress: Progress) -> Stages:
    return Stages(
        pending=accepted_at,
        validating=_at(progress.validating),
        validated=_at(progress.validated),
        submitted=_at(progress.submitted),
        ingesting=_at(progress.ingesting),
        completed=_at(progress.completed),
    )


def _at(standing: Standing[Event] | None) -> datetime | None:
    return standing.at if standing else None


def _state(progress: Progress) -> State:
    if progress.completed:
        if progress.completed.data.preview:
            return State.PREVIEWED
        return State(progress.completed.data.outcome.value)
    reached = (
        (progress.ingesting, State.INGESTING),
        (progress.submitted, State.SUBMITTED),
        (progress.validated, State.VALIDATED),
        (progress.validating, State.VALIDATING),
    )
    return next((state for standing, state in reached if standing), State.PENDING)


def _waiting(progress: Progress) -> Waiting | None:
    """Only until Druid has it: whatever is heard later, it waits no more."""
    if progress.waiting is None or progress.submitted or progress.ingesting or progress.completed:
        return None
    reason = progress.waiting.data.waits_for
    return Waiting(reason=reason, message=SENTENCES[reason], since=progress.waiting.at) if reason else None


def _druid_task_id(progress: Progress) -> str | None:
    told = (progress.completed, progress.submitted)
    return next((teller.data.druid_task_id for teller in told if teller and teller.data.druid_task_id), None)


def _findings(progress: Progress) -> _Findings:
    findings = _judged(progress.validated.data.verdict) if progress.validated else _Findings()
    if progress.completed is None:
        return findings
    end = progress.completed.data
    return _Findings(end.rows, end.errors, end.error, end.report or findings.report, findings.contract)


def _judged(verdict: Verdict) -> _Findings:
    match verdict:
        case Accepted(source=source, accepted=accepted, rejected=rejected):
            rows = Receipt(source=source, accepted=accepted, rejected=rejected)
            return _Findings(rows, report=verdict.report, contract=verdict.contract)
        case Rejected(source=source, rejected=rejected):
            rows = Receipt(source=source, rejected=rejected)
            return _Findings(rows, verdict.errors, verdict.problem, verdict.report)
        case Failed(problem=problem):
            return _Findings(error=problem)
        case _:
            assert_never(verdict)
