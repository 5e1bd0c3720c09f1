"""The bytes of a request, as they come."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from fastapi import Request
from starlette.requests import ClientDisconnect

from gateway.errors import UploadIncomplete, UploadLocked, UploadStalled

SLOWEST = 1_000
"""Bytes per second. A sender that is slower holds its place longer than any file is worth."""

LONGEST = 23 * 3600.0
"""Seconds that one body may take: a record is looked for on the day on which its task was drawn, and on the next."""


@dataclass(slots=True)
class Stop:
    """Called, it ends the reading of a body at once."""

    asked: bool = False
    waiting: asyncio.Timeout | None = None
    """While the next bytes are waited for."""

    def __call__(self) -> None:
        self.asked = True
        if self.waiting is not None and not self.waiting.expired():
            self.waiting.reschedule(asyncio.get_running_loop().time())


async def read_body(
    request: Request, patience: float, stop: Stop | None = None, remedy: str = "Send the file again."
) -> AsyncIterator[bytes]:
    """Raises UploadStalled when nothing comes for `patience` seconds of waiting, or less than SLOWEST bytes in each of them,
    or the body takes LONGEST; UploadIncomplete when the sender is gone; UploadLocked when it is told to stop."""
    chunks, stop = request.stream(), stop or Stop()
    waited, got = 0.0, 0
    ends = time.monotonic() + LONGEST
    while True:
        began = time.monotonic()
        if began >= ends:
            raise UploadStalled("The body took most of a day. Send the file in pieces: see /v1/uploads.")
        try:
            async with asyncio.timeout(0 if stop.asked else patience) as stop.waiting:
                chunk = await anext(chunks)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise _given_up(stop, patience, remedy) from error
        except ClientDisconnect as error:
            raise UploadIncomplete(f"The connection ended before the body did. {remedy}") from error
        finally:
            stop.waiting = None
        # what we ourselves take to store the bytes is not the sender's slowness
        waited, got = waited + time.monotonic() - began, got + len(chunk)
        if waited >= patience:
            if got < SLOWEST * waited:
                said = f"Fewer than {SLOWEST:,} bytes a second came for {patience:g} seconds."
                raise UploadStalled(f"{said} Send the file over a better line, or in pieces: see /v1/uploads.")
            waited, got = 0.0, 0
        if chunk:
            yield chunk


def _given_up(stop: Stop, patience: float, remedy: str) -> UploadLocked | UploadStalled:
    if stop.asked:
        return UploadLocked("Another request has taken over this upload. Ask for its offset by HEAD before you go on.")
    return UploadStalled(f"No bytes came for {patience:g} seconds. {remedy}")


def declared_size(request: Request) -> int | None:
    """Bytes of the body as `Content-Length` declares them; None for a chunked body."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdecimal() else None
