"""A real uvicorn on a real socket: clients that never finish their request's head are let go."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from sluice.patience import PatientProtocol

PATIENCE = 0.5


class Impatient(PatientProtocol):
    patience = PATIENCE


async def answering(scope, receive, send):
    """Reads the body, then answers."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def port() -> Iterator[int]:
    config = uvicorn.Config(answering, port=0, http=Impatient, lifespan="off", log_config=None, timeout_keep_alive=30)
    server = uvicorn.Server(config)
    bound = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([bound])))
    thread.start()
    try:
        yield bound.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def let_go(connection: socket.socket) -> bool:
    """Is the connection closed by the server, within some seconds?"""
    connection.settimeout(10)
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: "])
def test_a_head_that_does_not_come_whole_ends_the_connection(port, begun):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(begun)
        began = time.monotonic()
        assert let_go(connection)
        assert time.monotonic() - began > PATIENCE / 2


def test_bytes_that_trickle_do_not_buy_time(port):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        deadline = time.monotonic() + 20
        connection.sendall(b"GET / HTTP/1.1\r\nX: ")
        try:
            while time.monotonic() < deadline:
                connection.sendall(b"x")
                connection.settimeout(0.05)
                try:
                    if connection.recv(1) == b"":
                        return
                except TimeoutError:
                    continue
        except OSError:
            return
    pytest.fail("the connection was held by bytes that trickle")


def test_a_request_that_takes_its_time_is_served_and_the_next_one_too(port):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for _ in range(2):
            connection.sendall(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n")
            for _ in range(8):
                time.sleep(PATIENCE / 4)  # a slow body, all in all twice the patience with heads
                connection.sendall(b"x")
            answer = b""
            while not answer.endswith(b"ok"):
                answer += connection.recv(1000)
            assert answer.startswith(b"HTTP/1.1 200")
