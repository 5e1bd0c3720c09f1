"""Gateways behind one address, and what a client of theirs may look at."""

import asyncio
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import httpx
from tus_clients import Client, Result

from sluice.events import FileUploaded
from sluice.messaging import decode_as
from sluice.objectstore import ObjectStore, open_objectstore, split_uri
from sluice.settings import S3Settings
from sluice.testing.proxy import CuttingProxy

TUS = {"Tus-Resumable": "1.0.0"}
MB = 1_000_000
SIZE = 13 * MB + 7
NUMBERED = "{:07d}\n"
"""Each line has its number, so that bytes that stand elsewhere are seen."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Gateway:
    port: int
    process: "subprocess.Popen[bytes]"

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass
class World:
    """Gateways behind one address, a datasource, and a file for it."""

    environment: dict[str, str]
    datasource: str
    path: Path
    door: CuttingProxy
    replicas: tuple[int, int]
    """Ports of two gateways that nobody kills."""
    stack: ExitStack

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.door.port}/v1/uploads"

    def gateway(self, **settings: Any) -> Gateway:
        """A replica of this test's own."""
        own = {f"SLUICE_{name.upper()}": str(value) for name, value in settings.items()}
        started = running({**self.environment, **own}, self.door, self.path.parent / "log")
        return self.stack.enter_context(started)

    def upload(self, client: Client, **how: Any) -> Result:
        return client.upload(self.endpoint, self.path, self.datasource, **how)

    def head(self, url: str) -> httpx.Response:
        return httpx.head(url, headers=TUS, timeout=60, trust_env=False)

    def offset(self, url: str) -> int:
        return int(self.head(url).headers["upload-offset"])

    def create(self) -> str:
        """The address of a new upload."""
        said = {"filename": self.path.name, "datasource": self.datasource}
        metadata = ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in said.items())
        headers = TUS | {"Upload-Length": str(SIZE), "Upload-Metadata": metadata}
        return httpx.post(self.endpoint, headers=headers, timeout=60, trust_env=False).headers["location"]

    def keys(self, prefix: str) -> list[str]:
        """Objects, and uploads in parts that are not finished."""

        async def listed(bucket: ObjectStore) -> list[str]:
            whole = [info.key async for info in bucket.list(prefix)]
            return whole + [f"{each.key} (parts)" async for each in bucket.unfinished(prefix)]

        return asked(listed)

    def get(self, key: str) -> bytes:
        return asked(lambda bucket: bucket.get(key))

    def accepted(self) -> list[FileUploaded]:
        """Every file of this datasource that was accepted."""

        async def read(bucket: ObjectStore) -> list[bytes]:
            return [await bucket.get(info.key) async for info in bucket.list("accepted/") if info.key.endswith(".json")]

        facts = [decode_as(FileUploaded, record).data for record in asked(read)]
        return [fact for fact in facts if fact.datasource == self.datasource]

    def assert_accepted(self, url: str) -> None:
        """The file, whole, once; and the upload says so."""
        (fact,) = self.accepted()
        content = self.path.read_bytes()
        assert self.get(split_uri(fact.object.uri)[1]) == content
        assert (fact.object.size, fact.object.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        head = self.head(url)
        assert head.headers["upload-offset"] == str(len(content))
        assert head.headers["sluice-task-id"] == str(fact.task_id)
        # parts may be left of an upload that its client never heard of: they are swept by age
        objects = [key for key in self.keys(f"raw/{self.datasource}/") if not key.endswith("(parts)")]
        assert len(objects) == 1


@cache
def numbered_lines() -> bytes:
    return "".join(NUMBERED.format(number) for number in range(SIZE // 8 + 1)).encode()[:SIZE]


def asked(question: Callable[[ObjectStore], Awaitable[T]]) -> T:
    async def ask() -> T:
        async with open_objectstore(S3Settings()) as bucket:
            return await question(bucket)

    return asyncio.run(ask())


@contextmanager
def running(environment: dict[str, str], door: CuttingProxy, log: Path) -> Iterator[Gateway]:
    port = _free_port()
    own = {"SLUICE_HTTP_PORT": str(port), "SLUICE_PUBLIC_URL": f"http://127.0.0.1:{door.port}"}
    with log.open("ab") as out:
        process = subprocess.Popen([sys.executable, "-m", "gateway"], env=environment | own, stdout=out, stderr=out)
    try:
        until(lambda: _is_ready(process, port), "the gateway is ready")
        yield Gateway(port, process)
    finally:
        process.terminate()
        process.wait(30)


def _is_ready(process: "subprocess.Popen[bytes]", port: int) -> bool:
    assert process.poll() is None
    with suppress(httpx.HTTPError):
        return httpx.get(f"http://127.0.0.1:{port}/health/ready", trust_env=False).is_success
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(condition: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not in {seconds:g} s: {what}"
        time.sleep(0.05)
    return found
