"""Kafka edge: every topic, one handler."""

from faststream.kafka import KafkaBroker

from sluice.events import EVENTS
from sluice.messaging import Delivery, KafkaPublisher, Vet, subscribe
from status_tracker.usecases import RecordEvent

SERVICE = "status-tracker"


def on_every_event(broker: KafkaBroker, publisher: KafkaPublisher, record_event: RecordEvent, vet: Vet) -> Delivery:
    """Record every event that is believed, at least once."""
    delivery = Delivery(SERVICE, record_event, publisher, vet=vet)
    subscribe(broker, delivery, *(event.TOPIC for event in EVENTS), group=f"sluice.{SERVICE}")
    return delivery
