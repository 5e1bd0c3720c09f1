"""Why Druid failed a task, and what follows from it: another attempt, or the end."""

import json
from datetime import timedelta

import httpx
import pytest
from submitter_fakes import Bench

from druid_submitter import errors
from druid_submitter.adapters.druid import HttpDruidTasks
from druid_submitter.domain import ingestion
from druid_submitter.domain.failure import SENTENCES, Attempts, Why, Words, why
from druid_submitter.domain.interval import ALL_TIME
from druid_submitter.domain.retention import RETENTION_DROPS
from druid_submitter.domain.watch import TaskState
from sluice.druid import DruidConnection, Role
from sluice.druid.places import Places
from sluice.errors import Permanent
from sluice.events import DruidSubmitted, Outcome, Problem, TaskCompleted
from sluice.problems import outcome_kinds
from sluice.testing import file_validated, verdict_accepted

LOST = "This task disappeared on the worker where it was assigned. See overlord logs for more details."


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (LOST, Why.WORKER_LOST),
        (
            "The worker that this task was assigned disappeared and did not report cleanup within timeout[PT15M].",
            Why.WORKER_LOST,
        ),
        ("Task execution process exited unsuccessfully with code[137]. See middleManager logs.", Why.WORKER_LOST),
        ("Task execution process exited unsuccessfully with code[1]. See middleManager logs.", Why.UNKNOWN),
        ("Shutting down forcefully as task failed to reacquire lock while becoming leader", Why.RESTARTED),
        ("Task was asked to stop. Finish as failed", Why.RESTARTED),
        ("Failed with exception [java.lang.InterruptedException]. See indexer logs for details.", Why.RESTARTED),
        ("org.apache.druid.java.util.common.ISE: The lock for interval[x] is preempted and no longer valid", Why.LOCK_LOST),
        (
            "Failed with exception [Lock of type[APPEND] for interval[x] was revoked]. See indexer logs for details.",
            Why.LOCK_LOST,
        ),
        ("Failed to publish segments because of [Invalid task locks. Maybe they are revoked by a higher priority task.]", Why.LOCK_LOST),
        ("Failed to publish segments because of [java.lang.RuntimeException: Aborting transaction!].", Why.METADATA_UNAVAILABLE),
        ("Encountered error[x] while waiting for task to be ready. See Overlord logs.", Why.METADATA_UNAVAILABLE),
        ("The worker that this task is assigned did not start it in timeout[PT5M].", Why.NO_SLOT),
        ("Please reduce your request rate. (Service: Amazon S3; Status Code: 503; Error Code: SlowDown)", Why.STORAGE_UNAVAILABLE),
        ("com.amazonaws.SdkClientException: Unable to execute HTTP request: Read timed out", Why.STORAGE_UNAVAILABLE),
        ("The specified key does not exist. (Service: Amazon S3; Status Code: 404; Error Code: NoSuchKey)", Why.ROWS_MISSING),
        ("Access Denied (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied)", Why.STORAGE_DENIED),
        ("Max parse exceptions[0] exceeded", Why.ROWS_UNREADABLE),
        ("java.lang.OutOfMemoryError: Java heap space", Why.OUT_OF_MEMORY),
        ("java.io.IOException: No space left on device", Why.DISK_FULL),
        ("Shutdown request from user", Why.STOPPED),
        ("the heavens fell", Why.UNKNOWN),
        ("", Why.UNKNOWN),
    ],
)  # fmt: skip
def test_what_druid_says_has_a_code(said, expected):
    assert why(Words(status=said)) is expected


def test_the_first_place_that_says_something_known_decides():
    vague = "Failed in phase[segment generation]. See task logs for details."
    assert why(Words(vague, report="Max parse exceptions[0] exceeded", log=LOST)) is Why.ROWS_UNREADABLE
    assert why(Words(vague, sub_tasks=("what", LOST), log="OutOfMemoryError")) is Why.WORKER_LOST
    assert why(Words(vague, log=f"INFO it began\n{LOST}")) is Why.WORKER_LOST


