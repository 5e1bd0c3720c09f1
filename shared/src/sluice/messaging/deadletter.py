"""Dead letters: the original bytes, and why, where and how often. A limit stops the consumer before it drains a topic."""

import json
from dataclasses import dataclass, replace
from datetime import datetime

from sluice.messaging.record import Record

LIMIT_IN_A_ROW = 20
"""Dead letters without one success between them, after which the fault is ours rather than the messages'."""

REASON = "sluice_dead_letter"
"""Header with the reason; every other header, key and value are the original's."""

MOST_VALUE, MOST_HEADERS, MOST_KEY = 1_048_576, 262_144, 65_536
"""Bytes that a letter keeps. A batch travels compressed: one record in it may be of any size."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a message was put aside."""

    code: str
    error: str
    attempts: int
    at: datetime
    service: str


def letter_headers(record: Record, reason: Reason) -> dict[str, str]:
    """The header that a dead letter adds to its original: JSON with the reason and the place it came from."""
    return {
        REASON: json.dumps(
            {
                "code": reason.code,
                "error": reason.error[:1000],
                "attempts": reason.attempts,
                "at": reason.at.isoformat(),
                "service": reason.service,
                "topic": record.topic,
                "partition": record.partition,
                "offset": record.offset,
            }
        )
    }


def bounded(record: Record) -> Record:
    """The record as a letter can hold it: itself, but for giants, whose whole stands at the place that the reason names."""
    kept, room = [], MOST_HEADERS
    for name, value in record.headers:
        room -= len(name.encode()) + len(value)
        if room >= 0:
            kept.append((name, value))
    key = record.key if record.key is None else record.key[:MOST_KEY]
    return replace(record, key=key, value=record.value[:MOST_VALUE], headers=tuple(kept))


def dead_letter_topic(topic: str) -> str:
    return f"{topic}.dlq"


@dataclass(slots=True)
class DeadLetterLimit:
    """Counts dead letters in a row. One success starts it again."""

    limit: int = LIMIT_IN_A_ROW
    in_a_row: int = 0

    def reached(self) -> bool:
        return self.in_a_row >= self.limit

    def count_letter(self) -> None:
        self.in_a_row += 1

    def count_success(self) -> None:
        self.in_a_row = 0
