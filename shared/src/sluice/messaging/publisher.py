"""Publishing events and dead letters. Returning means: every in-sync replica has it."""

import asyncio
from collections.abc import Callable, Mapping

from aiokafka.errors import KafkaError
from faststream.exceptions import FastStreamException
from faststream.kafka import KafkaBroker

from sluice.errors import Transient
from sluice.events import Envelope, Event
from sluice.messaging.cloudevents import encode
from sluice.messaging.record import Record

PUBLISH_TIMEOUT = 20.0
"""Seconds. aiokafka itself blocks half a minute without a word when a broker dies."""

Sign = Callable[[Mapping[str, str], bytes], Mapping[str, str]]
"""The headers of a record with its signature among them, given its headers and value."""


def unsigned(headers: Mapping[str, str], _value: bytes) -> Mapping[str, str]:
    """For topics on which everybody is believed."""
    return headers


class KafkaPublisher:
    """Publishes on a broker that somebody else starts and stops.

    A publish that timed out may still have landed; the same event published again bears the same id.
    """

    def __init__(self, broker: KafkaBroker, timeout: float = PUBLISH_TIMEOUT, sign: Sign = unsigned) -> None:
        self._broker = broker
        self._timeout = timeout
        self._sign = sign

    async def publish(self, envelope: Envelope[Event]) -> None:
        """Raises Transient while Kafka does not take it."""
        key, value, headers = encode(envelope)
        await self._send(envelope.data.TOPIC, key, value, self._sign(headers, value))

    async def publish_letter(self, topic: str, record: Record, added: dict[str, str]) -> None:
        """Put a record's original bytes on a dead-letter topic. Raises Transient."""
        original = {name: value.decode("utf-8", "backslashreplace") for name, value in record.headers}
        await self._send(topic, record.key, record.value, original | added)

    async def _send(self, topic: str, key: bytes | None, value: bytes, headers: Mapping[str, str]) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                await self._broker.publish(value, topic=topic, key=key, headers=dict(headers))
        except (KafkaError, FastStreamException, TimeoutError, OSError) as error:
            raise Transient(f"Kafka did not take a message for {topic}: {error!r}") from error
