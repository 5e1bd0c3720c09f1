"""The real parts, each asked in its own way; ended in good order, killed, and side by side."""

import asyncio
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import asyncpg
import boto3
import httpx
import psutil
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from sluice_local.stack import Stack

pytestmark = [pytest.mark.real, pytest.mark.timeout(400)]

READY_SECONDS = 120


@pytest.fixture
def stack(parts: Stack) -> Stack:
    return parts


@pytest.fixture
def name() -> str:
    """A name of this test's own, for a table, a topic, a datasource."""
    return f"test_{uuid4().hex}"


def restarted(stack: Stack, name: str) -> None:
    part = stack.parts[name]
    part.kill()
    assert not part.alive()
    part.start()
    part.wait_ready(time.monotonic() + READY_SECONDS)


def until(condition, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.2)


def s3_of(stack: Stack):
    at = stack.endpoints
    return boto3.client(
        "s3",
        endpoint_url=at.s3_endpoint,
        aws_access_key_id=at.s3_access_key,
        aws_secret_access_key=at.s3_secret_key,
        region_name="us-east-1",
    )


async def ask(dsn: str, statement: str) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        return str(await connection.fetchval(statement))
    finally:
        await connection.close()


def ask_postgres(stack: Stack, statement: str) -> str:
    return asyncio.run(ask(stack.endpoints.postgres_dsn, statement))


def count(stack: Stack, datasource: str) -> int | None:
    query = {"query": f'SELECT COUNT(*) AS n FROM "{datasource}"'}  # noqa: S608 - its own name
    told = httpx.post(f"{stack.endpoints.druid_broker_url}/druid/v2/sql", json=query, timeout=20)
    return told.json()[0]["n"] if told.is_success else None


def ingest(stack: Stack, datasource: str, uri: str) -> None:
    spec = {
        "dataSchema": {
            "dataSource": datasource,
            "timestampSpec": {"column": "time", "format": "iso"},
            "dimensionsSpec": {"dimensions": ["city"]},
            "granularitySpec": {"segmentGranularity": "DAY", "rollup": False},
        },
        "ioConfig": {
            "type": "index_parallel",
            "inputSource": {"type": "s3", "uris": [uri]},
            "inputFormat": {"type": "csv", "findColumnsFromHeader": True},
        },
        "tuningConfig": {"type": "index_parallel"},
    }
    task = {"type": "index_parallel", "id": f"load_{datasource}", "spec": spec}
    httpx.post(f"{stack.endpoints.druid_overlord_url}/druid/indexer/v1/task", json=task).raise_for_status()


def topics_of(stack: Stack) -> AdminClient:
    return AdminClient({"bootstrap.servers": stack.endpoints.kafka_bootstrap})


def test_an_object_outlives_a_kill_and_a_half_written_one_does_not(stack, name):
    s3_of(stack).put_object(Bucket="sluice", Key=f"{name}/b.csv", Body=b"1")
    folder = stack.site.root / "data" / "s3" / "objects" / "sluice" / name
    (folder / "c.csv-01234567-89ab-cdef-0123-456789abcdef").write_text("cut off")
    restarted(stack, "s3")
    assert s3_of(stack).get_object(Bucket="sluice", Key=f"{name}/b.csv")["Body"].read() == b"1"
    listed = s3_of(stack).list_objects_v2(Bucket="sluice", Prefix=name)["Contents"]
    assert [found["Key"] for found in listed] == [f"{name}/b.csv"]


def test_wrong_credentials_are_refused(stack):
    client = boto3.client(
        "s3",
        endpoint_url=stack.endpoints.s3_endpoint,
        aws_access_key_id="sluice",
        aws_secret_access_key="guessed",
        region_name="us-east-1",
    )
    with pytest.raises(client.exceptions.ClientError, match=r"403|SignatureDoesNotMatch"):
        client.list_objects_v2(Bucket="sluice")


def test_a_table_outlives_a_kill(stack, name):
    ask_postgres(stack, f"CREATE TABLE {name} AS SELECT 7 AS n")
    restarted(stack, "postgres")
    assert ask_postgres(stack, f"SELECT n FROM {name}") == "7"  # noqa: S608 - its own name


