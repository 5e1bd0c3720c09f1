"""The Kafka edge: every topic, one handler."""

from faststream.kafka import KafkaBroker

from sluice.events import EVENTS
from sluice.messaging import Delivery, KafkaPublisher, subscribe
from status_tracker.usecases import RecordEvent

SERVICE = "status-tracker"


def on_every_event(broker: KafkaBroker, record_event: RecordEvent) -> Delivery:
    """Register the handler; the broker is started elsewhere."""
    delivery = Delivery(service=SERVICE, handle=record_event, publisher=KafkaPublisher(broker))
    subscribe(broker, delivery, *(event.TOPIC for event in EVENTS), group=f"sluice.{SERVICE}")
    return delivery
