"""No file harms another: each kind of harm ends in its verdict, and the next file passes."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from sluice.contracts import Contract, Field, FieldType, PolicyMode
from sluice.events import FileUploaded, Problem
from sluice_engine import paths
from sluice_engine.judged import Judged
from validator.adapters.child import Limits, stderr_file
from validator.adapters.children import ChildJudge
from validator.adapters.sample import CONTRACT
from validator.adapters.selftest import require_sound
from validator.adapters.workshop import Workshop
from validator.domain.verdicts import Crashed, Unjudged
from validator.errors import ChildBroken

GOOD = b"at,count\n2024-01-01T00:00:00Z,1\n"
REFUSED = Problem(code="rules-broken", message="…")
pytestmark = pytest.mark.asyncio(loop_scope="module")
MISBEHAVING = (sys.executable, str(Path(__file__).with_name("misbehaving.py")))


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path / "work")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def judge() -> AsyncIterator[ChildJudge]:
    child = ChildJudge(
        Limits(memory_bytes=600_000_000, cpu_seconds=2, disk_bytes=50_000_000), 120, 1_000_000, MISBEHAVING
    )
    yield child
    await child.close()


async def put(judge: ChildJudge, workshop: Workshop, make_fact, filename: str) -> Judged | Unjudged | Crashed:
    with workshop.folder() as folder:
        paths.input_file(folder).write_bytes(GOOD)
        fact: FileUploaded = make_fact("csv", CONTRACT.datasource, filename)
        return await judge(folder, fact, CONTRACT)


async def gone(pid: int) -> bool:
    async with asyncio.timeout(5):
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.02)
    return True


@pytest.mark.parametrize(
    ("harm", "limit", "taken"),
    [
        ("bomb", "600 MB of memory", r"(5[5-9]\d|6\d\d|7\d\d) MB of memory"),
        ("allocate", "600 MB of memory", r"\d+ MB of memory"),
        ("loop", "2 seconds of CPU time", r"[2-9](\.\d+)? s of CPU time"),
        ("sleep", "1 seconds", r"in \d+(\.\d+)? s"),
        ("scatter", "50 MB of disk", r"\d+ MB of memory"),
        ("fill", "50 MB of disk", r"\d+ MB of memory"),
    ],
)
async def test_excess_ends_that_file_alone_and_says_limit_and_peak(
    harm, limit, taken, judge, workshop, make_fact, monkeypatch
):
    with monkeypatch.context() as hurried:
        if harm == "sleep":
            hurried.setattr(judge, "wall_seconds", 1)
        ended = await put(judge, workshop, make_fact, harm)
    assert isinstance(ended, Unjudged)
    assert (ended.kind, ended.problem.code) == ("rejected", "resource-limit")
    assert f"more than {limit}." in ended.problem.message
    assert re.search(f"had taken .*{taken}", ended.problem.message)
    following = await put(judge, workshop, make_fact, "good")
    assert isinstance(following, Judged)
    assert following.problem is None
    assert list(workshop.mine.iterdir()) == []


@pytest.mark.parametrize(
    ("harm", "how"), [("abort", "signal 6"), ("killed", "signal 9"), ("exit", "an end without a result")]
)
async def test_crash_is_told_from_excess_and_leaves_the_folder_as_it_was(harm, how, judge, workshop, make_fact):
    with workshop.folder() as folder:
        paths.input_file(folder).write_bytes(GOOD)
        ended = await judge(folder, make_fact("csv", CONTRACT.datasource, harm), CONTRACT)
        assert isinstance(ended, Crashed)
        assert re.match(rf"{how}, with \d+ MB of memory and \S+ s of CPU time in", ended.reason)
        assert [each.name for each in folder.iterdir()] == ["input"]
        assert isinstance(await judge(folder, make_fact("csv"), CONTRACT), Judged)


async def test_fault_of_ours_is_raised_without_values_and_the_next_file_passes(judge, workshop, make_fact):
    with pytest.raises(ChildBroken) as raised:
        await put(judge, workshop, make_fact, "raise")
    assert "cell" not in str(raised.value)
    assert isinstance(await put(judge, workshop, make_fact, "good"), Judged)


async def test_neighbours_at_work_do_not_notice_a_harm(workshop, make_fact):
    judge = ChildJudge(Limits(memory_bytes=600_000_000, cpu_seconds=60), 60, 1_000_000, MISBEHAVING, slots=3)
    try:
        names = ["abort", "good", "killed", "raise", "good", "bomb", "good"]
        ended = await asyncio.gather(*(put(judge, workshop, make_fact, name) for name in names), return_exceptions=True)
    finally:
        await judge.close()
    kinds = [Crashed, Judged, Crashed, ChildBroken, Judged, Unjudged, Judged]
    assert [type(each) for each in ended] == kinds


async def test_no_more_children_work_at_once_than_there_are_slots(workshop, make_fact):
    judge = ChildJudge(Limits(memory_bytes=600_000_000, cpu_seconds=60), 60, 1_000_000, MISBEHAVING, slots=2)
    tasks = [asyncio.create_task(put(judge, workshop, make_fact, "sleep")) for _ in range(3)]
    try:
        await until(lambda: len(working(workshop)) >= 2)
        await until(lambda: judge._nursery and len(psutil.Process(judge._nursery.process.pid).children()) == 4)
        assert len(working(workshop)) == 2
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await judge.close()


async def test_nursery_runs_no_thread_that_a_fork_would_lose(judge, workshop, make_fact):
    await put(judge, workshop, make_fact, "good")
    assert not {name for name in threads_of(judge) if name.startswith(("polars-0", "tokio"))}


async def test_spare_that_died_is_a_crash_of_one_file_and_no_more(judge, workshop, make_fact):
    await put(judge, workshop, make_fact, "good")
    for spare in psutil.Process(judge._nursery.process.pid).children():
        spare.kill()
        await gone(spare.pid)
    ended = [await put(judge, workshop, make_fact, "good") for _ in range(2)]
    assert isinstance(ended[1], Judged)


async def test_child_is_given_no_secrets(judge, workshop, make_fact, monkeypatch):
    monkeypatch.setenv("SLUICE_S3_SECRET_KEY", "secret")
    await judge.close()  # the next one starts in this environment
    with workshop.folder() as folder:
        paths.input_file(folder).write_bytes(GOOD)
        await judge(folder, make_fact("csv", CONTRACT.datasource, "environment"), CONTRACT)
        assert "SLUICE" not in (folder / "environment").read_text()


async def test_contract_that_cannot_be_run_is_a_stated_failure(judge, workshop, make_fact):
    name = Field("at", FieldType.STRING, pattern="a{1001}{1001}{1001}")
    with workshop.folder() as folder:
        paths.input_file(folder).write_bytes(GOOD)
        ended = await judge(folder, make_fact("csv"), replace(CONTRACT, fields=(name, *CONTRACT.fields[1:])))
    assert isinstance(ended, Unjudged)
    assert (ended.kind, ended.problem.code) == ("failed", "contract-invalid")


def threads_of(judge: ChildJudge) -> list[str]:
    return [(each / "comm").read_text() for each in Path(f"/proc/{judge._nursery.process.pid}/task").iterdir()]


def working(workshop: Workshop) -> list[Path]:
    """Runs whose child has begun."""
    return [stderr_file(folder) for folder in workshop.mine.glob("*") if stderr_file(folder).exists()]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


async def child_of(judge: ChildJudge, workshop: Workshop) -> psutil.Process:
    """The one at work: spares are not in the folder of a run."""
    await until(lambda: working(workshop))
    children = psutil.Process(judge._nursery.process.pid).children()
    (child,) = [each for each in children if Path(each.cwd()).parent == workshop.mine]
    return child


async def test_cancellation_leaves_no_child_and_spares_the_nursery(judge, workshop, make_fact):
    task = asyncio.create_task(put(judge, workshop, make_fact, "sleep"))
    child = await child_of(judge, workshop)
    nursery = judge._nursery
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await gone(child.pid)
    assert isinstance(await put(judge, workshop, make_fact, "good"), Judged)
    assert judge._nursery is nursery
    assert nursery.alive


async def test_killed_nursery_takes_its_child_along_and_is_replaced(judge, workshop, make_fact):
    task = asyncio.create_task(put(judge, workshop, make_fact, "sleep"))
    child = await child_of(judge, workshop)
    judge._nursery.process.kill()
    with pytest.raises(ChildBroken):
        await task
    assert await gone(child.pid)
    assert isinstance(await put(judge, workshop, make_fact, "good"), Judged)


async def test_self_test_passes_on_the_real_judge(workshop):
    real = ChildJudge(Limits(memory_bytes=1_000_000_000, cpu_seconds=30), 30, 1_000_000)
    try:
        await require_sound(real, workshop.folder)
    finally:
        await real.close()


@pytest.mark.parametrize(
    ("strict", "lenient"),
    [
        (Judged(2, 0, None, None, 1, accepted=2, rejected=0), Judged(2, 1, None, None, 1, accepted=1, rejected=1)),
        (Judged(2, 1, REFUSED, None, 0, rejected=2), Judged(2, 1, REFUSED, None, 0, rejected=2)),
        (Judged(2, 1, REFUSED, None, 0, rejected=2), Crashed("signal 6")),
    ],
)
async def test_self_test_notices_a_judge_that_accepts_all_or_nothing(strict, lenient, workshop):
    async def unsound(_run: Path, _fact: FileUploaded, contract: Contract) -> Judged | Crashed:
        return strict if contract.policy.mode is PolicyMode.ALL_OR_NOTHING else lenient

    with pytest.raises(ChildBroken):
        await require_sound(unsound, workshop.folder)


async def test_leftovers_of_the_dead_are_swept_and_those_of_the_living_stay(workshop):
    dead = workshop.root / "999999999-1" / "run"
    reused = workshop.root / f"{os.getpid()}-1" / "run"
    dead.mkdir(parents=True)
    reused.mkdir(parents=True)
    with workshop.folder() as living:
        workshop.sweep()
        assert living.is_dir()
        assert not dead.exists()
        assert not reused.exists()
