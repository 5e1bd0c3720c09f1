"""Kafka edge: decode, delegate."""

from faststream.kafka import KafkaBroker

from druid_submitter.usecases import AbandonTask, RecordCommand, RecordVerdict
from sluice.events import FileValidated, TaskCommand
from sluice.messaging import Delivery, KafkaPublisher, Vet, subscribe

SERVICE = "druid-submitter"


def on_file_validated(
    broker: KafkaBroker, publisher: KafkaPublisher, record_verdict: RecordVerdict, abandon_task: AbandonTask
) -> Delivery:
    """Read every verdict, at least once."""
    delivery = Delivery(SERVICE, record_verdict, publisher, abandon=abandon_task)
    subscribe(broker, delivery, FileValidated.TOPIC, group=f"sluice.{SERVICE}")
    return delivery


def on_task_command(
    broker: KafkaBroker, publisher: KafkaPublisher, record_command: RecordCommand, vet: Vet
) -> Delivery:
    """Read every command, at least once. What is recorded is seen by every replica."""
    delivery = Delivery(SERVICE, record_command, publisher, vet=vet)
    subscribe(broker, delivery, TaskCommand.TOPIC, group=f"sluice.{SERVICE}.commands")
    return delivery
