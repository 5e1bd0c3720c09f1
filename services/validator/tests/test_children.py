"""No file harms another: each kind of harm ends in its verdict, and the next file passes."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from sluice.contracts import Contract, Field, FieldType
from sluice.events import FileUploaded
from sluice_engine import paths
from sluice_engine.judged import Judged
from validator.adapters.child import Limits
from validator.adapters.children import ChildJudge
from validator.adapters.selftest import CONTRACT, require_sound
from validator.adapters.workshop import Workshop
from validator.domain.verdicts import Unjudged
from validator.errors import ChildBroken

GOOD = b"at,count\n2024-01-01T00:00:00Z,1\n"
pytestmark = pytest.mark.asyncio(loop_scope="module")
MISBEHAVING = (sys.executable, str(Path(__file__).with_name("misbehaving.py")))


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path / "work")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def judge() -> AsyncIterator[ChildJudge]:
    child = ChildJudge(Limits(memory_bytes=600_000_000, cpu_seconds=2), 8, 1_000_000, MISBEHAVING)
    yield child
    await child.close()


async def put(judge: ChildJudge, workshop: Workshop, make_fact, filename: str) -> Judged | Unjudged:
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
    ("harm", "kind", "code", "said"),
    [
        ("bomb", "rejected", "resource-limit", "600 MB of memory"),
        ("loop", "rejected", "resource-limit", "CPU time"),
        ("sleep", "rejected", "resource-limit", "8 seconds"),
        ("abort", "failed", "parser-crashed", "crashed"),
        ("killed", "failed", "parser-crashed", "crashed"),
    ],
)
async def test_harm_ends_in_its_verdict_and_the_next_file_passes(harm, kind, code, said, judge, workshop, make_fact):
    ended = await put(judge, workshop, make_fact, harm)
    assert isinstance(ended, Unjudged)
    assert (ended.kind, ended.problem.code) == (kind, code)
    assert said in ended.problem.message
    following = await put(judge, workshop, make_fact, "good")
    assert isinstance(following, Judged)
    assert following.problem is None
    assert list(workshop.mine.iterdir()) == []


@pytest.mark.parametrize("harm", ["exit", "raise"])
async def test_fault_of_ours_is_raised_without_values_and_the_next_file_passes(harm, judge, workshop, make_fact):
    with pytest.raises(ChildBroken) as raised:
        await put(judge, workshop, make_fact, harm)
    assert "cell" not in str(raised.value)
    assert isinstance(await put(judge, workshop, make_fact, "good"), Judged)


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


async def child_of(judge: ChildJudge) -> psutil.Process:
    async with asyncio.timeout(60):
        while True:
            await asyncio.sleep(0.02)
            if judge._nursery and (children := psutil.Process(judge._nursery.process.pid).children()):
                return children[0]


async def test_cancellation_leaves_no_child(judge, workshop, make_fact):
    task = asyncio.create_task(put(judge, workshop, make_fact, "sleep"))
    child = await child_of(judge)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await gone(child.pid)
    assert isinstance(await put(judge, workshop, make_fact, "good"), Judged)


async def test_killed_nursery_takes_its_child_along_and_is_replaced(judge, workshop, make_fact):
    task = asyncio.create_task(put(judge, workshop, make_fact, "sleep"))
    child = await child_of(judge)
    judge._nursery.process.kill()
    with pytest.raises(ChildBroken):
        await task
    assert await gone(child.pid)
    assert isinstance(await put(judge, workshop, make_fact, "good"), Judged)


async def test_self_test_passes_and_notices_a_judge_that_accepts_all(workshop):
    real = ChildJudge(Limits(memory_bytes=1_000_000_000, cpu_seconds=30), 30, 1_000_000)
    try:
        await require_sound(real, workshop.folder)
    finally:
        await real.close()

    async def accept_all(_run: Path, _fact: FileUploaded, _contract: Contract) -> Judged:
        return Judged(2, 0, None, None, 1)

    with pytest.raises(ChildBroken):
        await require_sound(accept_all, workshop.folder)


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
