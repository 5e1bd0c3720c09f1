import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import uvicorn

from sluice_local.frontdoor import FrontDoor, Upstream

MEGABYTE = b"x" * 1_000_000


@asynccontextmanager
async def serving(app) -> AsyncIterator[int]:
    """An ASGI app on a free port of this machine."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, lifespan="off", log_level="error", ws="none")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:
            await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def door(gateway, tracker=None) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(gateway) as port, serving(tracker or gateway) as tracker_port:
        app = FrontDoor(Upstream("gateway", "127.0.0.1", port), Upstream("status-tracker", "127.0.0.1", tracker_port))
        async with serving(app) as front, httpx.AsyncClient(base_url=f"http://127.0.0.1:{front}", timeout=20) as client:
            yield client


async def answer(send, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
    head = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


async def whole_body(receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message["body"])
        if not message["more_body"]:
            return b"".join(parts)


def named(name: str) -> Callable:
    async def app(scope, receive, send) -> None:
        seen = {key.decode(): value.decode() for key, value in scope["headers"]}
        body = await whole_body(receive)
        told = {"app": name, "path": scope["raw_path"].decode(), "query": scope["query_string"].decode()}
        told |= {"method": scope["method"], "headers": seen, "length": len(body)}
        await answer(send, 200, json.dumps(told).encode(), {"x-own": "kept"})

    return app


async def test_reading_tasks_goes_to_the_tracker_and_all_else_to_the_gateway():
    async with door(named("gateway"), named("tracker")) as client:

        async def asked(method: str, path: str) -> str:
            return (await client.request(method, path)).json()["app"]

        assert await asked("GET", "/v1/tasks") == "tracker"
        assert await asked("GET", "/v1/tasks/1/events") == "tracker"
        assert await asked("GET", "/v1/tasksheet") == "gateway"
        assert await asked("DELETE", "/v1/tasks/1") == "gateway"
        assert await asked("GET", "/docs") == "gateway"


async def test_a_request_arrives_as_it_was_sent():
    async with door(named("gateway")) as client:
        told = (await client.put("/v1/a%2Fb%20c?x=1&y=%C3%A4", content=MEGABYTE, headers={"X-Mine": "1"})).json()
        assert (told["method"], told["path"], told["query"]) == ("PUT", "/v1/a%2Fb%20c", "x=1&y=%C3%A4")
        assert told["length"] == len(MEGABYTE)
        assert told["headers"]["x-mine"] == "1"
        assert told["headers"]["content-length"] == str(len(MEGABYTE))
        assert told["headers"]["x-forwarded-host"] == f"127.0.0.1:{client.base_url.port}"


async def test_an_answer_arrives_as_it_was_given():
    async with door(named("gateway")) as client:
        told = await client.get("/")
        assert told.headers["x-own"] == "kept"
        assert (await client.head("/")).content == b""


async def test_a_body_of_unknown_length_is_streamed_and_not_held():
    reached = asyncio.Event()

    async def app(scope, receive, send) -> None:
        first = await receive()
        assert first["more_body"]
        reached.set()
        await answer(send, 200, str(len(first["body"]) + len(await whole_body(receive))).encode())

    async def content() -> AsyncIterator[bytes]:
        yield b"first"
        async with asyncio.timeout(5):
            await reached.wait()  # never comes if the door waits for the end before it passes on the beginning
        for _ in range(20):
            yield MEGABYTE

    async with door(app) as client:
        assert (await client.post("/", content=content())).text == "20000005"


async def test_an_answer_is_streamed_and_not_held():
    read = asyncio.Event()

    async def app(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        async with asyncio.timeout(5):
            await read.wait()
        await send({"type": "http.response.body", "body": b"second"})

    async with door(app) as client, client.stream("GET", "/") as told:
        chunks = told.aiter_bytes()
        assert await anext(chunks) == b"first"
        read.set()
        assert await anext(chunks) == b"second"


async def test_a_refusal_before_the_body_is_passed_on():
    async def app(scope, receive, send) -> None:
        await answer(send, 413, b"too large", {"content-length": "9"})

    async with door(app) as client:
        told = await client.put("/", content=MEGABYTE * 30)
        assert (told.status_code, told.text) == (413, "too large")


async def test_a_refusal_in_mid_body_is_passed_on():
    async def app(scope, receive, send) -> None:
        await receive()
        await receive()
        await answer(send, 413, b"too large", {"content-length": "9"})

    async def content() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield MEGABYTE

    async with door(app) as client:
        told = await client.put("/", content=content())
        assert (told.status_code, told.text) == (413, "too large")


async def test_a_client_that_leaves_in_mid_body_is_noticed():
    left = asyncio.Event()

    async def app(scope, receive, send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        left.set()

    async with door(app) as client:
        _, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
        writer.write(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nonly this")
        await writer.drain()
        writer.close()
        async with asyncio.timeout(10):
            await left.wait()


async def test_a_service_that_is_down_gives_a_problem_that_names_it():
    async with serving(named("gateway")) as port:
        nobody = Upstream("status-tracker", "127.0.0.1", 1)
        async with (
            serving(FrontDoor(Upstream("gateway", "127.0.0.1", port), nobody)) as front,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{front}") as client,
        ):
            told = await client.get("/v1/tasks")
            assert told.status_code == 502
            assert told.headers["content-type"] == "application/problem+json"
            assert told.headers["retry-after"] == "2"
            assert "status-tracker" in told.json()["detail"]
            assert "try again" in told.json()["detail"]
            assert (await client.get("/")).status_code == 200


async def test_a_service_that_dies_in_mid_upload_gives_a_problem():
    async def die(reader, writer) -> None:
        await reader.read(1000)
        writer.transport.abort()

    server = await asyncio.start_server(die, "127.0.0.1", 0)
    async with server:
        gateway = Upstream("gateway", "127.0.0.1", server.sockets[0].getsockname()[1])
        async with (
            serving(FrontDoor(gateway, gateway)) as front,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{front}") as client,
        ):
            told = await client.put("/", content=MEGABYTE * 5)
            assert told.status_code == 502
            assert "gateway" in told.json()["detail"]
