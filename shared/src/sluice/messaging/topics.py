"""The topics, created explicitly: an automatic one would have one partition and a week of retention."""

from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from sluice.events import EVENTS, TaskCommand, TaskProgress
from sluice.messaging.broker import MAX_LETTER_BYTES
from sluice.messaging.deadletter import dead_letter_topic

PARTITIONS = 6
DAY_MS = 24 * 60 * 60 * 1000


def topics(replication_factor: int) -> Sequence[NewTopic]:
    """Every topic of Sluice. Facts are kept two weeks, dead letters for ever, progress a day."""
    return [topic for event in EVENTS for topic in _topics_of(event.TOPIC, replication_factor)]


def _topics_of(name: str, replication_factor: int) -> list[NewTopic]:
    partitions = 1 if name == TaskCommand.TOPIC else PARTITIONS
    retention = DAY_MS if name == TaskProgress.TOPIC else 14 * DAY_MS
    letters = {"retention.ms": "-1", "max.message.bytes": str(MAX_LETTER_BYTES)}
    return [
        NewTopic(name, partitions, replication_factor, topic_configs={"retention.ms": str(retention)}),
        NewTopic(dead_letter_topic(name), 1, replication_factor, topic_configs=letters),
    ]


async def create_topics(bootstrap: str, replication_factor: int) -> None:
    """Create what is missing. What exists stays as it is."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        missing = [topic for topic in topics(replication_factor) if topic.name not in existing]
        if not missing:
            return
        response = await admin.create_topics(missing, timeout_ms=30_000)
        for name, code, *details in response.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                raise error(f"{name}: {details}")
    finally:
        await admin.close()
