"""One port before the services: `python -m sluice_local.frontdoor --port N --gateway URL --tracker URL`."""

import argparse
import asyncio
import contextlib
import json
import socket
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any

import h11
import uvicorn

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]

_CHUNK = 64 * 1024
_CONTINUE_SECONDS = 2.0
_LINGER_SECONDS = 5.0
_OF_ONE_CONNECTION = {
    b"connection",
    b"expect",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
}


@dataclass(frozen=True, slots=True)
class Upstream:
    name: str
    host: str
    port: int

    @classmethod
    def at(cls, name: str, url: str) -> "Upstream":
        host, _, port = url.removeprefix("http://").rstrip("/").partition(":")
        return cls(name, host, int(port))


class FrontDoor:
    """ASGI app that hands each request to the status-tracker (reading tasks) or to the gateway (all else), streaming
    both ways. An answer that comes before the request has ended is passed on at once."""

    def __init__(self, gateway: Upstream, tracker: Upstream) -> None:
        self._gateway = gateway
        self._tracker = tracker

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        upstream = self._choose(scope["method"], scope["path"])
        exchange = _Exchange(scope, receive, send)
        with contextlib.suppress(_ClientGone):
            try:
                await exchange.run(upstream)
            except (OSError, h11.RemoteProtocolError):
                if exchange.answered:
                    raise
                await exchange.refuse(upstream)

    def _choose(self, method: str, path: str) -> Upstream:
        reads_tasks = method in ("GET", "HEAD") and (path == "/v1/tasks" or path.startswith("/v1/tasks/"))
        return self._tracker if reads_tasks else self._gateway


class _ClientGone(Exception):
    pass


class _Exchange:
    """One request and its answer. The body is pumped beside the answer; once it is no longer wanted, it is dropped."""

    def __init__(self, scope: Message, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._http = h11.Connection(h11.CLIENT)
        self._loop = asyncio.get_running_loop()
        # A bare socket: a stream would throw away an answer already received once sending fails.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._may_send = asyncio.Event()
        self._body_read = asyncio.Event()
        self._drop = False
        self.answered = False

    async def run(self, upstream: Upstream) -> None:
        """Raises OSError or RemoteProtocolError when the upstream fails, _ClientGone when the client does."""
        with self._socket:
            self._socket.settimeout(0)
            await self._loop.sock_connect(self._socket, (upstream.host, upstream.port))
            await self._loop.sock_sendall(self._socket, self._http.send(self._request(upstream)) or b"")
            await self._beside_body(self._pass_answer)

    async def refuse(self, upstream: Upstream) -> None:
        """Answer in the place of an upstream that cannot."""
        detail = f"The {upstream.name} does not answer. It is being restarted: try again in a few seconds."
        body = json.dumps({"type": "about:blank", "title": "Bad Gateway", "status": 502, "detail": detail}).encode()
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", str(len(body)).encode()),
            (b"retry-after", b"2"),
        ]
        self._drop = True

        async def answer() -> None:
            await self._send({"type": "http.response.start", "status": 502, "headers": headers})
            await self._send({"type": "http.response.body", "body": body, "more_body": True})
            await self._finish()

        await self._beside_body(answer)

    async def _beside_body(self, answer: Callable[[], Awaitable[None]]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                pump = group.create_task(self._pump_body())
                await answer()
                pump.cancel()
        except* _ClientGone:
            raise _ClientGone from None
        except* (OSError, h11.RemoteProtocolError) as failed:
            raise failed.exceptions[0] from None

    def _request(self, upstream: Upstream) -> h11.Request:
        headers = list(_end_to_end(self._scope["headers"], besides={b"host", b"x-forwarded-host"}))
        told = dict(self._scope["headers"])
        headers += [
            (b"host", f"{upstream.host}:{upstream.port}".encode()),
            (b"x-forwarded-host", told.get(b"host", b"")),
            (b"connection", b"close"),
        ]
        if b"transfer-encoding" in told:
            headers.append((b"transfer-encoding", b"chunked"))
        if b"transfer-encoding" in told or told.get(b"content-length", b"0") != b"0":
            headers.append((b"expect", b"100-continue"))  # a refusal shall come before the body, not in its midst
        else:
            self._may_send.set()
        query = self._scope["query_string"]
        target = self._scope["raw_path"] + (b"?" + query if query else b"")
        return h11.Request(method=self._scope["method"], target=target, headers=headers)

    async def _pump_body(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._may_send.wait(), _CONTINUE_SECONDS)
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise _ClientGone
            await self._write(h11.Data(data=message.get("body", b"")))
            if not message.get("more_body", False):
                await self._write(h11.EndOfMessage())
                self._body_read.set()

    async def _write(self, event: h11.Data | h11.EndOfMessage) -> None:
        if self._drop or self._body_read.is_set():
            return
        try:
            await self._loop.sock_sendall(self._socket, self._http.send(event) or b"")
        except (OSError, h11.LocalProtocolError):
            self._drop = True  # the answer, if there is one, is read by the other task

    async def _pass_answer(self) -> None:
        while True:
            match await self._next_event():
                case h11.InformationalResponse():
                    self._may_send.set()
                case h11.Response(status_code=status, headers=headers):
                    start = {"type": "http.response.start", "status": status, "headers": list(_end_to_end(headers))}
                    self.answered = True
                    await self._send(start)
                case h11.Data(data=data):
                    await self._send({"type": "http.response.body", "body": bytes(data), "more_body": True})
                case h11.EndOfMessage():
                    await self._finish()
                    return
                case _:
                    raise h11.RemoteProtocolError("the connection ended before the answer")

    async def _next_event(self) -> Any:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._loop.sock_recv(self._socket, _CHUNK))
        return event

    async def _finish(self) -> None:
        """End the answer once the client has stopped sending, for a while: closing on it could cost it the answer."""
        self._drop = True
        self._may_send.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes a pump that waits for an upstream that reads no more
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._body_read.wait(), _LINGER_SECONDS)
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def _end_to_end(headers: Iterable[Header], besides: set[bytes] | None = None) -> Iterable[Header]:
    dropped = _OF_ONE_CONNECTION | (besides or set())
    return ((name, value) for name, value in headers if name.lower() not in dropped)


def main() -> None:
    parser = argparse.ArgumentParser(description="One port before the services of Sluice.")
    for option, kind in (("--port", int), ("--gateway", str), ("--tracker", str)):
        parser.add_argument(option, type=kind, required=True)
    given = parser.parse_args()
    app = FrontDoor(Upstream.at("gateway", given.gateway), Upstream.at("status-tracker", given.tracker))
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=given.port,
        lifespan="off",
        ws="none",
        log_level="warning",
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
