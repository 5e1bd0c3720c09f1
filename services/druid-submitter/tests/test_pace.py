"""How soon to look again."""

from datetime import timedelta

import pytest

from druid_submitter.domain.pace import LONGEST_BACK_OFF, back_off, next_look
from sluice.testing import NOW


def test_young_tasks_are_looked_at_quickly_and_old_ones_seldom():
    at, moments = NOW, []
    for looks in range(60):
        at += next_look(looks, at)
        moments.append((at - NOW).total_seconds())
    assert moments[3] <= 1
    assert sum(moment < 10 for moment in moments) < 15
    assert moments[-1] - moments[-2] == 4
    assert next_look(10**9, NOW) > timedelta(0)


@pytest.mark.parametrize("looks", [0, 5, 9, 13, 17, 30])
def test_all_of_an_age_are_due_at_once_and_with_the_quicker_ones(looks):
    arrivals = [NOW + timedelta(milliseconds=37 * n) for n in range(200)]
    due = {at + next_look(looks, at) for at in arrivals}
    pause = next_look(looks, NOW)
    assert len(due) <= 7.4 / pause.total_seconds() + 2
    assert all(next_look(0, at - timedelta(milliseconds=1)) == timedelta(milliseconds=1) for at in due)


def test_a_back_off_grows_is_spread_and_ends():
    pauses = [back_off(failures, 0.5).total_seconds() for failures in range(1, 30)]
    assert pauses == sorted(pauses)
    assert pauses[0] < 1
    assert back_off(10**6, 0.5).total_seconds() == LONGEST_BACK_OFF
    assert back_off(3, 0.0) * 3 == back_off(3, 1.0)
