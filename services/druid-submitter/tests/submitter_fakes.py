"""Fakes at the submitter's ports. `test_adapters.py` holds them against Postgres and Druid."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from druid_submitter.domain.ingestion import Ingestion, Load, Phase, about, first_phase
from druid_submitter.domain.interval import Interval
from druid_submitter.domain.turn import Turn
from druid_submitter.domain.watch import Presence, RowStats, TaskState, TaskStatus
from druid_submitter.usecases import RecordCommand, RecordVerdict, advance_ingestions
from sluice.contracts import Contract, DruidMode, DruidTarget, Field, FieldType
from sluice.errors import Transient
from sluice.events import FileValidated, Outcome
from sluice.testing import ManualClock, RecordingPublisher

CONTRACT = Contract(
    datasource="sales",
    version="1.0.0",
    fields=(
        Field("OrderID", FieldType.STRING, required=True),
        Field("TransactionTimestamp", FieldType.TIMESTAMP, required=True),
        Field("Quantity", FieldType.INTEGER),
        Field("UnitPrice", FieldType.NUMBER),
        Field("Gift", FieldType.BOOLEAN),
        Field("DeliveredOn", FieldType.DATE),
    ),
    druid=DruidTarget("TransactionTimestamp"),
)


@dataclass
class OneContract:
    mode: DruidMode = DruidMode.APPEND

    async def get(self, _reference):
        return replace(CONTRACT, druid=replace(CONTRACT.druid, mode=self.mode))


@dataclass
class KnownVerdicts:
    """What the validator has written down."""

    facts: dict[UUID, FileValidated] = field(default_factory=dict)

    async def verdict(self, _datasource, task_id):
        return self.facts.get(task_id)


@dataclass
class ScriptedDruid:
    """A Druid that answers what the test says, and remembers what it was given."""

    state: TaskState = TaskState.RUNNING
    stats: RowStats | None = None
    counted: int = 0
    loaded: bool = True
    spans: list = field(default_factory=list)
    """In which rows were counted."""
    refusing: Exception | None = None
    submitted: list = field(default_factory=list)
    specs: list = field(default_factory=list)
    stopped: list = field(default_factory=list)
    there: Interval | None = None
    burnt: list = field(default_factory=list)

    def finish(self, rows: int) -> None:
        self.state, self.stats, self.counted = TaskState.SUCCESS, RowStats(rows, 0), rows

    async def submit(self, spec):
        if self.refusing:
            raise self.refusing
        self.submitted.append(spec["id"])
        self.specs.append(spec)

    async def stop(self, task_id):
        self.stopped.append(task_id)
        if self.state is TaskState.RUNNING:
            self.state = TaskState.FAILED

    async def statuses(self, task_ids):
        if isinstance(self.refusing, Transient):
            raise self.refusing
        return dict.fromkeys(task_ids, TaskStatus(self.state, "disk full" if self.state is TaskState.FAILED else None))

    async def burn(self, task_id, _datasource):
        if isinstance(self.refusing, Transient):
            raise self.refusing
        if self.state is not TaskState.UNKNOWN:
            return False
        self.burnt.append(task_id)
        return True

    async def extent(self, _datasource):
        return self.there

    async def row_stats(self, _task_id):
        return self.stats

    async def presence(self, _datasource, _task_id, interval):
        self.spans.append(interval)
        return Presence(self.counted, self.loaded)


@dataclass
class InMemoryIngestions:
    clock: ManualClock
    rows: dict[UUID, dict] = field(default_factory=dict)
    said: list = field(default_factory=list)
    cancels: set[UUID] = field(default_factory=set)

    async def record(self, cause):
        if about(cause).task_id in self.rows:
            return False
        self.rows[about(cause).task_id] = {
            "cause": cause,
            "phase": first_phase(cause),
            "attempt": 1,
            "polls": 0,
            "unknown_polls": 0,
            "problem": None,
            "lease": 0,
            "due": self.clock(),
            "outcome": None,
            "wish": None,
            "admitted": False,
            "loaded": False,
        }
        return True

    async def cancel(self, command):
        task_id = command.data.task_id
        if task_id in self.cancels:
            return
        self.cancels.add(task_id)
        if task_id in self.rows:
            self.rows[task_id]["due"] = self.clock()

    async def repeat_outcome(self, task_id):
        if outcome := self.rows.get(task_id, {}).get("outcome"):
            self.said.append(outcome)

    async def lease(self):
        due = []
        for row in self.rows.values():
            if row["phase"] is not Phase.CONCLUDED and row["due"] <= self.clock():
                row["lease"] += 1
                row["due"] = self.clock() + timedelta(seconds=30)
                fields = {
                    k: row[k] for k in ("cause", "phase", "attempt", "polls", "unknown_polls", "problem", "lease")
                }
                due.append(Ingestion(**fields, cancelled=about(row["cause"]).task_id in self.cancels))
        return due

    def _change(self, ingestion, said=None, **changes):
        row = self.rows[ingestion.task_id]
        if row["lease"] != ingestion.lease:
            return
        row.update(changes)
        if said:
            self.said.append(said)

    async def turn(self, ingestion, wish):
        mine = self.rows[ingestion.task_id]
        if mine["lease"] != ingestion.lease:
            return Turn.LATER
        mine["wish"] = wish
        if mine["admitted"]:
            return Turn.NOW
        others = [row for row in self.rows.values() if row is not mine and _datasource(row) == _datasource(mine)]
        if any(row["loaded"] and _order(row) > _order(mine) and _clash(row["wish"], wish) for row in others):
            return Turn.OVERTAKEN
        if any(_blocks(row, mine) for row in others if row["phase"] is not Phase.CONCLUDED):
            return Turn.LATER
        mine["admitted"] = True
        return Turn.NOW

    async def submitted(self, ingestion, fact):
        self._change(ingestion, fact, phase=Phase.SUBMITTED, polls=0, unknown_polls=0, due=self.clock())

    async def ingesting(self, ingestion):
        self._change(ingestion, phase=Phase.INGESTING)

    async def resubmit(self, ingestion, attempt):
        changes = {"phase": Phase.SUBMITTING, "attempt": attempt, "polls": 0, "unknown_polls": 0, "due": self.clock()}
        self._change(ingestion, **changes)

    async def clearing(self, ingestion, problem):
        self._change(ingestion, phase=Phase.CLEARING, problem=problem, polls=0, due=self.clock())

    async def conclude(self, ingestion, fact):
        loaded = fact.data.outcome is Outcome.SUCCEEDED and isinstance(ingestion.work, Load)
        self._change(ingestion, fact, phase=Phase.CONCLUDED, outcome=fact, loaded=loaded)
        waiting = [
            row
            for row in self.rows.values()
            if _datasource(row) == ingestion.datasource and row["phase"] is Phase.SUBMITTING and not row["admitted"]
        ]
        for row in sorted(waiting, key=_order):
            row["due"] = self.clock()
            if row["wish"] is None or row["wish"].alone:
                return

    async def wait(self, ingestion, until, *, unknown=False):
        polls, unknown_polls = ingestion.polls + 1, ingestion.unknown_polls + 1 if unknown else 0
        self._change(ingestion, polls=polls, unknown_polls=unknown_polls, due=until)


def _datasource(row):
    return about(row["cause"]).datasource


def _order(row):
    told = about(row["cause"])
    return told.accepted_at, told.task_id


def _clash(later, mine):
    overlap = later.span.start < mine.span.end and mine.span.start < later.span.end
    return overlap and (mine.replaces or (later.replaces and not mine.alone))


def _blocks(other, mine):
    beside = not mine["wish"].alone and other["wish"] is not None and not other["wish"].alone
    before = other["phase"] is Phase.SUBMITTING and _order(other) < _order(mine)
    return not beside and (other["admitted"] or before)


class Bench:
    """The submitter on fakes."""

    def __init__(self, mode=DruidMode.APPEND):
        self.clock = ManualClock()
        self.druid = ScriptedDruid()
        self.ingestions = InMemoryIngestions(self.clock)
        self.progress = RecordingPublisher()
        self.verdicts = KnownVerdicts()
        self.record = RecordVerdict(self.ingestions)
        self.command = RecordCommand(self.ingestions)
        self.advance = advance_ingestions(
            self.ingestions, self.druid, OneContract(mode), self.verdicts, events=self.progress, clock=self.clock
        )

    async def turn(self, times=1, seconds=6.0):
        for _ in range(times):
            await self.advance()
            self.clock.advance(seconds)

    def said(self, fact):
        return [each.data for each in self.ingestions.said if isinstance(each.data, fact)]