def test_each_code_has_a_sentence_and_a_page():
    assert SENTENCES.keys() == set(Why)
    classes = {each.code for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Permanent)}
    classes -= {Permanent.code}
    given_up = {each.code for each in vars(ingestion).values() if isinstance(each, Problem)}
    assert outcome_kinds().keys() == {
        *Why,
        *classes,
        *given_up,
        RETENTION_DROPS,
        ingestion.TIME_LIMIT,
        ingestion.TOO_LATE,
    }


def test_only_causes_that_may_pass_are_met_with_another_attempt_and_only_so_often():
    attempts = Attempts(3, timedelta(seconds=10))
    lost, full = Problem(code=Why.WORKER_LOST, message="m"), Problem(code=Why.ROWS_UNREADABLE, message="m")
    pauses = [attempts.next(lost, attempt) for attempt in (1, 2, 3)]
    assert pauses == [timedelta(seconds=10), timedelta(seconds=60), None]
    assert attempts.next(full, 1) is attempts.next(None, 1) is None


@pytest.fixture
def bench():
    return Bench()


async def lose(bench, times=1, error=LOST, counted=0):
    """Druid fails the attempt that is under way; then it is as if nothing were there."""
    for _ in range(times):
        await bench.turn(2)
        bench.druid.state, bench.druid.error, bench.druid.counted = TaskState.FAILED, error, counted
        await bench.turn(2)
        bench.clock.advance(60)
        bench.druid.state = TaskState.UNKNOWN


async def test_a_task_whose_worker_was_lost_is_submitted_anew_under_another_id(bench):
    await bench.record(file_validated(verdict_accepted(10)))
    await lose(bench)
    assert bench.said(TaskCompleted) == []
    await bench.turn(2)
    bench.druid.finish(10)
    await bench.turn(3)
    assert [fact.attempt for fact in bench.said(DruidSubmitted)] == [1, 2]
    assert len({each.id for each in bench.ingestions.said}) == 3
    assert [each[-2:] for each in bench.druid.submitted] == ["_1", "_2"]
    assert [done.outcome for done in bench.said(TaskCompleted)] == [Outcome.SUCCEEDED]


async def test_it_is_tried_only_so_often_and_the_last_cause_is_told(bench):
    await bench.record(file_validated(verdict_accepted(10)))
    await lose(bench, times=2)
    await lose(bench, error="The worker that this task is assigned did not start it in timeout[PT5M].")
    await bench.turn(3)
    (done,) = bench.said(TaskCompleted)
    assert (done.outcome, done.error.code) == (Outcome.FAILED, "druid-no-slot")
    assert "tried 3 times" in done.error.message
    assert [fact.attempt for fact in bench.said(DruidSubmitted)] == [1, 2, 3]
    assert sorted(bench.evidence.kept) == [1, 2, 3]


async def test_the_next_attempt_waits_for_its_pause(bench):
    await bench.record(file_validated(verdict_accepted(10)))
    await bench.turn(2)
    bench.druid.state, bench.druid.error = TaskState.FAILED, LOST
    await bench.turn(2, seconds=1)
    await bench.turn(5, seconds=1)
    assert len(bench.druid.submitted) == 1
    await bench.turn(2, seconds=10)
    assert len(bench.druid.submitted) == 2


async def test_rows_that_a_lost_attempt_left_are_taken_out_before_the_next(bench):
    await bench.record(file_validated(verdict_accepted(10)))
    await lose(bench, counted=4)
    await bench.turn(4)
    first, removal = bench.druid.submitted
    assert removal == f"{first}_removal"
    bench.druid.counted = 0
    await bench.turn(2, seconds=60)
    assert bench.druid.submitted[-1] == removal, "it would take out the rows of the next attempt"
    bench.druid.removals[removal] = TaskState.SUCCESS
    await bench.turn(2, seconds=60)
    assert bench.druid.submitted[-1].endswith("_2")


@pytest.mark.parametrize("hindrance", ["lock", "segments"])
async def test_rows_are_taken_out_when_nothing_may_change_their_segments(bench, hindrance):
    types = bench.druid.segment_types

    async def unknown(*_):
        raise errors.SegmentsUnknown("not yet")

    if hindrance == "lock":
        bench.druid.locks = [ALL_TIME]
    else:
        bench.druid.segment_types = unknown
    await bench.record(file_validated(verdict_accepted(10)))
    await lose(bench, counted=4)
    await bench.turn(5)
    (first,) = bench.druid.submitted
    bench.druid.locks, bench.druid.segment_types = [], types
    await bench.turn(2)
    assert bench.druid.submitted == [first, f"{first}_removal"]


