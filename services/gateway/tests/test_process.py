"""The gateway as the process that it is in production, on real S3 and Kafka."""

import asyncio
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaConsumer

from sluice.events import Envelope
from sluice.ledger import active_contract_key
from sluice.messaging import decode, decode_structured
from sluice.messaging.record import Record
from sluice.objectstore import ObjectStore, open_objectstore
from sluice.settings import S3Settings

pytestmark = pytest.mark.real

MB = 1_000_000
LINE = b"1,2,3,4\n"
LIMIT = 60 * MB


@dataclass(frozen=True, slots=True)
class Process:
    """A running gateway, and a datasource that only this test uses."""

    port: int
    pid: int
    datasource: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1/datasources/{self.datasource}/files"

    def put(self, body: Any = LINE, name: str = "a.csv", **headers: str) -> httpx.Response:
        names = {header.replace("_", "-"): value for header, value in headers.items()}
        return httpx.put(f"{self.url}/{name}", content=body, headers=names, timeout=60, trust_env=False)

    def head(self, name: str, *more: str) -> bytes:
        path = self.url.partition(str(self.port))[2]
        return "\r\n".join([f"PUT {path}/{name} HTTP/1.1", "Host: gateway", *more, "", ""]).encode()

    def peak_memory(self) -> int:
        """Bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024


@pytest.fixture
async def bucket(environment: dict[str, str]) -> AsyncIterator[ObjectStore]:
    async with open_objectstore(S3Settings()) as store:
        yield store


@pytest.fixture
async def datasource(bucket: ObjectStore) -> str:
    name = f"trial_{uuid4().hex[:12]}"
    await bucket.put(active_contract_key(name), b"1.0.0")
    return name


Run = Callable[..., Any]


@pytest.fixture
def run(environment: dict[str, str], datasource: str, tmp_path: Path) -> Run:
    """A context manager: a gateway process with further settings, stopped at the end."""

    @contextmanager
    def running(**settings: Any) -> Iterator[Process]:
        port = _free_port()
        own = {f"SLUICE_{name.upper()}": str(value) for name, value in settings.items()}
        env = {**environment, "SLUICE_HTTP_PORT": str(port), "SLUICE_MAX_UPLOAD_BYTES": str(LIMIT), **own}
        with (tmp_path / "log").open("ab") as log:
            process = subprocess.Popen([sys.executable, "-m", "gateway"], env=env, stdout=log, stderr=log)
        try:
            _wait_ready(process, port)
            yield Process(port, process.pid, datasource)
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(30)
        assert code in {0, -signal.SIGTERM, -signal.SIGKILL}

    return running


@pytest.fixture
def gateway(run: Run) -> Iterator[Process]:
    with run() as process:
        yield process


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_ready(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None
        with suppress(httpx.HTTPError):
            if httpx.get(f"http://127.0.0.1:{port}/health/ready", trust_env=False).is_success:
                return
        time.sleep(0.05)
    raise AssertionError("the gateway does not get ready")


async def raw_keys(bucket: ObjectStore, process: Process) -> list[str]:
    return [info.key async for info in bucket.list(f"raw/{process.datasource}/")]


async def unfinished(bucket: ObjectStore, process: Process) -> list[str]:
    answer = await bucket.client.list_multipart_uploads(Bucket=bucket.bucket)
    return [each["Key"] for each in answer.get("Uploads", ()) if f"/{process.datasource}/" in each["Key"]]


async def record_of(bucket: ObjectStore, task_id: str) -> Envelope[Any]:
    keys = [info.key async for info in bucket.list("accepted/") if info.key.endswith(f"/{task_id}.json")]
    assert len(keys) == 1
    return decode_structured(await bucket.get(keys[0]))


async def told(parts: Any, task_id: str, seconds: float = 60) -> Envelope[Any]:
    """The first event of the task on `file.uploaded`."""
    bootstrap = parts.endpoints.kafka_bootstrap
    consumer = AIOKafkaConsumer("file.uploaded", bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(seconds):
            async for message in consumer:
                if message.key == task_id.encode():
                    return decode(Record.of(message))
        raise AssertionError("the consumer ended")
    finally:
        await consumer.stop()


async def poll(condition: Callable[[], Any], wanted: object, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while (seen := await condition()) != wanted:
        assert time.monotonic() < deadline, f"still {seen!r}"
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("route", ["put", "post"])
async def test_a_file_of_several_parts_arrives_and_is_told(
    gateway: Process, bucket: ObjectStore, parts: Any, route: str
) -> None:
    body = LINE * (20 * MB // len(LINE))
    if route == "put":
        answer = await asyncio.to_thread(gateway.put, body)
    else:
        answer = await asyncio.to_thread(httpx.post, gateway.url, files={"file": ("a.csv", body)}, trust_env=False)
    assert answer.status_code == 202
    task_id = answer.json()["task_id"]
    record = await record_of(bucket, task_id)
    assert await bucket.get(record.data.object.uri.removeprefix(f"s3://{bucket.bucket}/")) == body
    assert await told(parts, task_id) == record


async def test_the_promise_of_continue_is_kept_only_where_the_body_is_wanted(gateway: Process) -> None:
    async def begin(size: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(gateway.head("a.csv", f"Content-Length: {size}", "Expect: 100-continue"))
        try:
            async with asyncio.timeout(5):
                return await reader.readline()
        finally:
            writer.close()

    assert b" 100 " in await begin(100)
    assert b" 413 " in await begin(600 * MB)


async def test_a_client_that_writes_before_it_reads_sees_why_its_600_mb_are_refused(
    gateway: Process, bucket: ObjectStore
) -> None:
    def push() -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
        connection.request(
            "PUT",
            f"{gateway.url.partition(str(gateway.port))[2]}/a.csv",
            body=chunks(600 * MB),
            headers={"Content-Length": str(600 * MB)},
        )
        answer = connection.getresponse()
        return answer.status, answer.read()

    status, body = await asyncio.to_thread(push)
    assert status == 413
    assert b"file-too-large" in body
    assert await raw_keys(bucket, gateway) == await unfinished(bucket, gateway) == []


def chunks(size: int) -> Iterator[bytes]:
    block = LINE * (MB // len(LINE))
    for _ in range(size // len(block)):
        yield block


async def test_a_chunked_body_is_refused_at_the_byte_that_crosses(gateway: Process, bucket: ObjectStore) -> None:
    assert (await asyncio.to_thread(gateway.put, chunks(LIMIT))).status_code == 202
    (kept,) = await raw_keys(bucket, gateway)

    def over() -> Iterator[bytes]:
        yield from chunks(LIMIT)
        yield b"x"

    answer = await asyncio.to_thread(gateway.put, over())
    assert (answer.status_code, answer.json()["code"]) == (413, "file-too-large")
    assert await raw_keys(bucket, gateway) == [kept]
    assert await unfinished(bucket, gateway) == []


async def test_a_client_gone_in_mid_body_leaves_nothing(gateway: Process, bucket: ObjectStore) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(gateway.head("a.csv", f"Content-Length: {50 * MB}"))
    for block in chunks(20 * MB):
        writer.write(block)
        await writer.drain()
    await poll(lambda: _count(unfinished(bucket, gateway)), 1)
    writer.transport.abort()
    await poll(lambda: _count(unfinished(bucket, gateway)), 0)
    assert await raw_keys(bucket, gateway) == []
    assert (await asyncio.to_thread(gateway.put)).status_code == 202


async def _count(listing: Any) -> int:
    return len(await listing)


async def test_a_hundred_at_once_under_one_key_on_two_replicas_are_one_task_and_one_object(
    run: Run, bucket: ObjectStore
) -> None:
    room, headers, body = (
        {"max_uploads": 100, "max_uploads_of_caller": 100},
        {"Idempotency-Key": str(uuid4())},
        LINE * 20,
    )
    with run(**room) as one, run(**room) as two:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(timeout=60, trust_env=False, limits=limits, headers=headers) as http:
            answers = await asyncio.gather(*(http.put(f"{each.url}/a.csv", content=body) for each in [one, two] * 50))
    assert [answer.status_code for answer in answers] == [202] * 100
    (task_id,) = {answer.json()["task_id"] for answer in answers}
    (raw,) = await raw_keys(bucket, one)
    assert (await record_of(bucket, task_id)).data.object.uri == bucket.uri(raw)


async def test_files_are_accepted_without_kafka_and_told_later_even_after_a_kill(
    run: Run, bucket: ObjectStore, parts: Any
) -> None:
    kafka = parts.parts["kafka"]
    await asyncio.to_thread(kafka.stop)
    try:
        with run() as first:
            before = time.monotonic()
            killed = (await asyncio.to_thread(first.put)).json()["task_id"]
            assert time.monotonic() - before < 5
            os.kill(first.pid, signal.SIGKILL)
        with run(sweep_after_start=0, sweep_every=1) as second:
            waiting = (await asyncio.to_thread(second.put)).json()["task_id"]
            await asyncio.to_thread(_start, kafka)
            for task_id in (killed, waiting):
                assert await told(parts, task_id) == await record_of(bucket, task_id)
    finally:
        await asyncio.to_thread(_start, kafka)


def _start(part: Any) -> None:
    part.start()
    part.wait_ready(time.monotonic() + 60)


async def test_memory_does_not_grow_with_the_file(run: Run) -> None:
    with run(max_upload_bytes=500 * MB) as gateway:
        gateway.put()
        before = gateway.peak_memory()
        answer = await asyncio.to_thread(gateway.put, chunks(200 * MB))
        assert answer.status_code == 202
        assert gateway.peak_memory() - before < 80 * MB
