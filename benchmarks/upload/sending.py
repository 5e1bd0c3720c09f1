"""Senders that cost next to nothing, so that what is measured is the server."""

import asyncio
import http.client
import time
from collections.abc import Iterator
from dataclasses import dataclass

BLOCK = b"2024-01-31T12:00:00Z,Classic Cars,12,34.5\n" * 25_000
"""About 1 MB of lines."""
LARGE = 430_000_000 // len(BLOCK) * len(BLOCK)
"""Bytes of the large file: 430 MB, in whole lines."""


def blocks(size: int) -> Iterator[bytes]:
    for _ in range(size // len(BLOCK)):
        yield BLOCK


@dataclass(frozen=True, slots=True)
class Sent:
    """Seconds of a request: in all, and from its last byte to the answer."""

    status: int
    location: str
    body: bytes
    wall_s: float
    after_s: float


def send(port: int, method: str, path: str, size: int, **headers: str) -> Sent:
    """One request with `size` bytes of lines."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600, blocksize=1_048_576)
    began = time.perf_counter()
    connection.putrequest(method, path)
    for name, value in {"Content-Length": str(size), **headers}.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    for block in blocks(size):
        connection.send(block)
    last = time.perf_counter()
    answer = connection.getresponse()
    body = answer.read()
    ended = time.perf_counter()
    connection.close()
    return Sent(answer.status, answer.headers.get("Location", ""), body, ended - began, ended - last)


async def send_many(port: int, path: str, body: bytes, connections: int, requests: int) -> list[float]:
    """The same small PUT over and over on connections that stay open; seconds from last byte to answer, of each. All must be 202."""
    head = f"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    left, waits = iter(range(requests)), list[float]()

    async def work() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in left:
            writer.write(head + body)
            await writer.drain()
            sent = time.perf_counter()
            said = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in said.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
            waits.append(time.perf_counter() - sent)
            if b" 202 " not in said[:20]:
                raise RuntimeError(said.decode())
        writer.close()

    await asyncio.gather(*(work() for _ in range(connections)))
    return waits
