"""The one place where the Kafka client is configured. Each setting is here because its default loses or doubles messages."""

import logging

from faststream import AckPolicy
from faststream.kafka import KafkaBroker

GRACEFUL_TIMEOUT = 30.0
REQUEST_TIMEOUT_MS = 15_000
MAX_LETTER_BYTES = 4_194_304
"""A dead letter is larger than the largest record that a topic takes by default, 1 MiB: it says why, and escapes headers."""


def create_broker(bootstrap: str, client_id: str) -> KafkaBroker:
    """A broker that acknowledges after the work (at least once) and publishes durably (`acks=all`, idempotent).

    It creates no topics: `python -m sluice.messaging create-topics` does, with the right partitions.
    """
    return KafkaBroker(
        bootstrap.split(","),
        client_id=client_id,
        acks="all",
        enable_idempotence=True,
        allow_auto_create_topics=False,
        ack_policy=AckPolicy.NACK_ON_ERROR,
        graceful_timeout=GRACEFUL_TIMEOUT,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        max_request_size=MAX_LETTER_BYTES,
        logger=logging.getLogger("sluice.kafka"),
        log_level=logging.DEBUG,
        apply_types=False,
    )
