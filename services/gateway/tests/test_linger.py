import asyncio
from typing import Any

import pytest
from starlette.responses import PlainTextResponse

from gateway.routes.linger import Linger

SCOPE = {"type": "http", "method": "PUT", "path": "/", "headers": [(b"content-length", b"30")]}


class Client:
    """Sends `chunks` of a body of 30 bytes, then nothing more; keeps what was answered, in order with what was taken."""

    def __init__(self, chunks: int) -> None:
        self.chunks, self.seen = chunks, []

    async def receive(self) -> dict[str, Any]:
        if not self.chunks:
            await asyncio.Event().wait()
        self.chunks -= 1
        self.seen.append("taken")
        return {"type": "http.request", "body": b"x" * 10, "more_body": self.chunks > 0}

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.seen.append(dict(message["headers"]).get(b"connection"))
        else:
            self.seen.append((message.get("body"), message.get("more_body", False)))


async def refusing(scope: Any, receive: Any, send: Any) -> None:
    await PlainTextResponse("no")(scope, receive, send)


async def tasting(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await refusing(scope, receive, send)


async def reading(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await PlainTextResponse("yes")(scope, receive, send)


async def test_an_early_answer_goes_out_whole_before_the_rest_is_taken_and_the_end_said() -> None:
    client = Client(chunks=3)
    await Linger(refusing)(SCOPE, client.receive, client.send)
    assert client.seen == [b"close", (b"no", True), "taken", "taken", "taken", (b"", False)]


async def test_a_client_that_stops_sending_is_not_waited_for_long() -> None:
    client = Client(chunks=0)
    async with asyncio.timeout(5):
        await Linger(refusing, patience=0.05)(SCOPE, client.receive, client.send)
    assert client.seen == [b"close", (b"no", True), (b"", False)]


async def test_an_answer_after_the_body_leaves_the_connection_open() -> None:
    client = Client(chunks=3)
    await Linger(reading)(SCOPE, client.receive, client.send)
    assert client.seen == ["taken", "taken", "taken", None, (b"yes", False)]


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"0")]])
async def test_a_request_without_a_body_is_no_concern(headers: list[Any]) -> None:
    client = Client(chunks=0)
    await Linger(refusing)({**SCOPE, "headers": headers}, client.receive, client.send)
    assert client.seen == [None, (b"no", False)]


async def test_a_client_that_waits_for_our_word_is_closed_at_once() -> None:
    client = Client(chunks=3)
    headers = [*SCOPE["headers"], (b"expect", b"100-continue")]
    await Linger(refusing)({**SCOPE, "headers": headers}, client.receive, client.send)
    assert client.seen == [b"close", (b"no", False)]


async def test_a_client_that_had_our_word_is_drained_like_any_other() -> None:
    client = Client(chunks=3)
    headers = [*SCOPE["headers"], (b"expect", b"100-continue")]
    await Linger(tasting)({**SCOPE, "headers": headers}, client.receive, client.send)
    assert client.seen == ["taken", b"close", (b"no", True), "taken", "taken", (b"", False)]
