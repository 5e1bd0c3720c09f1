"""The bytes of a request, as they come."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import Request
from starlette.requests import ClientDisconnect

from gateway.errors import UploadIncomplete, UploadStalled


async def read_body(request: Request, patience: float) -> AsyncIterator[bytes]:
    """Raises UploadStalled when nothing comes for `patience` seconds, UploadIncomplete when the sender is gone."""
    chunks = request.stream()
    while True:
        try:
            async with asyncio.timeout(patience):
                chunk = await anext(chunks)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise UploadStalled(f"No bytes came for {patience:g} seconds. Send the file again.") from error
        except ClientDisconnect as error:
            raise UploadIncomplete("The connection ended before the body did. Send the file again.") from error
        if chunk:
            yield chunk


def declared_size(request: Request) -> int | None:
    """Bytes of the body as `Content-Length` declares them; None for a chunked body."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdecimal() else None
