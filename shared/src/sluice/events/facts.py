"""The facts that services tell each other. Past tense, complete enough that nobody calls back, and without cell values."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from sluice.events.values import (
    ContractRef,
    Count,
    Datasource,
    FileFormat,
    Filename,
    Instant,
    ObjectRef,
    Outcome,
    Preview,
    Problem,
    Receipt,
    S3Uri,
    Value,
    Verdict,
    WaitsFor,
)


class Event(Value):
    """A fact about one task. `TOPIC` and `TYPE` are its address; a change that old readers cannot bear is a new `TYPE`."""

    TOPIC: ClassVar[str]
    TYPE: ClassVar[str]

    task_id: UUID


class TaskFact(Event):
    """What every later reader of the chain needs to know of the task."""

    datasource: Datasource
    filename: Filename
    accepted_at: Instant
    dry_run: bool = Field(
        default=False, description="it is judged, and loads nothing: it ends with a preview of what loading would do"
    )


class FileUploaded(TaskFact):
    """A file lies complete on S3 and is accepted for a datasource. From the gateway, or from another system for a file of its own."""

    TOPIC = "file.uploaded"
    TYPE = "sluice.file.uploaded.v1"

    format: FileFormat
    object: ObjectRef
    contract: ContractRef | None = Field(
        default=None, description="pinned at acceptance; otherwise the first verdict pins it"
    )
    caller: str | None = Field(default=None, max_length=200)
    corrects: UUID | None = Field(
        default=None, description="the concluded task whose rejected file or rows this one brings back"
    )
    retries: UUID | None = Field(
        default=None, description="the task that did not succeed and whose file this is, unchanged"
    )


class FileValidated(TaskFact):
    """The validator has judged the file. A verdict, never an outcome."""

    TOPIC = "file.validated"
    TYPE = "sluice.file.validated.v1"

    verdict: Verdict


class DruidSubmitted(TaskFact):
    """Druid has taken a task of ours: the ingestion of an accepted file, or the retraction of one."""

    TOPIC = "druid.submitted"
    TYPE = "sluice.druid.submitted.v1"

    druid_task_id: str = Field(min_length=1, max_length=200)
    attempt: int = Field(ge=1)


class TaskCompleted(TaskFact):
    """The one outcome of a task. `succeeded` means that a query counted the rows; any other, that Druid holds none of them.

    A retraction has `succeeded` when a query counts none of the rows of the task it `retracts`; any other outcome may leave some there.
    A dry run whose file keeps its contract ends as `cancelled`, with a preview.
    """

    TOPIC = "task.completed"
    TYPE = "sluice.task.completed.v1"

    outcome: Outcome
    rows: Receipt
    errors: Count = 0
    error: Problem | None = None
    remark: Problem | None = Field(default=None, description="of a success: what was asked for and came too late")
    report: S3Uri | None = None
    druid_task_id: str | None = None
    completed_at: Instant
    retracts: UUID | None = Field(default=None, description="the task whose rows this one was to take out")
    preview: Preview | None = Field(default=None, description="of a dry run: what loading the file would do")


class TaskCommand(Event):
    """Somebody asked for something to be done to a task. From the gateway; every replica reads all of them."""

    TOPIC = "task.command"
    TYPE = "sluice.task.command.v1"

    command: Literal["cancel", "retract"]
    requested_by: str | None = Field(default=None, max_length=200)
    requested_at: Instant
    datasource: Datasource | None = None
    filename: Filename | None = None
    accepted_at: Instant | None = Field(default=None, description="when the file of the task was accepted")
    retraction: UUID | None = Field(
        default=None,
        description="of `retract`: the task that removes the rows; its outcome is told like that of any other",
    )

    def made(self) -> TaskFact | None:
        """The task that a retraction is. None for a command that makes no task, or does not say of which datasource and file."""
        if self.retraction is None or self.datasource is None or self.filename is None:
            return None
        return TaskFact(
            task_id=self.retraction,
            datasource=self.datasource,
            filename=self.filename,
            accepted_at=self.requested_at,
        )


class TaskProgress(Event):
    """Advisory news of work under way. May be lost; nothing may depend on it."""

    TOPIC = "task.progress"
    TYPE = "sluice.task.progress.v1"

    stage: Literal["validating", "ingesting"]
    at: Instant
    waits_for: WaitsFor | None = Field(
        default=None, description="of `ingesting`: it has not begun yet, and this must come about first"
    )


EVENTS: tuple[type[Event], ...] = (
    FileUploaded,
    FileValidated,
    DruidSubmitted,
    TaskCompleted,
    TaskCommand,
    TaskProgress,
)
BY_TYPE: dict[str, type[Event]] = {event.TYPE: event for event in EVENTS}
