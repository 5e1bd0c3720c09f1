from dataclasses import replace
from datetime import timedelta

import pytest
from submitter_fakes import Bench

from druid_submitter.domain.admission import Capacity
from druid_submitter.domain.ingestion import Phase
from druid_submitter.domain.interval import parsed
from druid_submitter.domain.watch import RowStats, TaskState
from druid_submitter.errors import IdBurnt, SpecRefused
from druid_submitter.usecases import AbandonTask
from sluice.contracts import DruidMode, Partitions, PartitionsType
from sluice.errors import Permanent, Transient
from sluice.events import DruidSubmitted, Failed, Outcome, Problem, Receipt, TaskCompleted
from sluice.testing import file_validated, verdict_accepted, verdict_rejected


@pytest.fixture
def bench():
    return Bench()


async def test_accepted_rows_are_submitted_proved_and_concluded(bench):
    await bench.record(file_validated(verdict_accepted(10)))
    await bench.turn(2)
    assert [fact.attempt for fact in bench.said(DruidSubmitted)] == [1]
    assert [event.data.stage for event in bench.progress.published] == ["ingesting"]
    assert bench.said(TaskCompleted) == []
    bench.druid.finish(10)
    await bench.turn(3)
    (done,) = bench.said(TaskCompleted)
    assert done.outcome is Outcome.SUCCEEDED
    assert done.rows == Receipt(source=10, accepted=10, rejected=0, ingested=10, queryable=10)


async def test_good_rows_of_a_file_are_held_against_their_own_number_and_the_rejected_ones_told(bench):
    await bench.record(file_validated(verdict_accepted(10, accepted=7, rejected=3)))
    bench.druid.finish(7)
    await bench.turn(3)
    (done,) = bench.said(TaskCompleted)
    assert done.outcome is Outcome.SUCCEEDED
    assert done.rows == Receipt(source=10, accepted=7, rejected=3, ingested=7, queryable=7)


async def test_as_many_rows_as_the_whole_file_has_are_too_many_where_some_were_rejected(bench):
    await bench.record(file_validated(verdict_accepted(10, accepted=7, rejected=3)))
    bench.druid.finish(10)
    await bench.turn(5, seconds=31)
    assert bench.said(TaskCompleted) == []


async def test_range_partitions_are_made_by_a_supervisor_and_a_sub_task_where_there_is_room_for_both():
    bench = Bench(DruidMode.REPLACE, partitions=Partitions(PartitionsType.RANGE, ("OrderID",)))
    bench.druid.room = Capacity(slots=1, most=1, used=0)
    await bench.record(file_validated(verdict_accepted(10)))
    await bench.turn(3)
    assert bench.druid.submitted == []
    bench.druid.room = Capacity(slots=2, most=2, used=0)
    await bench.turn(10)
    (spec,) = bench.druid.specs
    assert spec["spec"]["tuningConfig"]["maxNumConcurrentSubTasks"] == 1
    assert [row["slots"] for row in bench.ingestions.rows.values()] == [2]


async def test_success_of_druid_is_not_the_end(bench):
    await bench.record(file_validated(verdict_accepted(10)))
    bench.druid.finish(10)
    bench.druid.counted = 4
    await bench.turn(10)
    assert bench.said(TaskCompleted) == []
    bench.druid.counted = 10
    await bench.turn(2)
    assert len(bench.said(TaskCompleted)) == 1


async def test_a_second_delivery_of_a_verdict_submits_nothing_and_repeats_the_outcome(bench):
    event = file_validated(verdict_accepted(10))
    bench.druid.finish(10)
    for _ in range(2):
        await bench.record(event)
        await bench.turn(3)
    assert len(bench.druid.submitted) == 1
    first, second = [each for each in bench.ingestions.said if isinstance(each.data, TaskCompleted)]
    assert first == second


async def test_the_first_verdict_of_a_task_wins(bench):
    first = file_validated(verdict_rejected())
    await bench.record(first)
    await bench.record(file_validated(verdict_accepted(), task_id=first.data.task_id))
    await bench.turn(3)
    assert [done.outcome for done in bench.said(TaskCompleted)] == [Outcome.REJECTED]
    assert bench.druid.submitted == []


