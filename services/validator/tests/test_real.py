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
import psutil
import pytest
from aiokafka import AIOKafkaConsumer

from sluice.clock import utc_now
from sluice.contracts import publish_contract
from sluice.corrections import Corrections
from sluice.errors import ObjectMissing
from sluice.events import (
    Accepted,
    Envelope,
    Failed,
    FileUploaded,
    FileValidated,
    ObjectRef,
    Outcome,
    Problem,
    Receipt,
    Rejected,
    TaskCompleted,
    accepted,
    follow,
)
from sluice.ledger import attempt_key, outcome_key, verdict_key
from sluice.messaging import KafkaPublisher, create_broker, decode, encode_structured
from sluice.messaging.record import Record
from sluice.objectstore import ObjectStore, open_objectstore, split_uri
from sluice.settings import S3Settings
from sluice.testing import verdict_accepted
from sluice_engine import paths
from sluice_engine.judged import Judged
from validator.adapters.attempts import S3Attempts
from validator.adapters.child import Limits, stderr_file
from validator.adapters.children import ChildJudge
from validator.adapters.s3 import S3Corrections, S3Files, S3Results, S3Verdicts
from validator.domain.attempts import SILENT_AFTER, Mark
from validator.errors import ChildBroken
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
        (b"abc", {"etag": "nonsense"}, 10, "object-changed"),
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
        await broker.start()
        stack.push_async_callback(broker.stop)
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

        await publisher.publish(accepted(large))
        await kill_in_mid_parse(environment, unused_tcp_port, tmp_path / "work")
        assert list((tmp_path / "work").rglob("input"))
        async with service(environment, unused_tcp_port, tmp_path / "work"):
            (ended,) = await verdicts(1, {large.task_id})
            await assert_loaded(store, ended, 600_000)
        assert not any((tmp_path / "work").iterdir())


async def kill_in_mid_parse(environment: dict[str, str], port: int, work: Path) -> None:
    """Kill a validator while its child reads a large file; nothing of it lives on."""
    async with service(environment, port, work) as process:
        async with asyncio.timeout(90):
            while not reads_large_file(work):
                await asyncio.sleep(0.02)
        family = psutil.Process(process.pid).children(recursive=True)
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
    assert len(family) >= 2
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []


def reads_large_file(work: Path) -> bool:
    runs = [run for run in work.glob("*/*") if stderr_file(run).exists()]
    return any(paths.input_file(run).stat().st_size > 1_000_000 for run in runs)


async def test_file_that_killed_three_validators_fails_and_the_next_one_passes(
    environment, store, stored, header, tmp_path, unused_tcp_port
):
    await publish_contract(store, CONTRACT.read_text())
    deadly = await stored((header + "".join(map(ROW.format, range(600_000)))).encode())
    good = await stored((header + ROW.format(1)).encode())
    async with listening(environment) as (publisher, verdicts):
        for fact in (deadly, good):
            await publisher.publish(accepted(fact))
        for number in range(1, 4):
            await kill_in_mid_parse(environment, unused_tcp_port, tmp_path / "work")
            await age(store, attempt_key("sales", deadly.task_id, number))
        async with service(environment, unused_tcp_port, tmp_path / "work"):
            said = await verdicts(2, {deadly.task_id, good.task_id})
    by_task = {each.data.task_id: each.data.verdict for each in said}
    assert isinstance(by_task[good.task_id], Accepted)
    assert isinstance(by_task[deadly.task_id], Failed)
    assert by_task[deadly.task_id].problem.code == "too-many-attempts"
    with pytest.raises(ObjectMissing):
        await store.get(attempt_key("sales", good.task_id, 1))


async def age(store: ObjectStore, key: str) -> None:
    """Let a mark be as old as one of a dead reader."""
    mark = Mark.model_validate_json(await store.get(key))
    old = mark.model_copy(update={"seen_at": mark.seen_at - 2 * SILENT_AFTER})
    await store.put(key, old.model_dump_json().encode())


async def test_attempts_are_counted_on_the_real_store(store, make_fact):
    fact = make_fact("csv").model_copy(update={"task_id": uuid4()})
    attempts = S3Attempts(store, utc_now)
    async with await attempts.begin(fact):
        assert await store.get(attempt_key("sales", fact.task_id, 1))
    for _ in range(3):
        async with await attempts.begin(fact) as attempt:
            await attempt.crashed("signal 6")
    ended = await attempts.begin(fact)
    assert isinstance(ended, Problem)
    assert ended.code == "parser-crashed"


async def test_files_for_the_sender_stand_beside_the_report(store, make_fact, tmp_path):
    run, fact = uuid4(), make_fact("csv")
    (tmp_path / "rejects.csv").write_bytes(b"a")
    paths.report_file(tmp_path).write_bytes(b"{}")
    results = S3Results(store)
    report = await results.keep_report(fact, run, tmp_path)
    await results.keep_files(fact, run, tmp_path, ["rejects.csv"])
    assert await store.get(split_uri(report)[1].replace("report.json", "rejects.csv")) == b"a"


@pytest.mark.parametrize("name", ["../input", "/etc/passwd", "link.csv", "a b.csv", ""])
async def test_no_file_outside_the_run_is_kept_whatever_a_child_names(name, store, make_fact, tmp_path):
    (tmp_path / "link.csv").symlink_to("/etc/passwd")
    with pytest.raises(ChildBroken):
        await S3Results(store).keep_files(make_fact("csv"), uuid4(), tmp_path, [name])


async def test_open_rows_of_the_corrected_task_are_brought(store, make_fact, tmp_path):
    """A parent that was accepted in part, and an outsider's file that brings its rejected rows back."""
    parent = make_fact("csv").model_copy(update={"task_id": uuid4()})
    home = f"reports/sales/{parent.task_id}/run"
    verdict = verdict_accepted(3, accepted=2, rejected=1, report=store.uri(f"{home}/report.json"))
    common = parent.model_dump(include={"task_id", "datasource", "filename", "accepted_at"})
    judged = follow(accepted(parent), FileValidated(**common, verdict=verdict), source="test", time=parent.accepted_at)
    done = TaskCompleted(**common, outcome=Outcome.SUCCEEDED, rows=Receipt(), completed_at=parent.accepted_at)
    outcome = follow(judged, done, source="test", time=parent.accepted_at)
    await store.put(verdict_key("sales", parent.task_id), encode_structured(judged))
    await store.put(outcome_key(parent.accepted_at, parent.task_id), encode_structured(outcome))
    await store.put(f"{home}/open-rows.parquet", b"rows")

    corrections = S3Corrections(store, Corrections(store, utc_now))
    first, second = (parent.model_copy(update={"task_id": uuid4(), "corrects": parent.task_id}) for _ in range(2))
    for _ in range(2):  # a second delivery finds its own claim
        assert await corrections.prepare(first, tmp_path, claimed=False) is None
        assert paths.open_before(tmp_path).read_bytes() == b"rows"
    for claimed, code in ((False, "correction-under-way"), (True, "correction-overtaken")):
        problem = await corrections.prepare(second, tmp_path, claimed=claimed)
        assert problem
        assert problem.code == code


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
