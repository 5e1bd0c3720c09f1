"""Fakes at the submitter's ports. What they play is held against Druid by the scenarios of `test_scenarios.py`."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from ingestions_in_memory import LEASE, FreePace, InMemoryAdmission, InMemoryIngestions

from druid_submitter.domain.admission import Capacity
from druid_submitter.domain.failure import Attempts, Words
from druid_submitter.domain.interval import Interval
from druid_submitter.domain.watch import Presence, RowStats, TaskState, TaskStatus
from druid_submitter.usecases import Limits, RecordCommand, RecordVerdict, World, advance_ingestions
from sluice.contracts import Contract, DruidMode, DruidTarget, Field, FieldType, Partitions, Rollup
from sluice.errors import Transient
from sluice.events import FileValidated, TaskCompleted
from sluice.testing import ManualClock, RecordingPublisher

STEP = timedelta(minutes=1)
FOUR_SLOTS = Capacity(slots=4, most=4, used=0)

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
    minutes: int | None = None
    rollup: Rollup | None = None
    partitions: Partitions = field(default_factory=Partitions)

    async def get(self, _reference):
        how = {"mode": self.mode, "time_limit_minutes": self.minutes, "rollup": self.rollup}
        return replace(CONTRACT, druid=replace(CONTRACT.druid, partitions=self.partitions, **how))


@dataclass
class KnownVerdicts:
    """What stands on S3: verdicts, and outcomes of an earlier day."""

    facts: dict[UUID, FileValidated] = field(default_factory=dict)
    outcomes: dict[UUID, TaskCompleted] = field(default_factory=dict)

    async def outcome(self, _accepted_at, task_id):
        return self.outcomes.get(task_id)

    async def verdict(self, _datasource, task_id):
        return self.facts.get(task_id)


@dataclass
class KeptWords:
    kept: dict[int, Words] = field(default_factory=dict)

    async def keep(self, _datasource, _task_id, attempt, words):
        self.kept.setdefault(attempt, words)
        return f"s3://sluice/druid-{attempt}.json"


@dataclass
class ScriptedDruid:
    """A Druid that answers what the test says, and remembers what it was given."""

    state: TaskState = TaskState.RUNNING
    stats: RowStats | None = None
    counted: int = 0
    loaded: bool = True
    spans: list = field(default_factory=list)
    """In which rows were counted."""
    rolled_up: list = field(default_factory=list)
    """Whether several could have become one."""
    refusing: Exception | None = None
    submitted: list = field(default_factory=list)
    specs: list = field(default_factory=list)
    stopped: list = field(default_factory=list)
    there: Interval | None = None
    room: Capacity | None = FOUR_SLOTS
    locks: list = field(default_factory=list)
    types: list = field(default_factory=list)
    asked: list = field(default_factory=list)
    """How many ids at a time."""
    burnt: list = field(default_factory=list)
    held: int | None = 0
    names: frozenset[str] = frozenset()
    error: str = "the heavens fell"
    """What it says where it fails."""
    retention: list = field(default_factory=list)
    removals: dict = field(default_factory=dict)
    """States of removals, by id; those that were submitted and are not named run."""

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

    async def capacity(self):
        if isinstance(self.refusing, Transient):
            raise self.refusing
        return self.room

    async def segment_types(self, _datasource, _interval):
        return self.types

    async def locked(self, _datasource):
        return self.locks

    async def statuses(self, task_ids):
        self.asked.append(len(task_ids))
        if isinstance(self.refusing, Transient):
            raise self.refusing
        return {each: TaskStatus(self._state_of(each)) for each in task_ids}

    def _state_of(self, task_id):
        if "_removal" not in task_id:
            return self.state
        if task_id in self.burnt:
            return TaskState.SUCCESS
        return self.removals.get(task_id, TaskState.RUNNING if task_id in self.submitted else TaskState.UNKNOWN)

    async def words(self, _datasource, _task_id):
        return Words(status=self.error)

    async def rules(self, _datasource):
        return self.retention

    async def burn(self, task_id, _datasource):
        if isinstance(self.refusing, Transient):
            raise self.refusing
        if task_id in self.burnt:
            return True
        if self._state_of(task_id) is not TaskState.UNKNOWN:
            return False
        self.burnt.append(task_id)
        return True

    async def extent(self, _datasource):
        return self.there

    async def row_stats(self, _task_id):
        return self.stats

    async def rows(self, _datasource, interval):
        self.spans.append(interval)
        return self.held

    async def columns(self, _datasource):
        return self.names

    async def count(self, _datasource, _task_id):
        return self.counted

    async def presence(self, _datasource, _task_id, interval, *, rolled_up=False):
        self.spans.append(interval)
        self.rolled_up.append(rolled_up)
        return Presence(self.counted, self.loaded)


class Bench:
    """The submitter on fakes. `behind`: seconds by which the clock of the replica is behind that of the rows."""

    def __init__(
        self, mode=DruidMode.APPEND, *, clock=None, behind=0, lease=LEASE, step=STEP, druid=None, pace=None, **contract
    ):
        self.clock, self.behind = clock or ManualClock(), behind
        self.druid = druid or ScriptedDruid()
        self.ingestions = InMemoryIngestions(self.clock)
        self.paused = set()
        self.admission = InMemoryAdmission(self.ingestions, paused=self._paused)
        self.pace = pace or FreePace()
        self.progress = RecordingPublisher()
        self.verdicts = KnownVerdicts()
        self.evidence = KeptWords()
        self.record = RecordVerdict(self.ingestions)
        self.command = RecordCommand(self.ingestions)
        world = World(
            self.ingestions,
            self.admission,
            self._paused,
            self.pace,
            self.druid,
            OneContract(mode, **contract),
            self.verdicts,
            self.verdicts,
            self.evidence,
            self.progress,
            lambda: self.clock() - timedelta(seconds=self.behind),
            lambda: self.clock().timestamp(),
        )
        attempts = Attempts(3, timedelta(seconds=10))
        self.advance = advance_ingestions(world, Limits(100, lease, step, attempts, timedelta(days=2)))

    async def _paused(self):
        return self.paused

    async def turn(self, times=1, seconds=9.0):
        """Every loop twice; then time goes by."""
        for _ in range(times):
            for loop in (self.advance.admit, self.advance.submit, self.advance.watch, self.advance.conclude):
                await loop()
                await loop()  # once to say what it wishes, once more when it is admitted
            self.clock.advance(seconds)

    def said(self, fact):
        return [each.data for each in self.ingestions.said if isinstance(each.data, fact)]