@pytest.mark.parametrize(
    ("verdict", "outcome", "code"),
    [
        (verdict_rejected(10, 3), Outcome.REJECTED, "contract-broken"),
        (Failed(problem=Problem(code="parser-crashed", message="m")), Outcome.FAILED, "parser-crashed"),
    ],
)
async def test_a_refusal_is_concluded_once_druid_holds_no_row(bench, verdict, outcome, code):
    await bench.record(file_validated(verdict))
    bench.druid.counted = 1
    await bench.turn(3, seconds=31)
    assert bench.said(TaskCompleted) == []
    bench.druid.counted = 0
    await bench.turn()
    (done,) = bench.said(TaskCompleted)
    assert (done.outcome, done.error.code, done.rows.queryable) == (outcome, code, 0)


async def test_a_failed_ingestion_fails_its_task_and_says_what_druid_said(bench):
    await bench.record(file_validated())
    bench.druid.state = TaskState.FAILED
    await bench.turn(3)
    (done,) = bench.said(TaskCompleted)
    assert done.outcome is Outcome.FAILED
    assert done.error.code == "ingestion-failed"
    assert "the heavens fell" not in done.error.message, "Druid's words may quote a row"
    assert "s3://sluice/druid-1.json" in done.error.message
    assert bench.evidence.kept[1].status == "the heavens fell"


async def test_a_refused_spec_fails_its_task(bench):
    bench.druid.refusing = SpecRefused("Druid refuses the ingestion: no such type")
    bench.druid.state = TaskState.UNKNOWN
    await bench.record(file_validated())
    await bench.turn(3)
    (done,) = bench.said(TaskCompleted)
    assert done.error.code == "druid-refused-spec"


async def test_a_druid_that_does_not_answer_is_waited_for(bench):
    bench.druid.refusing = Transient("connection refused")
    await bench.record(file_validated(verdict_accepted(10)))
    await bench.turn(20)
    bench.druid.refusing = None
    bench.druid.finish(10)
    await bench.turn(4)
    assert [done.outcome for done in bench.said(TaskCompleted)] == [Outcome.SUCCEEDED]


async def test_an_outage_of_a_day_stops_nobody(bench):
    await bench.record(file_validated(verdict_accepted(10)))
    await bench.turn(2)
    (row,) = bench.ingestions.rows.values()
    row["polls"] = 24 * 3600
    await bench.turn()
    bench.druid.refusing = Transient("down")
    row["phase"] = "submitting"
    await bench.turn()
    bench.druid.refusing = None
    assert row["polls"] == 24 * 3600 + 2
    bench.druid.finish(10)
    await bench.turn(4)
    assert len(bench.said(TaskCompleted)) == 1


async def test_a_burnt_id_is_left_for_the_next_attempt(bench):
    await bench.record(file_validated())
    bench.druid.refusing = IdBurnt("held by a noop")
    await bench.turn()
    bench.druid.refusing = None
    await bench.turn()
    assert [task.endswith("_2") for task in bench.druid.submitted] == [True]


async def test_a_task_that_druid_lost_is_submitted_again_under_the_same_id(bench):
    await bench.record(file_validated())
    bench.druid.state = TaskState.UNKNOWN
    await bench.turn(8)
    assert len(bench.druid.submitted) >= 2
    assert len(set(bench.druid.submitted)) == 1


async def test_a_count_that_cannot_be_is_held_and_never_guessed(bench):
    await bench.record(file_validated(verdict_accepted(10)))
    bench.druid.finish(10)
    bench.druid.stats = RowStats(9, 1)
    await bench.turn(20)
    assert bench.said(TaskCompleted) == []


async def test_one_surprise_does_not_stop_the_others(bench):
    odd, fine = file_validated(), file_validated()
    await bench.record(odd)
    await bench.record(fine)
    submit = bench.druid.submit

    async def sometimes(spec):
        if str(odd.data.task_id) in spec["id"]:
            raise KeyError("a bug")
        await submit(spec)

    bench.druid.submit = sometimes
    bench.druid.finish(10)
    await bench.turn(3)
    assert [done.task_id for done in bench.said(TaskCompleted)] == [fine.data.task_id]


async def test_a_replica_that_lost_its_lease_changes_nothing(bench):
    await bench.record(file_validated())
    (stale,) = await bench.ingestions.lease({Phase.SUBMITTING}, 10)
    bench.clock.advance(31)
    await bench.turn()
    said = len(bench.ingestions.said)
    await bench.ingestions.clearing(stale, Problem(code="late", message="m"))
    bench.druid.finish(10)
    await bench.turn(2)
    assert [done.outcome for done in bench.said(TaskCompleted)] == [Outcome.SUCCEEDED]
    assert len(bench.ingestions.said) == said + 1