async def test_a_lost_attempt_whose_rows_are_all_there_has_succeeded(bench):
    await bench.record(file_validated(verdict_accepted(10)))
    await lose(bench, counted=10)
    await bench.turn(3)
    assert [done.outcome for done in bench.said(TaskCompleted)] == [Outcome.SUCCEEDED]
    assert len(bench.druid.submitted) == 1


@pytest.mark.parametrize("late", [10, 4])
async def test_rows_that_are_seen_only_after_the_pause_are_not_doubled(bench, late):
    await bench.record(file_validated(verdict_accepted(10)))
    await lose(bench)
    bench.druid.counted = late
    await bench.turn(4)
    assert len(bench.said(DruidSubmitted)) == 1
    if late == 10:
        assert [done.outcome for done in bench.said(TaskCompleted)] == [Outcome.SUCCEEDED]
    else:
        assert bench.druid.submitted[-1].endswith("_2_removal")


async def test_a_removal_that_druid_failed_is_tried_again_and_then_held(bench):
    await bench.record(file_validated(verdict_accepted(10)))
    await lose(bench, error="the heavens fell", counted=4)
    first = f"{bench.druid.submitted[0]}_removal"
    for failed, expected in ((first, f"{first}_2"), (f"{first}_2", f"{first}_3")):
        bench.druid.removals[failed] = TaskState.FAILED
        await bench.turn(2)
        assert bench.druid.submitted[-1] == expected
    bench.druid.removals[f"{first}_3"] = TaskState.FAILED
    before = len(bench.druid.submitted)
    await bench.turn(3, seconds=31)
    assert len(bench.druid.submitted) == before
    assert bench.said(TaskCompleted) == []


async def test_one_that_was_cancelled_meanwhile_is_not_tried_again(bench):
    event = file_validated(verdict_accepted(10))
    await bench.record(event)
    await bench.turn(2)
    bench.druid.state, bench.druid.error = TaskState.FAILED, LOST
    await bench.turn(1)
    bench.ingestions.cancels.add(event.data.task_id)
    await bench.turn(2)
    bench.clock.advance(60)
    await bench.turn(2)
    assert [done.outcome for done in bench.said(TaskCompleted)] == [Outcome.CANCELLED]
    assert len(bench.druid.submitted) == 1


REPORT = {
    "ingestionStatsAndErrors": {"payload": {"errorMsg": "Max parse exceptions[0] exceeded", "unparseableEvents": {}}}
}
LISTED = [
    {"id": "t", "groupId": "t", "errorMsg": "Failed in phase[x]"},
    {"id": "other", "groupId": "other", "errorMsg": "not ours"},
    {"id": "t_sub", "groupId": "t", "errorMsg": LOST},
]


@pytest.mark.parametrize(
    ("report", "log", "expected"),
    [
        ((200, json.dumps(REPORT)), (200, "it ends"), ("Max parse exceptions[0] exceeded", "it ends")),
        ((404, "No task reports were found"), (404, "No log was found"), ("", "")),
        ((200, "<html>no</html>"), (200, "<html>no</html>"), ("", "")),
        ((500, "x"), (500, "x"), ("", "")),
        ((200, "[1]"), (200, ""), ("", "")),
    ],
)
async def test_whatever_place_says_something_is_read(report, log, expected):
    answers = {
        "/status": (200, json.dumps({"status": {"statusCode": "FAILED", "errorMsg": "said"}})),
        "/reports": report,
        "/log": log,
        "/tasks": (200, json.dumps(LISTED)),
    }

    def answer(request):
        (found,) = (body for end, body in answers.items() if request.url.path.endswith(end))
        return httpx.Response(found[0], text=found[1])

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        places = Places(dict.fromkeys(Role, ("http://druid",)))
        words = await HttpDruidTasks(DruidConnection(http, places)).words("sales", "t")
    assert (words.status, words.sub_tasks) == ("said", (LOST,))
    assert (words.report, words.log) == expected
