"""Answers that come before the end of the body.

A connection closed on unread bytes is reset, and its client loses the answer while it still writes. So the answer goes
out whole, what still comes is thrown away for a while, and only then the connection is closed.
"""

import asyncio
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATIENCE = 10.0
"""Seconds for which the rest of an unwanted body is taken."""


@dataclass(frozen=True, slots=True)
class Linger:
    """ASGI middleware; concerns only requests with a body that the application did not read to its end."""

    app: ASGIApp
    patience: float = PATIENCE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _has_body(Headers(scope=scope)):
            await self.app(scope, receive, send)
            return
        body = _Body(receive, awaited=Headers(scope=scope).get("expect", "").lower() == "100-continue")

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and not body.ended:
                MutableHeaders(scope=message)["Connection"] = "close"
            if message["type"] == "http.response.body" and not message.get("more_body") and body.coming:
                await send({**message, "more_body": True})
                await body.drain(self.patience)
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        await self.app(scope, body.receive, answer)


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


@dataclass(slots=True)
class _Body:
    """Knows how much of the body was taken. `awaited`: the client waits for our word before it sends any."""

    inner: Receive
    awaited: bool
    ended: bool = False

    @property
    def coming(self) -> bool:
        return not self.ended and not self.awaited

    async def receive(self) -> Message:
        self.awaited = False
        message = await self.inner()
        self.ended = message["type"] == "http.disconnect" or not message.get("more_body", False)
        return message

    async def drain(self, patience: float) -> None:
        try:
            async with asyncio.timeout(patience):
                while not self.ended:
                    await self.receive()
        except TimeoutError:
            return
