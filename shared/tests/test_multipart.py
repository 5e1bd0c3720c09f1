"""Bytes that are cut to parts and sent while more of them come."""

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import Transient
from sluice.multipart import IN_FLIGHT, PART_SIZE, SMALL, Part, PartWriter, Pieces, Upload


@dataclass
class Server:
    """Takes parts when it is told to go on."""

    taken: dict[int, bytes] = field(default_factory=dict)
    inside: int = 0
    most: int = 0
    go: asyncio.Event = field(default_factory=asyncio.Event)
    failing: int = 0

    async def put(self, number: int, body: Pieces) -> Part:
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await self.go.wait()
            if number == self.failing:
                raise Transient("down")
        finally:
            self.inside -= 1
        self.taken[number] = bytes(body)
        return Part(number, len(body), f"etag-{number}")


@pytest.fixture
def server():
    return Server()


def content(size: int) -> bytes:
    return (b"0123456789abcdef" * (size // 16 + 1))[:size]


@pytest.mark.parametrize("size", [0, 1, PART_SIZE - 1, PART_SIZE, PART_SIZE + 1, 3 * PART_SIZE + 17])
@pytest.mark.parametrize("chunk", [999_983, 2 * PART_SIZE + 1])
async def test_parts_are_of_one_size_and_the_rest_is_kept(server, size, chunk):
    server.go.set()
    whole, writer = content(size), PartWriter(server.put)
    for start in range(0, size, chunk):
        await writer.write(whole[start : start + chunk])
    await writer.settle()
    numbers = range(1, size // PART_SIZE + 1)
    assert [part.number for part in writer.sent] == list(numbers)
    assert {part.size for part in writer.sent} <= {PART_SIZE}
    assert b"".join(server.taken[number] for number in numbers) + bytes(writer.rest) == whole
    assert len(writer.rest) < PART_SIZE


async def test_a_writer_goes_on_in_the_middle_of_a_part(server):
    server.go.set()
    whole = content(2 * PART_SIZE)
    writer = PartWriter(server.put, number=7, rest=Pieces(whole[:100]))
    await writer.write(whole[100:])
    await writer.settle()
    assert server.taken == {7: whole[:PART_SIZE], 8: whole[PART_SIZE:]}


async def test_only_so_many_are_on_their_way_at_once(server):
    writer = PartWriter(server.put)
    writing = asyncio.create_task(writer.write(content(PART_SIZE * (IN_FLIGHT + 2))))
    async with asyncio.timeout(10):
        while server.inside < IN_FLIGHT:
            await asyncio.sleep(0)
    for _ in range(100):
        await asyncio.sleep(0)
    assert not writing.done()
    server.go.set()
    await writing
    await writer.settle()
    assert server.most == IN_FLIGHT
    assert len(server.taken) == IN_FLIGHT + 2


async def test_a_part_that_fails_is_told_and_nothing_is_left_running(server):
    server.failing = 1
    server.go.set()
    writer = PartWriter(server.put)
    with pytest.raises(Transient):
        await writer.write(content(PART_SIZE * (IN_FLIGHT + 2)))
    await writer.drop()
    assert server.inside == 0
    assert writer.sent == []


async def test_an_upload_that_is_given_up_takes_its_parts_with_it(server):
    @dataclass
    class Store:
        aborted: bool = False
        id: str = "1"
        put_part = server.put

        async def begin(self, _key):
            return self

        async def put(self, number, body):
            return await server.put(number, body)

        async def abort(self):
            assert server.inside == 0
            self.aborted = True

    store = Store()
    upload = Upload(store, "key")
    await upload.write(content(PART_SIZE))
    await upload.abort()
    assert store.aborted


@given(st.lists(st.integers(0, 2 * SMALL), max_size=20))
def test_pieces_hold_what_was_given_in_few_chunks(sizes):
    pieces, whole = Pieces(), b""
    for number, size in enumerate(sizes):
        piece = bytes([number]) * size
        pieces.append(memoryview(piece))
        whole += piece
    assert (bytes(pieces), len(pieces)) == (whole, len(whole))
    assert len(pieces._pieces) <= 2 * len(whole) // SMALL + 1

    async def sent():
        return b"".join([bytes(each) async for each in pieces])

    assert asyncio.run(sent()) == asyncio.run(sent()) == whole
