"""Where the druid-submitter can be struck: before and after each of its effects on the world, by name.

A step hangs on a call of a port, or on one of the few edges behind the ports. `struck_submitter` is the service that is
struck there; `test_crashes` holds this table against the ports, so that an effect without a step is noticed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from druid_submitter import ports
from druid_submitter.domain.ingestion import CANCELLED, Refuse, Retract
from sluice.events import DruidSubmitted, FileValidated, Outcome, TaskCommand, TaskCompleted, TaskProgress

PORTS = [port for port in vars(ports).values() if isinstance(port, type) and port.__module__ == ports.__name__]
ASKING = {
    "Contracts.get",
    "DruidTasks.capacity",
    "DruidTasks.columns",
    "DruidTasks.count",
    "DruidTasks.extent",
    "DruidTasks.locked",
    "DruidTasks.presence",
    "DruidTasks.row_stats",
    "DruidTasks.rows",
    "DruidTasks.rules",
    "DruidTasks.segment_types",
    "DruidTasks.statuses",
    "DruidTasks.words",
    "Ingestions.replaced",
    "Ingestions.superseded",
    "Outcomes.outcome",
    "Verdicts.verdict",
}
"""Calls that change nothing."""
EDGES = {"AIOKafkaConsumer.commit", "ObjectStore.create_or_get", "outbox.add", "outbox.relay"}
"""Effects behind the ports: the offset, the outcome on S3, what the outbox takes, what it has told."""


class Moment(StrEnum):
    BEFORE = "before"
    MIDWAY = "midway"
    """The request is on its way, and its answer is not read."""
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Call:
    args: tuple[Any, ...]
    """Without `self`."""
    result: Any = None


@dataclass(frozen=True, slots=True)
class Step:
    moment: Moment
    call: str
    of: str
    """The work at which it is struck."""
    here: Callable[[Call], bool]

    @property
    def name(self) -> str:
        return f"{self.moment} {self.call} of {self.of}" if self.of else f"{self.moment} {self.call}"


def _steps(call: str, *moments: Moment, of: str = "", here: Callable[[Call], bool] = lambda _call: True) -> list[Step]:
    return [Step(moment, call, of, here) for moment in moments]


def _told(call: Call) -> bool:
    """Something has come of it."""
    return bool(call.result)


def _first(kind: type) -> Callable[[Call], bool]:
    """Of an event of this kind."""
    return lambda call: isinstance(call.args[0].data, kind)


def _said(kind: type) -> Callable[[Call], bool]:
    """Of an event of this kind that the outbox takes."""
    return lambda call: isinstance(call.args[2].data, kind)


def _loads(spec: dict[str, Any], *, appending: bool) -> bool:
    return spec["type"] == "index_parallel" and spec["spec"]["ioConfig"]["appendToExisting"] is appending


def _takes_out(spec: dict[str, Any], *, left_behind: bool) -> bool:
    return spec["type"] == "compact" and ("_removal" in spec["id"]) is left_behind


def _ends(outcome: Outcome) -> Callable[[Call], bool]:
    return lambda call: call.args[1].data.outcome is outcome and not isinstance(call.args[0].work, Retract)


BEFORE, MIDWAY, AFTER = Moment
STEPS = (
    *_steps("Ingestions.record", BEFORE, AFTER, of="a verdict", here=_first(FileValidated)),
    *_steps("Ingestions.record", AFTER, of="a retraction", here=_first(TaskCommand)),
    *_steps("Ingestions.cancel", BEFORE, AFTER),
    *_steps("Ingestions.repeat_outcome", BEFORE, AFTER),
    *_steps("AIOKafkaConsumer.commit", BEFORE, AFTER),
    *_steps("Ingestions.lease", BEFORE),
    *_steps("Ingestions.lease", AFTER, here=_told),
    *_steps("Ingestions.renew", BEFORE, AFTER),
    *_steps("Admission.capacity_is_due", BEFORE),
    *_steps("Admission.capacity_is_due", AFTER, here=_told),
    *_steps("Admission.keep", BEFORE, AFTER),
    *_steps("Admission.admit", BEFORE, AFTER),
    *_steps("Pace.may_ask", BEFORE),
    *_steps("Pace.may_ask", AFTER, here=_told),
    *_steps("Pace.heard", BEFORE, AFTER),
    *_steps("Pace.silent", BEFORE, AFTER),
    *_steps("Ingestions.turn", BEFORE, AFTER, of="an append", here=lambda call: not call.args[1].alone),
    *_steps("Ingestions.turn", AFTER, of="a replace", here=lambda call: call.args[1].replaces),
    *_steps("Ingestions.turn", AFTER, of="a retraction", here=lambda call: isinstance(call.args[0].work, Retract)),
    *_steps("Ingestions.step_back", BEFORE, AFTER),
    *_steps(
        "DruidTasks.submit",
        BEFORE,
        MIDWAY,
        AFTER,
        of="an append",
        here=lambda call: _loads(call.args[0], appending=True),
    ),
    *_steps(
        "DruidTasks.submit",
        BEFORE,
        MIDWAY,
        AFTER,
        of="a replace",
        here=lambda call: _loads(call.args[0], appending=False),
    ),
    *_steps(
        "DruidTasks.submit",
        MIDWAY,
        AFTER,
        of="a retraction",
        here=lambda call: _takes_out(call.args[0], left_behind=False),
    ),
    *_steps(
        "DruidTasks.submit",
        *(BEFORE, MIDWAY, AFTER),
        of="a removal",
        here=lambda call: _takes_out(call.args[0], left_behind=True),
    ),
    *_steps("DruidTasks.submit", MIDWAY, of="a noop", here=lambda call: call.args[0]["type"] == "noop"),
    *_steps("DruidTasks.burn", BEFORE, AFTER),
    *_steps("DruidTasks.burn", BEFORE, AFTER, of="a removal", here=lambda call: "_removal" in call.args[0]),
    *_steps("DruidTasks.stop", BEFORE, AFTER),
    *_steps("Ingestions.submitted", BEFORE, AFTER),
    *_steps("outbox.add", BEFORE, of="druid.submitted", here=_said(DruidSubmitted)),
    *_steps("EventPublisher.publish", BEFORE, AFTER, of="druid.submitted", here=_first(DruidSubmitted)),
    *_steps("Ingestions.ingesting", BEFORE, AFTER),
    *_steps("EventPublisher.publish", BEFORE, AFTER, of="task.progress", here=_first(TaskProgress)),
    *_steps("Ingestions.wait", BEFORE, AFTER),
    *_steps("Ingestions.wait_all", BEFORE, AFTER),
    *_steps("Ingestions.proving", BEFORE, AFTER),
    *_steps("Ingestions.look_again", BEFORE, AFTER),
    *_steps("Ingestions.resubmit", BEFORE, AFTER),
    *_steps("Ingestions.try_again", BEFORE, AFTER),
    *_steps("Ingestions.clearing", BEFORE, AFTER, of="a cancel", here=lambda call: call.args[1] == CANCELLED),
    *_steps("Ingestions.clearing", AFTER, of="a failure", here=lambda call: call.args[1] != CANCELLED),
    *_steps("Ingestions.conclude", BEFORE, AFTER, of="a success", here=_ends(Outcome.SUCCEEDED)),
    *_steps("Ingestions.conclude", BEFORE, of="a cancel", here=_ends(Outcome.CANCELLED)),
    *_steps("Ingestions.conclude", BEFORE, of="a failure", here=_ends(Outcome.FAILED)),
    *_steps("Ingestions.conclude", BEFORE, of="a refusal", here=lambda call: isinstance(call.args[0].work, Refuse)),
    *_steps("Ingestions.conclude", BEFORE, of="a retraction", here=lambda call: isinstance(call.args[0].work, Retract)),
    *_steps("outbox.add", BEFORE, of="task.completed", here=_said(TaskCompleted)),
    *_steps("outbox.add", AFTER),
    *_steps("ObjectStore.create_or_get", BEFORE, AFTER),
    *_steps("Evidence.keep", BEFORE, AFTER),
    *_steps("EventPublisher.publish", BEFORE, AFTER, of="task.completed", here=_first(TaskCompleted)),
    *_steps("outbox.relay", BEFORE),
    *_steps("outbox.relay", AFTER, here=_told),
)


def effects() -> set[str]:
    """Every call by which the druid-submitter changes something outside of itself."""
    calls = {f"{port.__name__}.{name}" for port in PORTS for name in vars(port) if not name.startswith("_")}
    return calls - ASKING | EDGES
