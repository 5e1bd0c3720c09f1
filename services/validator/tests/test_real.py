"""On the real S3 server and Kafka: the adapters, and the process as it is in production."""

import asyncio
import hashlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import polars as pl
import pytest
from aiokafka import AIOKafkaConsumer

from sluice.contracts import publish_contract
from sluice.events import (
    Accepted,
    Envelope,
    Failed,
    FileUploaded,
    FileValidated,
    ObjectRef,
    Problem,
    Rejected,
    accepted,
    follow,
)
from sluice.messaging import KafkaPublisher, connected, create_broker, decode
from sluice.messaging.record import Record
from sluice.objectstore import ObjectStore, open_objectstore, split_uri
from sluice.settings import S3Settings
from sluice_engine import paths
from sluice_engine.judged import Judged
from validator.adapters.child import Limits
from validator.adapters.children import ChildJudge
from validator.adapters.s3 import S3Files, S3Verdicts
from validator.settings import ValidatorSettings

pytestmark = pytest.mark.real
CONTRACT = Path(__file__).parents[3] / "contracts" / "sales.odcs.yaml"
ROW = "{},2024-01-05T10:00:00Z,Planes,5,1.5,,a@b.co,DE\n"


@pytest.fixture
async def store(environment: dict[str, str]) -> AsyncIterator[ObjectStore]:
    async with open_objectstore(S3Settings()) as opened:
        yield opened


@pytest.fixture
async def stored(store, make_fact) -> Callable[..., Any]:
    async def put(data: bytes, **ref: Any) -> FileUploaded:
        key = f"raw/sales/{uuid4()}/x.csv"
        await store.put(key, data)
        ref = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), **ref}
        fact: FileUploaded = make_fact("csv", object=ObjectRef(uri=store.uri(key), **ref))
        return fact.model_copy(update={"task_id": uuid4()})

    return put


@pytest.mark.parametrize(
    ("data", "ref", "limit", "code"),
    [
        (b"abc", {}, 10, None),
        (b"", {}, 10, "empty-file"),
        (b"abcdef", {}, 5, "file-too-large"),
        (b"abc", {"sha256": "0" * 64}, 10, "digest-mismatch"),
        (b"abc", {"size": 4}, 10, "digest-mismatch"),
        (b"abc", {"etag": "nonsense"}, 10, "digest-mismatch"),
    ],
)
async def test_exactly_the_announced_bytes_are_fetched(data, ref, limit, code, store, stored, tmp_path):
    fact = await stored(data, **ref)
    problem = await S3Files(store, limit).fetch(fact.object, tmp_path)
    assert (problem and problem.code) == code
    assert code or (tmp_path / "input").read_bytes() == data


async def test_missing_object_is_said(store, tmp_path):
    problem = await S3Files(store, 10).fetch(ObjectRef(uri="s3://sluice/raw/none"), tmp_path)
    assert problem
    assert problem.code == "object-missing"


async def test_first_verdict_stands(store, make_fact):
    fact = make_fact("csv").model_copy(update={"task_id": uuid4()})
    cause = accepted(fact)
    verdicts = S3Verdicts(store)
    assert await verdicts.find(fact) is None

    def said(code: str) -> Envelope[FileValidated]:
        common = fact.model_dump(include={"task_id", "datasource", "filename", "accepted_at"})
        verdict = Failed(problem=Problem(code=code, message="…"))
        return follow(cause, FileValidated(**common, verdict=verdict), source="test", time=fact.accepted_at)

    first, second = await asyncio.gather(verdicts.settle(said("one")), verdicts.settle(said("two")))
    assert first == second == await verdicts.find(fact)


@asynccontextmanager
async def service(environment: dict[str, str], port: int, work: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """The validator as a process, ready."""
    settings = {**environment, "SLUICE_HTTP_PORT": str(port), "SLUICE_WORK_DIR": str(work)}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "validator", env=settings)
    try:
        async with asyncio.timeout(120), httpx.AsyncClient(trust_env=False) as client:
            while not await answers(client, f"http://127.0.0.1:{port}/health/ready"):
                await asyncio.sleep(0.1)
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), 60)


