"""Leases on a bucket in memory and on a real S3 server."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from sluice import lease
from sluice.clock import utc_now
from sluice.errors import Permanent, Transient
from sluice.jobs import Job
from sluice.lease import LASTS, Leader, Leases, LeaseTaken
from sluice.objectstore import open_objectstore
from sluice.settings import S3Settings
from sluice.testing import ManualClock
from sluice.testing.bucket import Fault, InMemoryObjectStore


@pytest.fixture(params=["memory", pytest.param("real", marks=pytest.mark.real)])
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "real":
        request.getfixturevalue("environment")
    return str(request.param)


@pytest.fixture
async def bucket(kind: str) -> AsyncIterator[Any]:
    if kind == "memory":
        yield InMemoryObjectStore()
        return
    async with open_objectstore(S3Settings()) as real:
        yield real


@pytest.fixture
def prefix() -> str:
    return f"trial/{uuid4()}/"


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "LOOK", 0.02)
    monkeypatch.setattr(lease, "POLL", 0.01)


def nothing() -> None:
    return


async def names(bucket: Any, prefix: str) -> list[str]:
    return [info.key.removeprefix(prefix) async for info in bucket.list(prefix)]


async def test_of_many_processes_one_at_a_time_is_inside_and_each_has_its_turn(bucket: Any, prefix: str) -> None:
    inside = most = turns = 0

    async def work() -> None:
        nonlocal inside, most, turns
        async with Leases(bucket, utc_now).hold(prefix, 60, nothing):
            inside, turns = inside + 1, turns + 1
            most = max(most, inside)
            await asyncio.sleep(0.02)
            inside -= 1

    await asyncio.gather(*(work() for _ in range(6)))
    assert (most, turns) == (1, 6)


@pytest.mark.parametrize("same_process", [True, False])
async def test_whoever_holds_it_is_asked_and_lets_go(bucket: Any, prefix: str, same_process: bool) -> None:  # noqa: FBT001 - a case
    first = Leases(bucket, utc_now)
    second = first if same_process else Leases(bucket, utc_now)
    asked, order = asyncio.Event(), []

    async def older() -> None:
        async with first.hold(prefix, 0, asked.set):
            order.append("older")
            await asked.wait()
            order.append("older lets go")

    task = asyncio.create_task(older())
    while not order:
        await asyncio.sleep(0.01)
    async with second.hold(prefix, 30, nothing):
        order.append("newer")
    await task
    assert order == ["older", "older lets go", "newer"]


async def test_one_that_is_not_let_go_is_refused_after_a_while(bucket: Any, prefix: str) -> None:
    began = time.monotonic()
    async with Leases(bucket, utc_now).hold(prefix, 0, nothing):
        with pytest.raises(LeaseTaken):
            async with Leases(bucket, utc_now).hold(prefix, 0.2, nothing):
                raise AssertionError
    assert 0.2 <= time.monotonic() - began < 20
    async with Leases(bucket, utc_now).hold(prefix, 0, nothing):
        pass


async def test_a_holder_that_died_is_followed_when_its_time_is_over(prefix: str) -> None:
    bucket, clock = InMemoryObjectStore(), ManualClock()
    lost = asyncio.Event()
    async with Leases(bucket, clock).hold(prefix, 0, lost.set):
        clock.advance(LASTS.total_seconds() / 3)
        with pytest.raises(LeaseTaken):
            async with Leases(bucket, clock).hold(prefix, 0, nothing):
                raise AssertionError
        bucket.down = True  # it can renew nothing
        clock.advance(LASTS.total_seconds())
        bucket.down = False
        async with Leases(bucket, clock).hold(prefix, 0, nothing):
            async with asyncio.timeout(10):
                await lost.wait()


async def test_a_lease_is_renewed_while_it_is_held(prefix: str) -> None:
    bucket, clock = InMemoryObjectStore(), ManualClock()
    async with Leases(bucket, clock).hold(prefix, 0, nothing):
        for _ in range(4):
            before = dict(bucket.objects)
            clock.advance(LASTS.total_seconds() * 2 / 3)
            async with asyncio.timeout(10):
                while bucket.objects == before:
                    await asyncio.sleep(0.01)
        with pytest.raises(LeaseTaken):
            async with Leases(bucket, clock).hold(prefix, 0, nothing):
                raise AssertionError


async def test_a_number_that_comes_once_more_gives_no_lease(prefix: str) -> None:
    """One who has looked before lower numbers were removed may create such a number again."""
    bucket = InMemoryObjectStore()
    leases = Leases(bucket, utc_now)
    for _ in range(lease.MOST_KEPT + 1):
        async with leases.hold(prefix, 0, nothing):
            pass
    assert await names(bucket, prefix) == ["00000009.json"]
    assert not await leases._create(prefix, 2)
    assert await names(bucket, prefix) == ["00000009.json"]


async def test_only_exact_names_count(bucket: Any, prefix: str) -> None:
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    for name in ("00000007.json-5b0b", "7.json", "note"):
        await bucket.put(f"{prefix}{name}", f'{{"until": "{until}"}}'.encode())
    async with Leases(bucket, utc_now).hold(prefix, 0, nothing):
        assert "00000001.json" in await names(bucket, prefix)


async def test_storage_that_does_not_answer_is_transient_and_what_cannot_be_let_go_ends_by_itself(prefix: str) -> None:
    bucket, clock = InMemoryObjectStore(), ManualClock()
    bucket.faults.append(Fault("create", prefix))
    with pytest.raises(Transient):
        async with Leases(bucket, clock).hold(prefix, 0, nothing):
            raise AssertionError
    async with Leases(bucket, clock).hold(prefix, 0, nothing):
        bucket.faults.append(Fault("put", prefix))
    with pytest.raises(LeaseTaken):
        async with Leases(bucket, clock).hold(prefix, 0, nothing):
            raise AssertionError
    clock.advance(LASTS.total_seconds() + 1)
    async with Leases(bucket, clock).hold(prefix, 0, nothing):
        pass


async def leading(*leaders: Leader) -> Leader:
    """The one that leads, once there is one."""
    async with asyncio.timeout(20):
        while not any(each.leads for each in leaders):
            await asyncio.sleep(0.01)
    (one,) = [each for each in leaders if each.leads]
    return one


async def test_of_many_processes_one_leads_and_another_when_it_ends(bucket: Any, prefix: str) -> None:
    leaders = [Leader(Leases(bucket, utc_now), prefix) for _ in range(4)]
    jobs = {id(each): asyncio.create_task(Job("lead", each, pause=0.01).run()) for each in leaders}
    while leaders:
        first = await leading(*leaders)
        jobs[id(first)].cancel()
        await asyncio.gather(jobs[id(first)], return_exceptions=True)
        assert not first.leads
        leaders.remove(first)


async def test_whoever_slept_through_its_time_leads_no_more(prefix: str) -> None:
    bucket, clock = InMemoryObjectStore(), ManualClock()
    sleeper, other = (Leader(Leases(bucket, clock), prefix) for _ in range(2))
    jobs = [asyncio.create_task(Job("lead", each, pause=0.01).run()) for each in (sleeper, other)]
    first = await leading(sleeper, other)
    second = other if first is sleeper else sleeper
    bucket.faults += [Fault("put", prefix) for _ in range(3)]  # it cannot renew
    clock.advance(LASTS.total_seconds() + 1)
    async with asyncio.timeout(20):
        while first.leads or not second.leads:
            await asyncio.sleep(0.01)
    for job in jobs:
        job.cancel()
    await asyncio.gather(*jobs, return_exceptions=True)


async def test_a_leader_that_cannot_keep_its_lease_steps_back(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the fault: two that led for ever would double their work."""
    leader = Leader(Leases(InMemoryObjectStore(), utc_now), prefix)
    task = asyncio.create_task(leader())
    await leading(leader)
    monkeypatch.setattr(InMemoryObjectStore, "list", _denied)
    assert await asyncio.wait_for(task, 20) is False
    assert not leader.leads


def _denied(*_: Any) -> Any:
    raise Permanent("no more")
