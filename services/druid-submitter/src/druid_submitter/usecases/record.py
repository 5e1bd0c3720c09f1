"""What is heard is kept in Postgres; everything else follows from there."""

from dataclasses import dataclass
from typing import assert_never

import structlog

from druid_submitter.ports import Ingestions
from sluice.errors import code_of
from sluice.events import Envelope, Failed, FileValidated, Problem, TaskCommand

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RecordVerdict:
    """Keep the verdict; everything else follows from its row. A second delivery answers from it."""

    ingestions: Ingestions

    async def __call__(self, event: Envelope[FileValidated]) -> None:
        if await self.ingestions.record(event):
            log.info("verdict recorded", verdict=event.data.verdict.kind)
        else:
            await self.ingestions.repeat_outcome(event.data.task_id)


@dataclass(frozen=True, slots=True)
class AbandonTask:
    """A verdict that cannot be handled ends its task as failed."""

    ingestions: Ingestions

    async def __call__(self, event: Envelope[FileValidated], error: Exception) -> None:
        message = "The verdict could not be handled; it lies in the dead letters of file.validated."
        verdict = Failed(problem=Problem(code=code_of(error), message=message))
        failed = FileValidated(**(dict(event.data) | {"verdict": verdict}))
        await self.ingestions.record(Envelope(event.id, event.source, event.time, failed, event.traceparent))


@dataclass(frozen=True, slots=True)
class RecordCommand:
    """A cancel is kept beside its task, also before there is one; a retract is a task of its own. A second delivery changes nothing."""

    ingestions: Ingestions

    async def __call__(self, event: Envelope[TaskCommand]) -> None:
        match event.data.command:
            case "cancel":
                await self.ingestions.cancel(event)
                await self.ingestions.repeat_outcome(event.data.task_id)
            case "retract":
                await self._retract(event)
            case _:
                assert_never(event.data.command)

    async def _retract(self, event: Envelope[TaskCommand]) -> None:
        if event.data.retraction is None:
            log.warning("retract without a task of its own: ignored", task_id=str(event.data.task_id))
        elif await self.ingestions.record(event):
            log.info("retraction recorded", retraction=str(event.data.retraction))
        else:
            await self.ingestions.repeat_outcome(event.data.retraction)