async def answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == 200
    except httpx.HTTPError:
        return False


@asynccontextmanager
async def listening(environment: dict[str, str]) -> AsyncIterator[tuple[KafkaPublisher, Callable[..., Any]]]:
    """A publisher, and a way to wait for verdicts of tasks."""
    bootstrap = environment["SLUICE_KAFKA_BOOTSTRAP"]
    async with AsyncExitStack() as stack:
        broker = create_broker(bootstrap, "test")
        await stack.enter_async_context(connected(broker))
        consumer = AIOKafkaConsumer(FileValidated.TOPIC, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        stack.push_async_callback(consumer.stop)

        async def verdicts(count: int, tasks: set[Any]) -> list[Envelope[FileValidated]]:
            found: list[Envelope[FileValidated]] = []
            async with asyncio.timeout(120):
                while len(found) < count:
                    record = Record.of(await consumer.getone())
                    if record.key in {str(task).encode() for task in tasks}:  # other tests leave poison here
                        found.append(decode(record))
            return found

        yield KafkaPublisher(broker), verdicts


async def test_process_judges_each_file_and_survives_a_kill_in_mid_work(
    environment, store, stored, header, tmp_path, unused_tcp_port
):
    await publish_contract(store, CONTRACT.read_text())
    good = await stored((header + ROW.format(1) + ROW.format(2)).encode())
    bad = await stored((header + ROW.format(1).replace("Planes", "Plains")).encode())
    large = await stored((header + "".join(map(ROW.format, range(600_000)))).encode())
    async with listening(environment) as (publisher, verdicts):
        async with service(environment, unused_tcp_port, tmp_path / "work"):
            for fact in (good, good, bad):
                await publisher.publish(accepted(fact))
            said = await verdicts(3, {good.task_id, bad.task_id})
        assert not any((tmp_path / "work").iterdir())
        first, second = [each for each in said if each.data.task_id == good.task_id]
        assert first == second
        await assert_loaded(store, first, 2)
        (refused,) = [each.data.verdict for each in said if each.data.task_id == bad.task_id]
        assert isinstance(refused, Rejected)
        assert b"Did you mean Planes?" in await store.get(split_uri(refused.report or "")[1])

        async with service(environment, unused_tcp_port, tmp_path / "work") as process:
            await publisher.publish(accepted(large))
            async with asyncio.timeout(60):
                while not list((tmp_path / "work").rglob("typed/*.parquet")):
                    await asyncio.sleep(0.05)
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
        assert list((tmp_path / "work").rglob("input"))
        async with service(environment, unused_tcp_port, tmp_path / "work"):
            (ended,) = await verdicts(1, {large.task_id})
            await assert_loaded(store, ended, 600_000)
        assert not any((tmp_path / "work").iterdir())


async def assert_loaded(store: ObjectStore, said: Envelope[FileValidated], rows: int) -> None:
    verdict = said.data.verdict
    assert isinstance(verdict, Accepted)
    assert verdict.accepted == rows
    parts = [pl.read_parquet(await store.get(split_uri(uri)[1])) for uri in verdict.canonical]
    assert sum(part.height for part in parts) == rows


def test_settings_take_a_list_of_buckets(environment, monkeypatch):
    assert ValidatorSettings().buckets == {"sluice"}
    monkeypatch.setenv("SLUICE_ALLOWED_BUCKETS", "a, b")
    assert ValidatorSettings().buckets == {"a", "b"}


async def test_memory_is_bounded_by_the_batch_not_by_the_file(header, sales, make_fact, tmp_path):
    with paths.input_file(tmp_path).open("w") as file:
        file.write(header)
        for first in range(0, 3_900_000, 100_000):
            file.write("".join(map(ROW.format, range(first, first + 100_000))))
    assert paths.input_file(tmp_path).stat().st_size > 200_000_000
    judge = ChildJudge(Limits(memory_bytes=700_000_000, cpu_seconds=300), 280, 1)
    try:
        judged = await judge(tmp_path, make_fact("csv"), sales)
    finally:
        await judge.close()
    assert isinstance(judged, Judged)
    assert (judged.source, judged.problem) == (3_900_000, None)
