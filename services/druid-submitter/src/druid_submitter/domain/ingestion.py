"""The submitter's knowledge of one task, from verdict to outcome."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from druid_submitter.domain.identity import druid_task_id
from sluice.events import Accepted, Envelope, Failed, FileValidated, Outcome, Problem, Receipt, Rejected


class Phase(StrEnum):
    """submitting → submitted → ingesting → concluded, or from anywhere: clearing → concluded."""

    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    INGESTING = "ingesting"
    CLEARING = "clearing"
    CONCLUDED = "concluded"


@dataclass(frozen=True, slots=True)
class Ingestion:
    """One task as a replica holds it. `lease` is the fence: whoever holds an older one changes nothing."""

    cause: Envelope[FileValidated]
    phase: Phase
    attempt: int
    polls: int
    unknown_polls: int
    problem: Problem | None
    lease: int

    @property
    def task_id(self) -> UUID:
        return self.cause.data.task_id

    @property
    def datasource(self) -> str:
        return self.cause.data.datasource

    @property
    def druid_task_id(self) -> str:
        return druid_task_id(self.datasource, self.task_id, self.attempt)

    @property
    def accepted(self) -> Accepted:
        """The verdict of an ingestion that has something to load."""
        verdict = self.cause.data.verdict
        if not isinstance(verdict, Accepted):
            raise TypeError(f"task {self.task_id} has no accepted rows, but is {self.phase}")
        return verdict


def first_phase(fact: FileValidated) -> Phase:
    return Phase.SUBMITTING if isinstance(fact.verdict, Accepted) else Phase.CLEARING


def refusal(ingestion: Ingestion) -> tuple[Outcome, Receipt, Problem]:
    """How a task ends that does not succeed: by its verdict, or because loading failed."""
    verdict = ingestion.cause.data.verdict
    match verdict:
        case Rejected():
            rows = Receipt(source=verdict.source, accepted=0, rejected=verdict.rejected, ingested=0, queryable=0)
            return Outcome.REJECTED, rows, verdict.problem
        case Failed():
            return Outcome.FAILED, Receipt(accepted=0, ingested=0, queryable=0), verdict.problem
        case Accepted():
            rows = Receipt(
                source=verdict.source, accepted=verdict.accepted, rejected=verdict.rejected, ingested=0, queryable=0
            )
            return Outcome.FAILED, rows, ingestion.problem or Problem(code="internal", message="Loading failed.")
