"""What the gateway relies on in a bucket, asked of the fake and of a real S3 server alike."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from sluice.errors import ObjectExists, ObjectMissing, Permanent
from sluice.multipart import PART_SIZE, Pieces
from sluice.objectstore import open_objectstore
from sluice.settings import S3Settings


@pytest.fixture(params=["memory", pytest.param("real", marks=pytest.mark.real)])
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "real":
        request.getfixturevalue("environment")
    return str(request.param)


@pytest.fixture
async def bucket(kind: str, store: Any) -> AsyncIterator[Any]:
    if kind == "memory":
        yield store
        return
    async with open_objectstore(S3Settings()) as real:
        yield real


@pytest.fixture
def prefix() -> str:
    return f"trial/{uuid4()}/"


async def names(bucket: Any, prefix: str) -> list[str]:
    return [info.key.removeprefix(prefix) async for info in bucket.list(prefix)]


async def test_of_many_creators_exactly_one_wins(bucket: Any, prefix: str) -> None:
    key, bodies = f"{prefix}claim", [b"%d" % number for number in range(8)]
    answers = await asyncio.gather(*(bucket.create_or_get(key, body) for body in bodies))
    assert len(set(answers)) == 1
    assert await bucket.get(key) == answers[0]
    with pytest.raises(ObjectExists):
        await bucket.create(key, b"late")
    await bucket.require_create_only()


async def test_listings_are_in_the_order_of_their_names(bucket: Any, prefix: str) -> None:
    wanted = sorted(f"{uuid4()}.json" for _ in range(30))
    await asyncio.gather(*(bucket.create(prefix + name, b"{}") for name in reversed(wanted)))
    assert await names(bucket, prefix) == wanted
    assert await names(bucket, f"{prefix}none/") == []
    later = [info.key.removeprefix(prefix) async for info in bucket.list(prefix, after=prefix + wanted[9])]
    assert later == wanted[10:]
    assert [info.key async for info in bucket.list(prefix, after=prefix + wanted[-1])] == []


async def test_folders_are_in_the_order_of_their_keys(bucket: Any, prefix: str) -> None:
    wanted = ["a-b", "a", "a0", "a_b", "b"]  # `-` stands before `/`, the others behind it
    for name in wanted:
        for number in range(3):
            await bucket.create(f"{prefix}{name}/{number}.json", b"{}")
    await bucket.create(f"{prefix}bare", b"{}")
    assert [each async for each in bucket.folders(prefix)] == wanted
    for number, name in enumerate(wanted):
        assert [each async for each in bucket.folders(prefix, after=name)] == wanted[number + 1 :]
    assert [each async for each in bucket.folders(f"{prefix}none/")] == []


async def test_an_object_says_when_it_was_written(bucket: Any, prefix: str) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)  # clocks of servers tell seconds
    await bucket.put(f"{prefix}a", b"1")
    (listed,) = [info async for info in bucket.list(prefix)]
    for info in (listed, await bucket.head(f"{prefix}a")):
        assert before <= info.written_at <= datetime.now(UTC) + timedelta(seconds=2)


@pytest.mark.parametrize("size", [10, PART_SIZE * 2 + 10])
async def test_an_upload_appears_at_its_end_and_not_at_all_when_it_fails(bucket: Any, prefix: str, size: int) -> None:
    async with bucket.upload(f"{prefix}whole") as upload:
        for start in range(0, size, 1_000_000):
            await upload.write(b"x" * min(1_000_000, size - start))
    assert len(await bucket.get(f"{prefix}whole")) == size

    async def broken() -> None:
        async with bucket.upload(f"{prefix}broken") as upload:
            await upload.write(b"x" * size)
            raise LookupError

    with pytest.raises(LookupError):
        await broken()
    assert await names(bucket, prefix) == ["whole"]
    with pytest.raises(ObjectMissing):
        await bucket.get(f"{prefix}broken")


async def test_parts_are_kept_until_they_are_joined_and_an_upload_ends_once(bucket: Any, prefix: str) -> None:
    key, halves = f"{prefix}whole", (b"a" * PART_SIZE, b"b" * 10)
    begun = await bucket.begin(key)
    same = bucket.resume(key, begun.id)
    assert [part async for part in same.parts()] == []
    second, first = [await same.put(number, Pieces(halves[number - 1])) for number in (2, 1)]
    assert [part async for part in begun.parts()] == [first, second]
    assert [(part.number, part.size) for part in (first, second)] == [(1, PART_SIZE), (2, 10)]
    assert await same.put(1, Pieces(halves[0])) == first
    assert [each.id async for each in bucket.unfinished(prefix)] == [begun.id]
    assert await names(bucket, prefix) == []
    other = await same.put(2, Pieces(b"c"))
    with pytest.raises(Permanent):
        await same.complete([first, second])
    await same.complete([first, other])
    assert await bucket.get(key) == halves[0] + b"c"
    assert [each.id async for each in bucket.unfinished(prefix)] == []
    assert [part async for part in same.parts()] == []


async def test_aborting_twice_is_boring(bucket: Any, prefix: str) -> None:
    begun = await bucket.begin(f"{prefix}none")
    await begun.put(1, Pieces(b"1"))
    for _ in range(2):
        await begun.abort()
    assert [each.id async for each in bucket.unfinished(prefix)] == []
    assert await names(bucket, prefix) == []
    with pytest.raises(ObjectMissing):
        await begun.complete([])


async def test_deleting_twice_is_boring(bucket: Any, prefix: str) -> None:
    await bucket.put(f"{prefix}a", b"1")
    for _ in range(2):
        await bucket.delete(f"{prefix}a")
    assert await names(bucket, prefix) == []