def test_postgres_starts_again_at_once_although_it_was_killed_while_it_computed(stack):
    busy = "SELECT count(*) FROM generate_series(1, 200000000)"
    running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%generate_series(1, 200000000)' AND pid <> pg_backend_pid()"
    with ThreadPoolExecutor(1) as other:
        asked = other.submit(ask_postgres, stack, busy)
        until(lambda: ask_postgres(stack, running) == "1")
        restarted(stack, "postgres")
        assert isinstance(asked.exception(), asyncpg.PostgresError | OSError)


def test_a_topic_is_made_only_when_asked_for_and_outlives_a_kill(stack, name):
    producer = Producer({"bootstrap.servers": stack.endpoints.kafka_bootstrap, "message.timeout.ms": 3000})
    producer.produce(f"{name}.unasked", b"hello")
    producer.flush(10)
    kafka = AdminClient({"bootstrap.servers": stack.endpoints.kafka_bootstrap})
    assert f"{name}.unasked" not in kafka.list_topics(timeout=10).topics
    kafka.create_topics([NewTopic(name, 1)])[name].result(20)
    producer.produce(name, b"hello")
    assert producer.flush(20) == 0
    restarted(stack, "kafka")
    options = {"group.id": name, "auto.offset.reset": "earliest", "bootstrap.servers": stack.endpoints.kafka_bootstrap}
    consumer = Consumer(options)
    consumer.subscribe([name])
    message = consumer.poll(30)
    consumer.close()
    assert message is not None
    assert message.value() == b"hello"


def test_rows_from_s3_outlive_a_kill_of_druid(stack, name):
    content = b"time,city\n2024-01-01T00:00:00Z,Oslo\n2024-01-02T00:00:00Z,Rome\n"
    s3_of(stack).put_object(Bucket="sluice", Key=f"{name}/cities.csv", Body=content)
    ingest(stack, name, f"s3://sluice/{name}/cities.csv")
    until(lambda: count(stack, name) == 2)
    restarted(stack, "druid")
    until(lambda: count(stack, name) == 2)


def test_a_second_stack_beside_it_has_everything_of_its_own_and_leaves_nothing_running(stack, name, tmp_path):
    ask_postgres(stack, f"CREATE TABLE {name} AS SELECT 7 AS n")
    with Stack(tmp_path, "real") as other:
        other.start_parts()
        mine, its = stack.endpoints.environment(), other.endpoints.environment()
        assert {key for key in mine if mine[key] == its[key]} == {"SLUICE_S3_BUCKET", "SLUICE_S3_ACCESS_KEY"}
        assert ask_postgres(other, f"SELECT to_regclass('{name}')") == "None"
        assert ask_postgres(stack, f"SELECT to_regclass('{name}')") == name
        ask_postgres(other, "CREATE TABLE kept AS SELECT 8 AS n")
        notes = [json.loads(file.read_text()) for file in other.site.pids.glob("*.pid")]
        assert len(notes) == 4
    assert not any(psutil.pid_exists(note["pid"]) for note in notes)
    assert processes_of(tmp_path) == []
    assert all(part.alive() for part in stack.parts.values())

    # started once more, by a supervisor that is killed: all is there, and then nothing runs
    supervisor = subprocess.Popen([sys.executable, "-c", SUPERVISOR, tmp_path], stdout=subprocess.PIPE, text=True)
    try:
        dsn = next(line for line in supervisor.stdout if line.startswith("postgresql://"))
        assert asyncio.run(ask(dsn.strip(), "SELECT n FROM kept")) == "8"
        assert len(processes_of(tmp_path)) > 4
    finally:
        supervisor.kill()
        supervisor.communicate()
    until(lambda: processes_of(tmp_path) == [], 30)


SUPERVISOR = """
import sys, time
from pathlib import Path
from sluice_local.stack import Stack
stack = Stack(Path(sys.argv[1]), "real")
stack.start_parts()
print(stack.endpoints.postgres_dsn, flush=True)
time.sleep(600)
"""


def processes_of(folder: Path) -> list[str]:
    """The processes on this machine that name the folder in their command."""
    found = psutil.process_iter(["cmdline"])
    lines = [" ".join(process.info["cmdline"] or []) for process in found]
    return [line for line in lines if str(folder) in line]
