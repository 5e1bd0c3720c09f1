"""How long to wait until the next look."""

from datetime import UTC, datetime, timedelta

QUICKEST, SLOWEST = 0.25, 4.0
LOOKS_BEFORE_SLOWER = 4
LONGEST_BACK_OFF = 15.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def next_look(looks: int, now: datetime) -> timedelta:
    """Quickly while young, slower when old: each pause comes four times, then doubles.

    On multiples of the pause, so that all that are of an age are due at once, and with the quicker ones: one question serves all.
    A clock that is wrong has multiples of its own, and its pauses are no longer.
    """
    doublings = min(looks // LOOKS_BEFORE_SLOWER, 10)  # a power of a count that grows for hours would overflow
    pause = timedelta(seconds=min(QUICKEST * 2**doublings, SLOWEST))
    return pause - (now - _EPOCH) % pause


def back_off(failures: int, chance: float, longest: float = LONGEST_BACK_OFF) -> timedelta:
    """After so many failures in a row, one or more. `chance`, from 0 to 1, spreads those that failed together."""
    return timedelta(seconds=min(0.25 * 2 ** min(failures, 10), longest) * (0.5 + chance))
