"""Any files, retractions and cancels, heard twice or late, by two replicas of which some die: what Druid holds in the end is what a
model in a dozen lines of Python says, from the order of acceptance and the outcomes alone.
"""

import asyncio
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from played_on import REAL, SIMULATOR
from submitter_bench import ROWS_A_DAY, File, SubmitterBench, open_bench

from druid_submitter.settings import SubmitterSettings
from sluice.contracts import DruidMode
from sluice.events import Outcome

DAYS = range(4)


@dataclass(frozen=True)
class Load:
    """A file is accepted. `late`: its verdict is heard only at the end."""

    mode: DruidMode
    days: tuple[int, ...]
    late: bool


@dataclass(frozen=True)
class Retract:
    """Of the n-th file, once it has succeeded."""

    number: int


@dataclass(frozen=True)
class Cancel:
    number: int


@dataclass(frozen=True)
class HearAgain:
    number: int


@dataclass(frozen=True)
class Work:
    """Both replicas, at the same time."""

    steps: int


@dataclass(frozen=True)
class Die:
    """A replica in the midst of a step, after so many seconds; its leases run out while the other works on."""

    seconds: float


numbers = st.integers(0, 5)
OPERATIONS = st.lists(
    st.one_of(
        st.builds(
            Load,
            st.sampled_from(DruidMode),
            st.sets(st.sampled_from(DAYS), min_size=1, max_size=3).map(lambda days: tuple(sorted(days))),
            st.sampled_from([False, False, True]),
        ),
        st.builds(Retract, numbers),
        st.builds(Cancel, numbers),
        st.builds(HearAgain, numbers),
        st.builds(Work, st.integers(1, 4)),
        st.builds(Die, st.floats(0.001, 0.1)),
    ),
    min_size=4,
    max_size=10,
)


@dataclass
class Model:
    """What was asked, in the order of acceptance. A retraction is the task whose rows it takes out."""

    asked: list[tuple[UUID, DruidMode, tuple[int, ...]] | tuple[UUID, UUID]] = field(default_factory=list)

    def rows(self, outcomes: dict[UUID, Outcome]) -> dict[str, int]:
        """Of each task that has some."""
        days_of: dict[UUID, set[int]] = {}
        for task_id, *what in self.asked:
            if outcomes[task_id] is not Outcome.SUCCEEDED:
                continue
            match what:
                case [taken_out]:
                    days_of.pop(taken_out, None)
                case [mode, days]:
                    if mode is not DruidMode.APPEND:
                        span = DAYS if mode is DruidMode.REPLACE_ALL else range(min(days), max(days) + 1)
                        days_of = {each: left - set(span) for each, left in days_of.items()}
                    days_of[task_id] = set(days)
        return {str(task_id): ROWS_A_DAY * len(left) for task_id, left in days_of.items() if left}


class Play:
    def __init__(self, bench: SubmitterBench) -> None:
        self.bench = bench
        self.model = Model()
        self.files: list[File] = []
        self.late: list[File] = []
        self.replicas = [bench.replica(), bench.replica()]

    async def do(self, operation) -> None:
        match operation:
            case Load(mode, days, late):
                file = await self.bench.file(*days, mode=mode)
                self.files.append(file)
                self.model.asked.append((file.task_id, mode, days))
                await (self.hear_late(file) if late else self.bench.hears(file))
            case Work(steps):
                await self.work(steps)
            case Die(seconds):
                await self.die(seconds)
            case Retract(number) | Cancel(number) | HearAgain(number):
                if number < len(self.files):
                    await self.ask(operation, self.files[number])

    async def ask(self, operation, file: File) -> None:
        match operation:
            case Retract():
                done = (await self.bench.told()).get(file.task_id)
                if done and done.outcome is Outcome.SUCCEEDED:  # of others the gateway takes no retract
                    self.model.asked.append((await self.bench.retract(file, times=2), file.task_id))
            case Cancel():
                await self.bench.cancel(file.task_id)
            case HearAgain() if file not in self.late:
                await self.bench.hears(file)

    async def hear_late(self, file: File) -> None:
        self.late.append(file)

    async def work(self, steps: int) -> None:
        for _ in range(steps):
            await asyncio.gather(*(replica.step() for replica in self.replicas))

    async def die(self, seconds: float) -> None:
        step = asyncio.create_task(self.replicas[0].step())
        await asyncio.wait({step}, timeout=seconds)
        await self.leases_run_out()
        other = asyncio.create_task(self.replicas[1].step())
        await asyncio.wait(
            {step}, timeout=seconds
        )  # it was only slow for a while, and does not know that it is too late
        step.cancel()
        for ended in await asyncio.gather(step, other, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
        await self.leases_run_out()  # also those that it took after the first ones
        self.replicas[0] = self.bench.replica()

    async def leases_run_out(self) -> None:
        free = "leased_until = now(), due_at = now()"
        await self.bench.pool.execute(f"UPDATE submitter.ingestions SET {free} WHERE leased_until > now()")  # noqa: S608 - ours

    async def end(self) -> None:
        await self.bench.hears(*self.late)
        outcomes: dict[UUID, Outcome] = {}
        async with asyncio.timeout(120):
            while set(outcomes) != {task_id for task_id, *_ in self.model.asked}:
                await self.work(1)
                outcomes = {task_id: done.outcome for task_id, done in (await self.bench.told()).items()}
        await self.bench.holds_rows(self.model.rows(outcomes))


async def play(submitter: SubmitterSettings, operations) -> None:
    async with open_bench(submitter) as bench:
        playing = Play(bench)
        for operation in operations:
            await playing.do(operation)
        await playing.end()


def examples(number: int):
    """Not made smaller where one fails: each takes seconds, and is short."""
    return settings(
        max_examples=number,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        deadline=None,
        print_blob=True,
    )


@pytest.mark.parametrize("stage", [SIMULATOR], indirect=True)
@examples(25)
@given(operations=OPERATIONS)
def test_what_the_simulator_holds_is_what_the_model_says(stage, operations):
    asyncio.run(play(stage, operations))


@pytest.mark.parametrize("stage", [REAL], indirect=True)
@examples(3)
@given(operations=OPERATIONS)
def test_what_druid_holds_is_what_the_model_says(stage, operations):
    asyncio.run(play(stage, operations))
