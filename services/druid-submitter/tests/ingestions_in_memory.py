"""The rows of ingestions, and who is admitted, in memory. `test_turns.py` and `test_admission.py` hold Postgres to the same."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from druid_submitter.domain.admission import Capacity, Room, Wanted, grant
from druid_submitter.domain.ingestion import Ingestion, Load, Phase, about, first_phase
from druid_submitter.domain.turn import Later, Now, Superseded, kind_of
from sluice.events import Outcome, WaitsFor
from sluice.testing import ManualClock

LEASE = timedelta(seconds=30)


@dataclass
class InMemoryIngestions:
    clock: ManualClock
    rows: dict[UUID, dict] = field(default_factory=dict)
    said: list = field(default_factory=list)
    cancels: set[UUID] = field(default_factory=set)
    capacity: Capacity | None = None

    async def record(self, cause):
        if about(cause).task_id in self.rows:
            return False
        self.rows[about(cause).task_id] = {
            "cause": cause,
            "phase": first_phase(cause),
            "attempt": 1,
            "polls": 0,
            "unknown_polls": 0,
            "missing_since": None,
            "problem": None,
            "lease": 0,
            "due": self.clock(),
            "until": self.clock(),
            "outcome": None,
            "wish": None,
            "admitted": False,
            "loaded": False,
            "slots": 0,
            "resume_at": None,
            "waits_for": None,
            "deadline": None,
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

    async def lease(self, phases, limit):
        now = self.clock()
        free = [row for row in self.rows.values() if row["phase"] in phases and max(row["due"], row["until"]) <= now]
        due = sorted(free, key=lambda row: (row["slots"] == 0, row["due"]))[:limit]
        for row in due:
            row["lease"] += 1
            row["due"] = row["until"] = now + LEASE
        return [self._shown(row) for row in due]

    async def renew(self, held):
        for ingestion in held:
            row, until = self.rows[ingestion.task_id], self.clock() + LEASE
            if row["phase"] is not Phase.CONCLUDED and row["until"] > self.clock():
                due = row["due"] if row["due"] < row["until"] else until
                self._change(ingestion, due=due, until=until)

    def _shown(self, row):
        cancelled, now = about(row["cause"]).task_id in self.cancels, self.clock()
        missing_for = now - (row["missing_since"] or now)
        return Ingestion(**{name: row[name] for name in SHOWN}, cancelled=cancelled, missing_for=missing_for)

    def _change(self, ingestion, said=None, **changes):
        row = self.rows[ingestion.task_id]
        if row["lease"] != ingestion.lease:
            return False
        row.update(changes)
        if said:
            self.said.append(said)
        return True

    async def turn(self, ingestion, wish):
        mine = self.rows[ingestion.task_id]
        if mine["lease"] != ingestion.lease:
            return Later(WaitsFor.SLOT)
        mine["wish"] = wish
        if mine["slots"]:
            return Now(mine["slots"])
        if mine["admitted"]:
            locked = mine["resume_at"] and mine["resume_at"] > self.clock()
            return Later(WaitsFor.LOCK if locked else WaitsFor.SLOT)
        if self.superseded_by_later(mine):
            return Superseded()
        if before := self.before(mine):
            wish = max((row["wish"] for row in before), key=lambda each: each is None or each.alone)
            return Later(kind_of(alone=wish and wish.alone, replaces=wish and wish.replaces))
        return Later(WaitsFor.WORKERS if self.capacity and not self.capacity.most else WaitsFor.SLOT)

    def _others(self, mine):
        return [row for row in self.rows.values() if row is not mine and _datasource(row) == _datasource(mine)]

    def superseded_by_later(self, mine):
        later = [row for row in self._others(mine) if row["loaded"] and _order(row) > _order(mine)]
        return any(_clash(row["wish"], mine["wish"]) for row in later)

    def before(self, mine):
        return [row for row in self._others(mine) if row["phase"] is not Phase.CONCLUDED and _blocks(row, mine)]

    async def step_back(self, ingestion, pause, waits_for):
        resume_at = self.clock() + pause
        changes = {"slots": 0, "resume_at": resume_at, "waits_for": waits_for, "polls": ingestion.polls + 1}
        self._give_back(ingestion, pause, **changes)

    async def superseded(self, ingestion, wish):
        return self.superseded_by_later({**self.rows[ingestion.task_id], "wish": wish})

    async def replaced(self, ingestion):
        mine = self.rows[ingestion.task_id]
        later = [row for row in self._others(mine) if row["loaded"] and _order(row) > _order(mine)]
        return any(row["wish"].replaces and _clash(row["wish"], mine["wish"]) for row in later)

    async def submitted(self, ingestion, fact, deadline):
        self._free(ingestion, fact, phase=Phase.SUBMITTED, **AFRESH, waits_for=None, deadline=deadline)

    async def ingesting(self, ingestion):
        self._change(ingestion, phase=Phase.INGESTING)

    async def proving(self, ingestion):
        self._free(ingestion, phase=Phase.PROVING, **AFRESH)

    async def look_again(self, ingestion):
        self._free(ingestion, phase=Phase.INGESTING, **AFRESH)

    async def resubmit(self, ingestion, attempt, problem):
        self._free(ingestion, phase=Phase.SUBMITTING, attempt=attempt, problem=problem, **AFRESH)

    async def try_again(self, ingestion, pause):
        due = self.clock() + pause
        changes = {"attempt": ingestion.attempt + 1, "slots": 0, "resume_at": due, "due": due, "until": self.clock()}
        self._change(ingestion, phase=Phase.SUBMITTING, **AFRESH, **changes)

    async def clearing(self, ingestion, problem):
        self._free(ingestion, phase=Phase.CLEARING, problem=problem, **AFRESH)

    async def conclude(self, ingestion, fact):
        loaded = fact.data.outcome is Outcome.SUCCEEDED and isinstance(ingestion.work, Load)
        if not self._change(ingestion, fact, phase=Phase.CONCLUDED, outcome=fact, loaded=loaded):
            return
        if fact.data.outcome is Outcome.SUCCEEDED and fact.data.retracts in self.rows:
            self.rows[fact.data.retracts]["loaded"] = False

    async def wait(self, ingestion, pause, *, unknown=False, missing=False, waits_for=None):
        changes = {"polls": ingestion.polls + 1, "unknown_polls": ingestion.unknown_polls + 1 if unknown else 0}
        since = self.rows[ingestion.task_id]["missing_since"] or self.clock()
        changes |= {"missing_since": since if missing else None, "waits_for": waits_for}
        self._give_back(ingestion, pause, **changes)

    async def wait_all(self, held):
        for ingestion, pause in held:
            self._give_back(ingestion, pause, polls=ingestion.polls + 1)

    def _free(self, ingestion, said=None, **changes):
        self._change(ingestion, said, due=self.clock(), until=self.clock(), **changes)

    def _give_back(self, ingestion, pause, **changes):
        row = self.rows[ingestion.task_id]
        woken = row["due"] < row["until"]
        self._change(ingestion, due=row["due"] if woken else self.clock() + pause, until=self.clock(), **changes)


AFRESH = {"polls": 0, "unknown_polls": 0, "missing_since": None}
IN_DRUID = {Phase.SUBMITTING, Phase.SUBMITTED, Phase.INGESTING}
SHOWN = ("cause", "phase", "attempt", "polls", "unknown_polls", "problem", "lease", "waits_for", "deadline", "admitted")


async def nothing_is_paused():
    return ()


@dataclass
class InMemoryAdmission:
    ingestions: InMemoryIngestions
    tasks_per_slot: float = 3.0
    others: int = 0
    due: bool = True
    paused: Callable = nothing_is_paused
    unknown_slots: int = 20

    async def capacity_is_due(self):
        return self.due

    async def keep(self, capacity):
        self.ingestions.capacity = capacity
        self.others = max(capacity.used - self._taken(), 0) if capacity else 0

    def _placed(self):
        return [row for row in self.ingestions.rows.values() if row["slots"] and row["phase"] in IN_DRUID]

    def _taken(self):
        return sum(row["slots"] for row in self._placed())

    async def admit(self):
        paused = await self.paused()
        rows, running = list(self.ingestions.rows.values()), Counter(map(_datasource, self._placed()))
        told = self.ingestions.capacity
        room = Room(told.slots if told else None, told.most if told else 0, self.others, self._taken())
        turns, reach = [], room.reach(self.unknown_slots)
        for row in sorted(rows, key=_order):
            if _datasource(row) in paused:
                continue
            if row["phase"] is Phase.SUBMITTING and not row["slots"] and self._has_turn(row):
                running[_datasource(row)] += 1
                turns.append((running[_datasource(row)], _order(row), row))
        in_order = [row for *_, row in sorted(turns, key=lambda each: each[:2]) if row["wish"].needs <= reach]
        wanted = [Wanted(row["wish"].slots, row["wish"].needs) for row in in_order]
        given = grant(wanted, room, self.tasks_per_slot, self.unknown_slots)
        for row, slots in zip(in_order, given, strict=False):
            row.update(admitted=True, slots=slots, due=self.ingestions.clock())

    def _has_turn(self, row):
        if row["admitted"]:
            return row["resume_at"] is None or row["resume_at"] <= self.ingestions.clock()
        if row["wish"] is None or self.ingestions.before(row):
            return False
        if self.ingestions.superseded_by_later(row):
            row["due"] = self.ingestions.clock()
            return False
        return True


class FreePace:
    """Druid may be asked whenever somebody wants to."""

    silences = 0

    async def may_ask(self):
        return True

    async def heard(self):
        self.silences = 0

    async def silent(self):
        self.silences += 1


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
