"""A TCP proxy that cuts connections, for tests of what happens when a line breaks.

Of our own rather than a program such as Toxiproxy: what is needed is sixty lines, and no test waits for an installation. It cuts
exactly at the byte or request that a test names, and may do something at that moment, such as kill a process.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

CHUNK = 65_536


def requests_in(data: bytes) -> int:
    """HTTP requests that begin in these bytes."""
    return data.count(b" HTTP/1.1\r\n")


class CuttingProxy:
    """Forwards a port of this machine to `target`, which may be changed at any time. A context manager."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self._left: int | None = None
        self._measure: Callable[[bytes], int] = len
        self._then: Callable[[], None] | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def cut_after(
        self, amount: int, measure: Callable[[bytes], int] = len, then: Callable[[], None] | None = None
    ) -> None:
        """When `amount` more has gone to the target, by `measure`, do `then` and cut every connection, once."""
        self._measure, self._then, self._left = measure, then, amount

    @property
    def has_cut(self) -> bool:
        return self._left is None

    def __enter__(self) -> Self:
        self._thread.start()
        server = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop).result(
            10
        )
        self.port = server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._cut)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream, target = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, target}
        await asyncio.gather(
            self._pump(reader, target, self._pass), self._pump(upstream, writer, lambda data: (data, True))
        )
        self._open -= {writer, target}

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, let: Callable[[bytes], tuple[bytes, bool]]
    ) -> None:
        with suppress(OSError):
            while data := await source.read(CHUNK):
                passed, go_on = let(data)
                sink.write(passed)
                if not go_on:
                    return  # what was read already must not follow behind the gap; the line is cut at once
                await sink.drain()
        sink.close()

    def _pass(self, data: bytes) -> tuple[bytes, bool]:
        """What of it goes on: of bytes as many as may, of requests none that is one too many. Whether more may follow."""
        if self._left is None:
            return data, True
        if (amount := self._measure(data)) < self._left:
            self._left -= amount
            return data, True
        allowed = data[: self._left] if self._measure is len else b""
        self._left = None
        if self._then:
            self._then()
        self._loop.call_soon(self._cut)
        return allowed, False

    def _cut(self) -> None:
        for writer in self._open:
            writer.transport.abort()
