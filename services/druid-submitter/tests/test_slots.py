"""Druid's slots while work waits, in simulated time: all loops at their own pace, tasks of a third of a second."""

from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta

from ingestions_in_memory import FreePace
from submitter_fakes import Bench, ScriptedDruid

from druid_submitter.domain.watch import Presence, RowStats, TaskState, TaskStatus
from sluice.events import TaskCompleted
from sluice.testing import ManualClock, file_validated, verdict_accepted

TICK = 0.05
SECONDS = 0.3
SLOTS = 4
LOOPS = {"submit": 0.1, "watch": 0.1, "conclude": 0.1, "admit": 1.0}


@dataclass
class DruidOfFourSlots(ScriptedDruid):
    clock: ManualClock | None = None
    queue: deque = field(default_factory=deque)
    ends: dict = field(default_factory=dict)
    done: set = field(default_factory=set)

    def tick(self) -> int:
        """Slots that are busy from now on."""
        now = self.clock()
        self.done |= {task_id for task_id, end in self.ends.items() if end <= now}
        self.ends = {task_id: end for task_id, end in self.ends.items() if end > now}
        while self.queue and len(self.ends) < SLOTS:
            self.ends[self.queue.popleft()] = now + timedelta(seconds=SECONDS)
        return len(self.ends)

    async def submit(self, spec):
        self.queue.append(spec["id"])

    async def statuses(self, task_ids):
        self.asked.append(len(task_ids))
        return {each: TaskStatus(TaskState.SUCCESS if each in self.done else TaskState.RUNNING) for each in task_ids}

    async def row_stats(self, _task_id):
        return RowStats(10, 0)

    async def presence(self, *_, **__):
        return Presence(10, loaded=True)


@dataclass
class FivePerSecond(FreePace):
    clock: ManualClock
    next: object = None

    async def may_ask(self):
        if self.next is not None and self.clock() < self.next:
            return False
        self.next = self.clock() + timedelta(seconds=0.2)
        return True


async def test_no_slot_stands_idle_while_work_waits():
    clock = ManualClock()
    druid = DruidOfFourSlots(clock=clock)
    bench = Bench(clock=clock, druid=druid, pace=FivePerSecond(clock))
    for _ in range(80):
        await bench.record(file_validated(verdict_accepted(10)))
    busy = ticks = 0
    while len(bench.said(TaskCompleted)) < 80:
        for name, pause in LOOPS.items():
            if round(ticks % (pause / TICK)) == 0:
                while await getattr(bench.advance, name)():
                    pass
        ticks += 1
        now_busy = druid.tick()
        if any(not row["slots"] for row in bench.ingestions.rows.values()):
            busy, waited = busy + now_busy, ticks
        clock.advance(TICK)
        assert ticks * TICK < 60
    assert busy / (waited * SLOTS) > 0.97
    assert len(druid.asked) <= 5 * ticks * TICK + 1
