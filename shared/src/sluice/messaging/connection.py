"""Keeping a broker connected from start to end, also when Kafka comes up later than we do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker

log = structlog.get_logger()

RETRY_PAUSE = 1.0


@asynccontextmanager
async def connected(broker: KafkaBroker) -> AsyncIterator[None]:
    """Start the broker in the background, trying until Kafka answers; stop it at the end, after the message in hand."""
    starting = asyncio.create_task(_start(broker))
    try:
        yield
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await broker.stop()


async def _start(broker: KafkaBroker) -> None:
    while True:
        try:
            await broker.start()
        except (KafkaError, OSError) as error:
            log.warning("Kafka does not answer yet", error=repr(error))
            await broker.stop()
            await asyncio.sleep(RETRY_PAUSE)
        else:
            log.info("connected to Kafka")
            return


def consuming(broker: KafkaBroker) -> bool:
    """Does every loop that takes messages off a topic still turn? True also before the first connection."""
    return not any(task.done() for subscriber in broker.subscribers for task in getattr(subscriber, "tasks", ()))


async def answers(broker: KafkaBroker, timeout: float = 2.0) -> bool:
    """Does Kafka answer a request for its cluster's description within `timeout` seconds?"""
    return await broker.ping(timeout)
