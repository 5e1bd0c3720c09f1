"""Kafka edge: decode, delegate."""

from faststream.kafka import KafkaBroker

from druid_submitter.usecases import AbandonTask, RecordVerdict
from sluice.events import FileValidated
from sluice.messaging import Delivery, KafkaPublisher, subscribe

SERVICE = "druid-submitter"


def on_file_validated(
    broker: KafkaBroker, publisher: KafkaPublisher, record_verdict: RecordVerdict, abandon_task: AbandonTask
) -> Delivery:
    """Read every verdict, at least once."""
    delivery = Delivery(SERVICE, record_verdict, publisher, abandon=abandon_task)
    subscribe(broker, delivery, FileValidated.TOPIC, group=f"sluice.{SERVICE}")
    return delivery
