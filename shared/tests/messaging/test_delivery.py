"""Delivery on real Kafka: what the client library can lose or double is only seen there."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import TopicPartition

from sluice.errors import Permanent, Transient
from sluice.messaging import Delivery, KafkaPublisher, connected, create_broker, subscribe
from sluice.messaging.deadletter import REASON, DeadLetterLimit
from sluice.testing import file_uploaded

pytestmark = pytest.mark.real

TOPIC = "file.uploaded"


@dataclass
class Seen:
    """A handler that remembers, and does what the test tells it."""

    tasks: list = field(default_factory=list)
    act: Callable = lambda _envelope: None
    slow: float = 0.0

    async def __call__(self, envelope) -> None:
        self.tasks.append(envelope.data.task_id)
        self.act(envelope)
        if self.slow:
            await asyncio.sleep(self.slow)


@dataclass
class Member:
    delivery: Delivery
    abandoned: list


@contextlib.asynccontextmanager
async def member(bootstrap, group, handler, **more) -> AsyncIterator[Member]:
    broker = create_broker(bootstrap, group)
    abandoned = []

    async def abandon(envelope, error):
        abandoned.append((envelope.data.task_id, error))

    async def no_pause(_seconds):
        await asyncio.sleep(0.01)

    delivery = Delivery("test", handler, KafkaPublisher(broker), abandon=abandon, sleep=no_pause, **more)
    subscribe(broker, delivery, TOPIC, group=group)
    async with connected(broker):
        yield Member(delivery, abandoned)


async def until(condition, seconds=30.0):
    """Poll a condition; the deadline is a failure, not an assertion by sleeping."""
    end = time.monotonic() + seconds
    while not (found := condition() if not asyncio.iscoroutinefunction(condition) else await condition()):
        if time.monotonic() > end:
            pytest.fail("it did not happen in time")
        await asyncio.sleep(0.05)
    return found


@pytest.fixture
def bootstrap(parts):
    return parts.endpoints.kafka_bootstrap


@pytest.fixture
async def group(bootstrap):
    """A new group that starts behind everything that older tests have published."""
    name = f"test-{uuid4()}"
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=name, enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition(TOPIC, p) for p in consumer.partitions_for_topic(TOPIC) or await _partitions(consumer)]
        ends = await consumer.end_offsets(places)
        consumer.assign(places)
        await consumer.commit(ends)
    finally:
        await consumer.stop()
    return name


async def _partitions(consumer):
    await consumer._client.add_topic(TOPIC)
    return consumer.partitions_for_topic(TOPIC)


@pytest.fixture
async def publisher(bootstrap):
    broker = create_broker(bootstrap, "test")
    await broker.start()
    yield KafkaPublisher(broker)
    await broker.stop()


async def letters(bootstrap, keys) -> dict:
    """Dead letters of the topic by key."""
    consumer = AIOKafkaConsumer(f"{TOPIC}.dlq", bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    found = {}
    try:
        batches = await consumer.getmany(timeout_ms=3000)
        for message in (message for batch in batches.values() for message in batch):
            if message.key in keys:
                found[message.key] = message
    finally:
        await consumer.stop()
    return found


async def lag(bootstrap, group) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await admin.start()
    await consumer.start()
    try:
        done = await admin.list_consumer_group_offsets(group)
        ends = await consumer.end_offsets(list(done))
        return sum(ends[place] - done[place].offset for place in done)
    finally:
        await consumer.stop()
        await admin.close()


async def test_a_handled_message_is_acknowledged_after_the_work(bootstrap, group, publisher):
    seen = Seen()
    event = file_uploaded()
    async with member(bootstrap, group, seen):
        await publisher.publish(event)
        await until(lambda: seen.tasks == [event.data.task_id])
    assert await lag(bootstrap, group) == 0


async def test_an_outage_is_waited_out_and_then_the_message_is_handled(bootstrap, group, publisher):
    fails = iter(range(20))

    def act(_envelope):
        if next(fails, None) is not None:
            raise Transient("the database is down")

    seen = Seen(act=act)
    event = file_uploaded()
    async with member(bootstrap, group, seen) as one:
        await publisher.publish(event)
        await until(lambda: len(seen.tasks) == 21)
        assert one.abandoned == []
    assert await lag(bootstrap, group) == 0


async def test_a_message_in_hand_at_a_crash_is_delivered_again(bootstrap, group, publisher):
    event = file_uploaded()
    hanging = Seen(slow=3600)
    async with member(bootstrap, group, hanging):
        await publisher.publish(event)
        await until(lambda: hanging.tasks)
        task = next(t for t in asyncio.all_tasks() if "consume_loop" in repr(t))
        task.cancel()  # as a kill between handling and acknowledging
    seen = Seen()
    async with member(bootstrap, group, seen):
        await until(lambda: seen.tasks == [event.data.task_id])


async def test_poison_is_put_aside_with_its_bytes_and_the_next_message_passes(bootstrap, group, publisher):
    poison_key, event = str(uuid4()).encode(), file_uploaded()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    hostile = [("ce_type", b"sluice.file.uploaded.v1"), ("x-odd", b"\xff\xfe")]
    seen = Seen()
    async with member(bootstrap, group, seen):
        await producer.send_and_wait(TOPIC, b"{not json", key=poison_key, headers=hostile)
        await publisher.publish(event)
        await until(lambda: event.data.task_id in seen.tasks)
        for _ in range(10):
            if letter := (await letters(bootstrap, {poison_key})).get(poison_key):
                break
    await producer.stop()
    assert letter is not None
    assert letter.value == b"{not json"
    headers = dict(letter.headers)
    assert headers["ce_type"] == b"sluice.file.uploaded.v1"
    reason = json.loads(headers[REASON])
    assert reason["code"] == "undecodable"
    assert reason["topic"] == TOPIC
    assert reason["attempts"] == 1
    assert await lag(bootstrap, group) == 0


async def test_a_permanent_error_ends_the_task_in_the_same_step(bootstrap, group, publisher):
    def act(_envelope):
        raise Permanent("never")

    event = file_uploaded()
    async with member(bootstrap, group, Seen(act=act)) as one:
        await publisher.publish(event)
        await until(lambda: one.abandoned)
        assert one.abandoned[0][0] == event.data.task_id


async def test_an_unknown_error_is_tried_three_times(bootstrap, group, publisher):
    def act(_envelope):
        raise KeyError("a bug")

    seen = Seen(act=act)
    async with member(bootstrap, group, seen) as one:
        await publisher.publish(file_uploaded())
        await until(lambda: one.abandoned)
        assert len(seen.tasks) == 3


async def test_a_limit_stops_the_consumer_before_it_drains_the_topic(bootstrap, group, publisher):
    def act(_envelope):
        raise Permanent("a bad deploy")

    seen = Seen(act=act)
    async with member(bootstrap, group, seen, limit=DeadLetterLimit(limit=3)) as one:
        for _ in range(8):
            await publisher.publish(file_uploaded())
        await until(one.delivery.limit.reached)
        await until(lambda: len(seen.tasks) >= 4)
        assert not await one.delivery.reading()
        assert len(one.abandoned) == 3
    assert await lag(bootstrap, group) == 5


async def test_two_members_share_the_work_and_a_leaving_one_finishes_what_it_holds(bootstrap, group, publisher):
    """A member joins and leaves while messages are in hand: nothing is lost, and the drain keeps doubles away."""
    first, second, events = Seen(slow=0.1), Seen(slow=0.1), []

    async def publish_until(condition):
        while not condition():
            events.append(file_uploaded())
            await publisher.publish(events[-1])
            await asyncio.sleep(0.08)

    async with asyncio.timeout(120), member(bootstrap, group, first):
        await publish_until(lambda: len(first.tasks) >= 3)
        async with member(bootstrap, group, second):
            await publish_until(lambda: len(second.tasks) >= 5)
        await until(lambda: {e.data.task_id for e in events} <= {*first.tasks, *second.tasks}, 60)
    handled = first.tasks + second.tasks
    assert set(handled) == {event.data.task_id for event in events}
    assert len(handled) - len(set(handled)) <= 2, "the drain is there to keep doubles rare"
    assert await lag(bootstrap, group) == 0
