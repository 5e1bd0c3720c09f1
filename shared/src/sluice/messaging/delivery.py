"""At-least-once delivery of a topic's events to one handler, with retries, dead letters and a clean end.

One sequential worker per process: an acknowledgement commits the position of every partition it holds.
Scale with replicas. Every handler must find a second delivery boring.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, assert_never

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from faststream.kafka import KafkaBroker, KafkaMessage
from structlog.contextvars import bound_contextvars

from sluice.clock import Clock, utc_now
from sluice.errors import Undecodable, Untrusted, code_of
from sluice.events import Envelope, Event
from sluice.messaging.cloudevents import decode
from sluice.messaging.deadletter import DeadLetterLimit, Reason, bounded, dead_letter_topic, letter_headers
from sluice.messaging.drain import Drain
from sluice.messaging.policy import DeadLetter, Redeliver, Retry, decide
from sluice.messaging.publisher import KafkaPublisher
from sluice.messaging.record import Record

log = structlog.get_logger()

Handler = Callable[[Envelope[Any]], Awaitable[None]]
Abandon = Callable[[Envelope[Any], Exception], Awaitable[None]]
"""Ends the task of a message that is put aside, so that nobody waits for it for ever."""
Vet = Callable[[Record, str], None]
"""Is a record from the source that it names? Raises Untrusted: then it is put aside, and nothing that it says has an effect."""

MAX_POLL_INTERVAL_MS = 30 * 60 * 1000
"""Above the longest a handler may take, retries included."""

DRAIN_TIMEOUT = 45.0


class Stopped(Exception):
    """The dead-letter limit is reached: the message stays unacknowledged and nothing more is read."""


async def _nothing_to_end(_envelope: Envelope[Any], _error: Exception) -> None:
    return


def believe(_record: Record, _source: str) -> None:
    """Whoever may write to the topic is trusted with it."""


@dataclass(slots=True)
class Delivery:
    """Takes records off one group's topics and hands each, decoded, to `handle` until it is done, waits, or is put aside."""

    service: str
    handle: Handler
    publisher: KafkaPublisher
    abandon: Abandon = _nothing_to_end
    vet: Vet = believe
    clock: Clock = utc_now
    limit: DeadLetterLimit = field(default_factory=DeadLetterLimit)
    drain: Drain = field(default_factory=lambda: Drain(DRAIN_TIMEOUT))
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def __call__(self, message: KafkaMessage) -> None:
        """Returning acknowledges the message. Raising hands it out again."""
        record = Record.of(message.raw_message)
        with self.drain.holding(), bound_contextvars(place=record.place):
            try:
                await self._deliver(record)
            except Stopped:
                _pause(message.consumer)
                raise

    async def reading(self) -> bool:
        """False once too many dead letters in a row have stopped it."""
        return not self.limit.reached()

    async def _deliver(self, record: Record) -> None:
        try:
            envelope = decode(record)
            self.vet(record, envelope.source)
        except (Undecodable, Untrusted) as error:
            await self._put_aside(record, error, attempts=1)
            return
        with bound_contextvars(task_id=str(envelope.data.task_id)):
            await self._handle(record, envelope)

    async def _handle(self, record: Record, envelope: Envelope[Event]) -> None:
        attempt = 0
        while True:
            attempt += 1
            try:
                await self.handle(envelope)
            except Exception as error:  # noqa: BLE001 - the one seam where policy decides about any error
                if await self._settle(record, envelope, error, attempt):
                    return
            else:
                self.limit.count_success()
                return

    async def _settle(self, record: Record, envelope: Envelope[Event], error: Exception, attempt: int) -> bool:
        """True when the message is finished; False to try again. Raises to have it redelivered."""
        decision = decide(error, attempt)
        log.warning("message not handled", attempt=attempt, decision=type(decision).__name__, exc_info=error)
        match decision:
            case Retry(after):
                await self.sleep(after)
                return False
            case Redeliver():
                raise error
            case DeadLetter():
                await self._put_aside(record, error, attempt, envelope)
                return True
            case _:
                assert_never(decision)

    async def _put_aside(
        self, record: Record, error: Exception, attempts: int, envelope: Envelope[Event] | None = None
    ) -> None:
        counts = envelope is not None or (isinstance(error, Undecodable) and self._is_ours(record))
        if counts and self.limit.reached():
            log.error("stopped: too many dead letters in a row", topic=record.topic, limit=self.limit.limit)
            raise Stopped
        code = code_of(error)
        reason = Reason(code, f"{type(error).__name__}: {error}", attempts, self.clock(), self.service)
        letter = letter_headers(record, reason)
        await self.publisher.publish_letter(dead_letter_topic(record.topic), bounded(record), letter)
        # counted first: where its task cannot be ended either, the message comes again, but not for ever
        if counts:
            self.limit.count_letter()
        if envelope is not None:
            await self.abandon(envelope, error)
        log.error("message put aside", topic=dead_letter_topic(record.topic), code=code)

    def _is_ours(self, record: Record) -> bool:
        """Junk from outside must not stop the service for everybody; an event of our own that we cannot read is a bad deploy."""
        source = dict(record.headers).get("ce_source", b"").decode("utf-8", "replace")
        if not source.startswith("sluice/"):
            return False
        try:
            self.vet(record, source)
        except Untrusted:
            return False
        return True


def subscribe(broker: KafkaBroker, delivery: Delivery, *topics: str, group: str) -> None:
    """Register the delivery for the topics under a consumer group, with every setting that the defaults get wrong."""
    broker.subscriber(
        *topics,
        group_id=group,
        auto_offset_reset="earliest",
        max_poll_interval_ms=MAX_POLL_INTERVAL_MS,
        rebalance_timeout_ms=int(DRAIN_TIMEOUT * 1000) + 15_000,
        fetch_max_wait_ms=100,
        listener=delivery.drain,
        parser=_tolerant_parser,
        decoder=_whole,
        no_reply=True,
    )(delivery.__call__)


async def _tolerant_parser(raw: "ConsumerRecord[bytes, bytes]", original: Callable[..., Awaitable[Any]]) -> Any:
    """FastStream's parser fails on header bytes that are not UTF-8, where no middleware sees it: the message would be lost."""
    headers = tuple((name, (value or b"").decode("utf-8", "replace").encode()) for name, value in raw.headers)
    message = await original(type(raw)(**{**_fields(raw), "headers": headers}))
    message.raw_message = raw
    return message


def _fields(raw: "ConsumerRecord[bytes, bytes]") -> dict[str, Any]:
    return {name: getattr(raw, name) for name in raw.__dataclass_fields__}


async def _whole(message: KafkaMessage) -> KafkaMessage:
    """The handler gets the record itself: decoding is part of delivery, so that policy decides about its failures too."""
    return message


def _pause(consumer: Any) -> None:
    """Read nothing more until a person has looked; the member stays in its group, so that nobody else drains the topic."""
    if isinstance(consumer, AIOKafkaConsumer):
        consumer.pause(*consumer.assignment())
