"""What to do with a message that could not be handled. Pure: error and attempt in, decision out."""

from dataclasses import dataclass

from sluice.errors import Permanent, Transient

TRIES_OF_UNKNOWN = 3
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 15.0
IN_PLACE_TRIES = 8
"""Tries before the message goes back to Kafka: 0.2 s doubling to 15 s, about half a minute, far below the poll interval."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again here, after a pause in seconds."""

    after: float


@dataclass(frozen=True, slots=True)
class Redeliver:
    """Leave it unacknowledged; Kafka hands it out again. An outage is waited out, however long."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """It will never succeed: put it aside and end its task."""


Decision = Retry | Redeliver | DeadLetter


def decide(error: Exception, attempt: int) -> Decision:
    """Decide after the `attempt`-th failure (1 = first) of one delivery."""
    # the power of any attempt there may be would overflow
    pause = Retry(min(FIRST_PAUSE * 2 ** min(attempt - 1, IN_PLACE_TRIES), LONGEST_PAUSE))
    match error:
        case Transient():
            return pause if attempt < IN_PLACE_TRIES else Redeliver()
        case Permanent():
            return DeadLetter()
        case _:
            return pause if attempt < TRIES_OF_UNKNOWN else DeadLetter()
