"""How long Druid may be at a file."""

import pytest
from submitter_fakes import Bench

from druid_submitter.domain.watch import TaskState
from sluice.events import DruidSubmitted, Outcome, TaskCompleted
from sluice.testing import file_validated, verdict_accepted


@pytest.mark.parametrize(("minutes", "by"), [(10, "2026-03-01 08:10:00"), (None, "2026-03-03 08:00:00")])
async def test_what_takes_too_long_is_stopped_and_fails(minutes, by):
    bench = Bench(minutes=minutes)
    await bench.record(file_validated(verdict_accepted(10)))
    await bench.turn(2)
    await bench.turn(seconds=(minutes or 2880) * 60 - 18)
    await bench.turn()
    assert bench.druid.stopped == []
    await bench.turn(2)
    (done,) = bench.said(TaskCompleted)
    assert (done.outcome, done.error.code) == (Outcome.FAILED, "time-limit")
    assert f"by {by} UTC" in done.error.message
    assert bench.druid.stopped == bench.druid.submitted
    assert len(bench.said(DruidSubmitted)) == 1


async def test_what_is_ready_in_the_last_moment_has_succeeded():
    bench = Bench(minutes=10)
    await bench.record(file_validated(verdict_accepted(10)))
    await bench.turn(1, seconds=601)
    bench.druid.finish(10)
    await bench.turn(3)
    assert [done.outcome for done in bench.said(TaskCompleted)] == [Outcome.SUCCEEDED]


async def test_rows_that_were_there_when_it_was_stopped_are_taken_out():
    bench = Bench(minutes=10)
    await bench.record(file_validated(verdict_accepted(10)))
    await bench.turn(1, seconds=601)
    bench.druid.counted = 4
    await bench.turn(2)
    assert bench.druid.submitted[-1].endswith("_removal")
    assert bench.druid.state is TaskState.FAILED
    bench.druid.counted = 0
    await bench.turn(2)
    assert [done.error.code for done in bench.said(TaskCompleted)] == ["time-limit"]
