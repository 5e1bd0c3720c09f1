"""The bytes of a request, as they come."""

import asyncio
import time
from collections.abc import AsyncIterator

from fastapi import Request
from starlette.requests import ClientDisconnect

from gateway.errors import UploadIncomplete, UploadStalled

SLOWEST = 1_000
"""Bytes per second. A sender that is slower holds its place longer than any file is worth."""


async def read_body(request: Request, patience: float) -> AsyncIterator[bytes]:
    """Raises UploadStalled when nothing comes for `patience` seconds of waiting, or less than SLOWEST bytes in each of them;
    UploadIncomplete when the sender is gone."""
    chunks = request.stream()
    waited, got = 0.0, 0
    while True:
        began = time.monotonic()
        try:
            async with asyncio.timeout(patience):
                chunk = await anext(chunks)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise UploadStalled(f"No bytes came for {patience:g} seconds. Send the file again.") from error
        except ClientDisconnect as error:
            raise UploadIncomplete("The connection ended before the body did. Send the file again.") from error
        # what we ourselves take to store the bytes is not the sender's slowness
        waited, got = waited + time.monotonic() - began, got + len(chunk)
        if waited >= patience:
            if got < SLOWEST * waited:
                said = f"Fewer than {SLOWEST:,} bytes a second came for {patience:g} seconds."
                raise UploadStalled(f"{said} Send the file over a better line, or in pieces: see /v1/uploads.")
            waited, got = 0.0, 0
        if chunk:
            yield chunk


def declared_size(request: Request) -> int | None:
    """Bytes of the body as `Content-Length` declares them; None for a chunked body."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdecimal() else None
