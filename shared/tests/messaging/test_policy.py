import pytest

from sluice.errors import Permanent, Transient, Undecodable
from sluice.messaging.policy import IN_PLACE_TRIES, LONGEST_PAUSE, DeadLetter, Redeliver, Retry, decide


@pytest.mark.parametrize(
    ("error", "attempt", "decision"),
    [
        (Transient("down"), 1, Retry(0.2)),
        (Transient("down"), 2, Retry(0.4)),
        (Transient("down"), IN_PLACE_TRIES - 1, Retry(12.8)),
        (Transient("down"), IN_PLACE_TRIES, Redeliver()),
        (Permanent("no"), 1, DeadLetter()),
        (Undecodable("no"), 1, DeadLetter()),
        (KeyError("bug"), 1, Retry(0.2)),
        (KeyError("bug"), 2, Retry(0.4)),
        (KeyError("bug"), 3, DeadLetter()),
    ],
)
def test_decision(error, attempt, decision):
    assert decide(error, attempt) == decision


def test_an_outage_is_waited_out_however_long():
    assert all(not isinstance(decide(Transient("down"), n), DeadLetter) for n in range(1, 10_000))


def test_one_delivery_ends_far_below_the_poll_interval():
    pauses = [decide(Transient("down"), n) for n in range(1, IN_PLACE_TRIES)]
    assert sum(pause.after for pause in pauses) < 60
    assert max(pause.after for pause in pauses) <= LONGEST_PAUSE
