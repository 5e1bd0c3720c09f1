"""Bytes on their way into one object, in parts: cut to size as they come, and sent while more of them come. Pure bookkeeping."""

import asyncio
import io
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

PART_SIZE = 5_242_880
"""Bytes per part: the least that S3 allows. It takes 10,000 parts of one object."""

IN_FLIGHT = 1
"""Parts that are being sent while the next one fills: so many and one more are held in memory."""

SMALL = 65_536
"""Bytes up to which chunks are copied together, so that the number of pieces is bounded whatever their sizes."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part that S3 has. `size` in bytes."""

    number: int
    size: int
    etag: str


class Pieces:
    """Bytes of one part in the chunks in which they came. As the body of a request it is sent piece by piece, and never copied whole.

    botocore takes what has `read` for a body, asks its length and rewinds it before a retry; aiohttp iterates over it.
    """

    def __init__(self, *pieces: bytes) -> None:
        self._pieces: list[bytes | bytearray | memoryview] = []
        self._size = 0
        for piece in pieces:
            self.append(piece)

    def append(self, piece: bytes | memoryview) -> None:
        self._size += len(piece)
        last = self._pieces.pop() if self._pieces else bytearray()
        if len(last) + len(piece) > SMALL:
            self._pieces += [each for each in (last, piece) if each]
            return
        whole = last if isinstance(last, bytearray) else bytearray(last)
        whole += piece
        self._pieces.append(whole)

    def __len__(self) -> int:
        return self._size

    def __bytes__(self) -> bytes:
        return b"".join(self._pieces)

    async def __aiter__(self) -> AsyncIterator[bytes | bytearray | memoryview]:
        for piece in self._pieces:
            yield piece

    def read(self, _size: int = -1) -> bytes:
        raise io.UnsupportedOperation("iterate over it")

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return offset + (self._size if whence == io.SEEK_END else 0)


@dataclass(slots=True)
class PartWriter:
    """Cuts bytes to parts of `size` and has each sent while the next one fills. `number` is that of the part that fills, `rest` its
    bytes so far.

    Raises what `send` raised, at the latest in `settle`; after that it can only be dropped.
    """

    send: Callable[[int, Pieces], Awaitable[Part]]
    number: int = 1
    rest: Pieces = field(default_factory=Pieces)
    size: int = PART_SIZE
    sent: list[Part] = field(default_factory=list)
    """Parts that S3 has by now, in order."""
    _sending: deque["asyncio.Task[Part]"] = field(default_factory=deque)

    @property
    def offset(self) -> int:
        """Of the byte that would be written next."""
        return (self.number - 1) * self.size + len(self.rest)

    async def write(self, chunk: bytes) -> None:
        view = memoryview(chunk)
        while len(self.rest) + len(view) >= self.size:
            room = self.size - len(self.rest)
            self.rest.append(view[:room])
            view = view[room:]
            await self.ship()
        if view:
            self.rest.append(view)

    async def ship(self) -> None:
        """Send what there is as a part; not waited for."""
        while len(self._sending) >= IN_FLIGHT:
            await self._landed()
        self._sending.append(asyncio.ensure_future(self.send(self.number, self.rest)))
        self.number, self.rest = self.number + 1, Pieces()

    async def settle(self) -> None:
        """Wait for all that is being sent."""
        while self._sending:
            await self._landed()

    async def drop(self) -> None:
        """Give up what is being sent."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    async def _landed(self) -> None:
        self.sent.append(await self._sending[0])
        self._sending.popleft()


class Multipart(Protocol):
    """An upload in parts as S3 knows it, by its id. Nothing is visible before it is completed."""

    @property
    def id(self) -> str: ...

    async def put(self, number: int, body: Pieces) -> Part:
        """Put a part, over whatever was there. Raises ObjectMissing where the upload is over."""

    async def complete(self, parts: Iterable[Part]) -> None: ...

    async def abort(self) -> None: ...


class Destination(Protocol):
    async def put(self, key: str, body: bytes) -> None: ...

    async def begin(self, key: str) -> Multipart: ...


@dataclass(slots=True)
class Upload:
    """Bytes on their way into one object: small ones in a single put, larger ones in parts."""

    store: Destination
    key: str
    size: int = 0
    _multipart: Multipart | None = None
    _writer: PartWriter = field(init=False)

    def __post_init__(self) -> None:
        self._writer = PartWriter(self._send)

    async def write(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self._multipart is None and self.size >= PART_SIZE:
            self._multipart = await self.store.begin(self.key)
        await self._writer.write(chunk)

    async def _send(self, number: int, body: Pieces) -> Part:
        if self._multipart is None:
            raise AssertionError
        return await self._multipart.put(number, body)

    async def finish(self) -> None:
        if self._multipart is None:
            await self.store.put(self.key, bytes(self._writer.rest))
            return
        if self._writer.rest:
            await self._writer.ship()
        await self._writer.settle()
        await self._multipart.complete(self._writer.sent)

    async def abort(self) -> None:
        """Raises Transient where it cannot be told to S3 now: such leftovers are swept by age."""
        await self._writer.drop()
        if self._multipart is not None:
            await self._multipart.abort()