async def test_progress_may_be_lost(bench):
    bench.progress.failing = Transient("Kafka is down")
    await bench.record(file_validated(verdict_accepted(10)))
    bench.druid.finish(10)
    await bench.turn(3)
    assert len(bench.said(TaskCompleted)) == 1


async def test_a_verdict_that_cannot_be_handled_ends_its_task(bench):
    event = file_validated()
    await AbandonTask(bench.ingestions)(event, Permanent("Postgres refuses"))
    await bench.turn()
    assert [done.outcome for done in bench.said(TaskCompleted)] == [Outcome.FAILED]


async def test_an_ingestion_that_is_given_up_but_has_succeeded_after_all_has_succeeded(bench):
    await bench.record(file_validated(verdict_accepted(10)))
    bench.druid.refusing = SpecRefused("said by mistake")
    await bench.turn()
    bench.druid.refusing = None
    bench.druid.finish(10)
    await bench.turn(2)
    assert [done.outcome for done in bench.said(TaskCompleted)] == [Outcome.SUCCEEDED]


async def test_the_id_of_an_ingestion_that_is_given_up_is_burnt_before_the_outcome(bench):
    await bench.record(file_validated(verdict_accepted(10)))
    bench.druid.state = TaskState.UNKNOWN
    bench.druid.refusing = SpecRefused("no such type")
    await bench.turn(3)
    assert [done.outcome for done in bench.said(TaskCompleted)] == [Outcome.FAILED]
    assert bench.druid.burnt == [bench.said(TaskCompleted)[0].druid_task_id]


async def test_a_status_that_cannot_be_asked_gives_the_ingestion_back_at_once(bench):
    await bench.record(file_validated(verdict_accepted(10)))
    await bench.turn(2)
    bench.druid.refusing = Transient("down")
    await bench.turn(1, seconds=6)
    bench.druid.refusing = None
    bench.druid.finish(10)
    await bench.turn(1)
    assert len(bench.said(TaskCompleted)) == 1


async def test_a_file_that_replaces_all_names_the_span_of_what_is_there():
    bench = Bench(DruidMode.REPLACE_ALL)
    bench.druid.there = parsed("2020-01-01T00:00:00.000Z/2020-01-02T00:00:00.000Z")
    await bench.record(file_validated(verdict_accepted(10)))
    await bench.turn(2)
    (spec,) = bench.druid.specs
    (interval,) = spec["spec"]["dataSchema"]["granularitySpec"]["intervals"]
    assert interval.startswith("2020-01-01T00:00:00.000Z/2026-")
    assert spec["spec"]["ioConfig"]["dropExisting"] is True


@pytest.mark.parametrize("mode", DruidMode)
async def test_a_file_that_replaces_all_is_loaded_once_nothing_older_answers_anywhere(mode):
    bench = Bench(mode)
    bench.druid.finish(10)
    await bench.record(file_validated(verdict_accepted(10)))
    await bench.turn(3)
    assert len(bench.said(TaskCompleted)) == 1
    (span,) = bench.druid.spans
    assert (span is None) == (mode is DruidMode.REPLACE_ALL)


async def test_files_that_replace_are_loaded_one_after_the_other():
    bench = Bench(DruidMode.REPLACE)
    for _ in range(3):
        await bench.record(file_validated(verdict_accepted(10)))
    await bench.turn(5)
    assert len(bench.druid.submitted) == 1
    bench.druid.finish(10)
    await bench.turn(12)
    assert len(bench.druid.submitted) == 3
    assert [done.outcome for done in bench.said(TaskCompleted)] == [Outcome.SUCCEEDED] * 3


async def test_a_file_that_comes_after_a_later_one_has_failed_and_says_why():
    bench = Bench(DruidMode.REPLACE)
    late, early = file_validated(verdict_accepted(10)), file_validated(verdict_accepted(10))
    earlier = early.data.model_copy(update={"accepted_at": early.data.accepted_at - timedelta(seconds=1)})
    bench.druid.finish(10)
    await bench.record(late)
    await bench.turn(3)
    bench.druid.state, bench.druid.counted = TaskState.UNKNOWN, 0
    await bench.record(replace(early, data=earlier))
    await bench.turn(3)
    first, second = bench.said(TaskCompleted)
    assert (first.task_id, first.outcome) == (late.data.task_id, Outcome.SUCCEEDED)
    assert (second.task_id, second.outcome, second.error.code) == (early.data.task_id, Outcome.FAILED, "superseded")
    assert len(bench.druid.submitted) == 1
