"""Events on Kafka: at-least-once delivery, durable publishing, dead letters. Facts to trust stand in `docs/delivery.md`."""

from sluice.messaging.broker import create_broker
from sluice.messaging.cloudevents import decode, decode_as, decode_structured, encode, encode_structured
from sluice.messaging.connection import answers, connected, consuming
from sluice.messaging.delivery import Delivery, Vet, believe, subscribe
from sluice.messaging.publisher import KafkaPublisher, Sign, unsigned

__all__ = [
    "Delivery",
    "KafkaPublisher",
    "Sign",
    "Vet",
    "answers",
    "believe",
    "connected",
    "consuming",
    "create_broker",
    "decode",
    "decode_as",
    "decode_structured",
    "encode",
    "encode_structured",
    "subscribe",
    "unsigned",
]
