"""Kafka edge: decode, delegate."""

from faststream.kafka import KafkaBroker

from sluice.events import FileUploaded
from sluice.messaging import Delivery, KafkaPublisher, Vet, subscribe
from validator.usecases import AbandonFile, ValidateFile

SERVICE = "validator"


def on_file_uploaded(
    broker: KafkaBroker, publisher: KafkaPublisher, validate_file: ValidateFile, abandon_file: AbandonFile, vet: Vet
) -> Delivery:
    """Validate every file, at least once. A second delivery publishes the identical verdict again."""
    delivery = Delivery(SERVICE, validate_file, publisher, abandon=abandon_file, vet=vet)
    subscribe(broker, delivery, FileUploaded.TOPIC, group=f"sluice.{SERVICE}")
    return delivery
