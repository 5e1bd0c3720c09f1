"""Delivery of what the outbox holds: an outcome is written on S3 beside its event, and the first one written stands."""

from dataclasses import dataclass

from sluice.events import Envelope, Event, TaskCompleted
from sluice.ledger import outcome_key
from sluice.messaging import KafkaPublisher, decode_structured, encode_structured
from sluice.objectstore import ObjectStore


@dataclass(frozen=True, slots=True)
class OutcomeDelivery:
    """Even a database restored from last night cannot give a task a second outcome: what stands on S3 is published."""

    store: ObjectStore
    publisher: KafkaPublisher

    async def __call__(self, envelope: Envelope[Event]) -> None:
        """Raises Transient."""
        if isinstance(envelope.data, TaskCompleted):
            key = outcome_key(envelope.data.accepted_at, envelope.data.task_id)
            envelope = decode_structured(await self.store.create_or_get(key, encode_structured(envelope)))
        await self.publisher.publish(envelope)
