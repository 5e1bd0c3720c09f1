"""The tracker as the process it is, on real Kafka, Postgres and S3."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from sluice.messaging import encode
from sluice.messaging.topics import topics
from sluice.objectstore import open_objectstore, split_uri
from sluice.settings import S3Settings

pytestmark = pytest.mark.real

POISON = [
    (b"\xff\x00 no JSON", []),
    (b"{}", [("ce_specversion", b"1.0"), ("ce_id", b"1"), ("ce_source", b"x"), ("ce_type", b"sluice.unknown.v9")]),
    (b"", [("ce_type", b"\xfe\xff")]),
]


@dataclass
class Tracker:
    client: httpx.AsyncClient
    log: Path

    async def until(self, path, accept, seconds=60.0):
        """The answer as soon as it is acceptable."""
        async with asyncio.timeout(seconds):
            while True:
                answer = await self.client.get(path)
                if accept(answer):
                    return answer
                await asyncio.sleep(0.1)

    async def ready(self, status=200):
        await self.until("/health/ready", lambda answer: answer.status_code == status)

    async def shows(self, task_id, state):
        found = await self.until(f"/v1/tasks/{task_id}", lambda it: it.is_success and it.json()["state"] == state)
        return found.json()


async def _skip_what_others_published(bootstrap):
    """Move the tracker's group to the end of its topics: other tests of the session use the same Kafka."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id="sluice.status-tracker", enable_auto_commit=False)
    async with consumer:
        places = [TopicPartition(topic.name, number) for topic in topics(1) for number in range(topic.num_partitions)]
        consumer.assign(places)
        await consumer.commit(await consumer.end_offsets(places))


@asynccontextmanager
async def _running(environment, log) -> AsyncIterator[Tracker]:
    with log.open("wb") as output:
        command = (sys.executable, "-m", "status_tracker")
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=output, stderr=output)
    url = f"http://127.0.0.1:{environment['SLUICE_HTTP_PORT']}"
    try:
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            tracker = Tracker(client, log)
            async with asyncio.timeout(30):
                while not await _alive(client):
                    assert process.returncode is None, log.read_text()
                    await asyncio.sleep(0.1)
            yield tracker
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) in (0, -signal.SIGTERM)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _alive(client):
    try:
        return (await client.get("/health/live")).is_success
    except httpx.TransportError:
        return False


@pytest.fixture
async def tracker(environment, dsn, unused_tcp_port, tmp_path):
    await _skip_what_others_published(environment["SLUICE_KAFKA_BOOTSTRAP"])
    own = {"SLUICE_POSTGRES_DSN": dsn, "SLUICE_HTTP_PORT": str(unused_tcp_port)}
    async with _running(environment | own, tmp_path / "tracker.log") as tracker:
        await tracker.ready()
        yield tracker


@pytest.fixture
async def publish(parts):
    """Publishes with a client of its own, bytes and all."""
    producer = AIOKafkaProducer(bootstrap_servers=parts.endpoints.kafka_bootstrap, acks="all")
    await producer.start()

    async def publish(*facts, poison=()):
        for fact in facts:
            key, value, headers = encode(fact)
            for bad, its_headers in poison:
                await producer.send_and_wait(fact.data.TOPIC, bad, key=key, headers=its_headers)
            await producer.send_and_wait(
                fact.data.TOPIC, value, key=key, headers=[(name, text.encode()) for name, text in headers.items()]
            )

    try:
        yield publish
    finally:
        await producer.stop()


async def test_the_chain_is_told_in_spite_of_poison_and_repetition(tracker, publish, tell):
    story = tell()
    task_id = story[0].data.task_id
    await publish(*story, poison=POISON)
    await publish(*reversed(story))
    task = await tracker.shows(task_id, "succeeded")
    assert task["rows"] == {"source": 10, "accepted": 9, "rejected": 1, "ingested": 9, "queryable": 9}
    whole = await tracker.until(
        f"/v1/tasks/{task_id}/events", lambda answer: len(answer.json()["events"]) == len(story)
    )
    assert [event["id"] for event in whole.json()["events"]] == [fact.id for fact in story]

    missing = await tracker.client.get(f"/v1/tasks/{task_id}/report")
    assert missing.json()["code"] == "report-not-found"
    report = json.dumps({"rows": "x" * 3_000_000}).encode()
    async with open_objectstore(S3Settings()) as store:
        await store.put(split_uri(task["report"])[1], report)
    assert (await tracker.client.get(f"/v1/tasks/{task_id}/report")).content == report

    lines = [json.loads(line) for line in tracker.log.read_text().splitlines()]
    assert sum(line["event"] == "message put aside" for line in lines) == len(POISON) * len(story)


async def test_events_wait_while_postgres_is_down(tracker, publish, tell, postgres_server):
    before, during = tell(), tell()
    await publish(*before)
    await tracker.shows(before[0].data.task_id, "succeeded")
    postgres_server.stop()
    try:
        await publish(*during)
        await tracker.ready(503)
        assert (await tracker.client.get("/v1/tasks")).json()["code"] == "dependency-unavailable"
        assert (await tracker.client.get("/health/live")).is_success
    finally:
        postgres_server.start()
    await tracker.shows(during[0].data.task_id, "succeeded")
    await tracker.ready()
    assert "message put aside" not in tracker.log.read_text()
