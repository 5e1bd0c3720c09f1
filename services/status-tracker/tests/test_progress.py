"""What a task looks like, from its events alone."""

from dataclasses import replace
from datetime import timedelta
from functools import reduce
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.events import Failed, Outcome, Preview, Problem, Rejected, TaskProgress, WaitsFor, follow
from status_tracker.domain.journal import contradictions, enter, identity, tasks_of
from status_tracker.domain.page import Cursor
from status_tracker.domain.progress import Progress, advance
from status_tracker.domain.report import content_disposition, own_file_key
from status_tracker.domain.task import State, describe

UPLOADED, VALIDATING, VALIDATED, SUBMITTED, INGESTING, COMMAND, COMPLETED = range(7)


def task_of(facts):
    facts = list(facts)
    task_id = facts[0].data.task_id if facts else uuid4()
    return describe(reduce(advance, facts, Progress(task_id)))


def changed(fact, **update):
    return replace(fact, data=fact.data.model_copy(update=update))


@pytest.mark.parametrize(
    ("known", "state"),
    [
        ([UPLOADED], State.PENDING),
        ([UPLOADED, COMMAND], State.PENDING),
        ([UPLOADED, VALIDATING], State.VALIDATING),
        ([UPLOADED, VALIDATED], State.VALIDATED),
        ([VALIDATED], State.VALIDATED),
        ([UPLOADED, VALIDATING, VALIDATED, SUBMITTED], State.SUBMITTED),
        ([SUBMITTED, INGESTING], State.INGESTING),
        ([INGESTING, VALIDATED], State.INGESTING),
        ([COMPLETED], State.SUCCEEDED),
        ([UPLOADED, COMPLETED, INGESTING], State.SUCCEEDED),
    ],
)
def test_state_is_the_furthest_that_is_known(tell, known, state):
    story = tell()
    assert task_of(story[index] for index in known).state is state


@pytest.mark.parametrize("outcome", list(Outcome))
def test_an_outcome_has_the_last_word(tell, outcome):
    *story, end = tell()
    problem = Problem(code="superseded", message="a newer file was loaded")
    task = task_of([changed(end, outcome=outcome, error=problem, errors=7), *story])
    assert (task.state, task.error, task.errors) == (State(outcome), problem, 7)
    assert task.completed_at == task.stages.completed == end.data.completed_at


@pytest.mark.parametrize("known", [UPLOADED, VALIDATED, COMPLETED])
def test_a_dry_run_is_told_as_such_by_whatever_is_known(tell, known):
    fact = changed(tell()[known], dry_run=True)
    assert task_of([fact]).dry_run
    assert not task_of([tell()[known]]).dry_run


def test_a_preview_is_told_and_no_cancel(tell):
    preview = Preview(mode="append", interval="2024-03-04/2024-03-05", rows=1, vanishing=0, superseded=False)
    end = changed(tell()[COMPLETED], outcome=Outcome.CANCELLED, dry_run=True, preview=preview)
    task = task_of([end, end])
    assert (task.state, task.preview) == (State.PREVIEWED, preview)
    assert task_of([changed(end, preview=None)]).state is State.CANCELLED


def test_what_came_too_late_for_a_success_is_told_beside_it(tell):
    remark = Problem(code="cancel-too-late", message="the rows were loaded already")
    task = task_of([changed(tell()[COMPLETED], remark=remark)])
    assert (task.state, task.error, task.remark) == (State.SUCCEEDED, None, remark)


@pytest.mark.parametrize("known", [[], [VALIDATING], [INGESTING, COMMAND]])
def test_advisory_news_alone_makes_no_task(tell, known):
    story = tell()
    assert task_of(story[index] for index in known) is None


def waits(story, reason, seconds):
    news = TaskProgress(task_id=story[0].data.task_id, stage="ingesting", at=story[0].time, waits_for=reason)
    at = story[VALIDATED].time + timedelta(seconds=seconds)
    return follow(story[VALIDATED], news.model_copy(update={"at": at}), source="sluice/druid-submitter", time=at)


def test_a_task_says_for_what_it_waits_until_druid_has_it(tell):
    story = tell()
    validated = story[: VALIDATED + 1]
    turn, slot = waits(story, WaitsFor.EARLIER_REPLACE, 1), waits(story, WaitsFor.SLOT, 2)
    assert turn.id != slot.id, "whoever knows an event by its id must not miss the second"
    for news in ([turn, slot], [slot, turn], [slot, turn, slot]):
        journal = reduce(enter, [*validated, *news], {})
        task = task_of(journal.values())
        assert (task.state, task.waits_for.reason, task.waits_for.since) == (State.VALIDATED, "slot", slot.time)
        assert "slots" in task.waits_for.message
        for later in (story[SUBMITTED], story[INGESTING], story[COMPLETED]):
            assert task_of(enter(journal, later).values()).waits_for is None
    assert task_of(validated).waits_for is None


@pytest.mark.parametrize("reason", WaitsFor)
def test_every_reason_to_wait_is_one_plain_sentence(tell, reason):
    story = tell()
    message = task_of([*story[: VALIDATED + 1], waits(story, reason, 1)]).waits_for.message
    assert message[0].isupper()
    assert message.count(".") == 1
    assert message.endswith(".")


def retract(story, **update):
    asked = {"command": "retract", "retraction": uuid4(), "datasource": "sales", "filename": "orders.csv", **update}
    return changed(story[COMMAND], **asked)


def test_a_retraction_is_a_task_as_soon_as_somebody_wants_it(tell):
    story = tell()
    command = retract(story)
    retraction = command.data.retraction
    assert set(tasks_of(command)) == {story[0].data.task_id, retraction}
    wanted = reduce(advance, [command, command], Progress(retraction))
    task = describe(wanted)
    assert (task.task_id, task.state, task.retracts) == (retraction, State.PENDING, story[0].data.task_id)
    assert (task.datasource, task.filename, task.accepted_at) == ("sales", "orders.csv", command.data.requested_at)
    waiting = waits([changed(story[0], task_id=retraction), *story[1:]], WaitsFor.PAUSED, 9)
    assert describe(advance(wanted, waiting)).waits_for.reason == "paused"


def test_a_retract_makes_no_task_of_the_retracted(tell):
    story = tell()
    assert task_of([retract(story)]) is None
    assert task_of([*story[:COMMAND], retract(story)]).retracts is None
    assert (
        describe(advance(Progress(retraction := uuid4()), retract(story, retraction=retraction, filename=None))) is None
    )


def test_rows_come_from_the_verdict_until_the_outcome_counts_them(tell):
    story = tell()
    assert task_of(story[:1]).rows.source is None
    judged = task_of(story[:3]).rows
    assert (judged.source, judged.accepted, judged.rejected, judged.ingested) == (10, 9, 1, None)
    assert task_of(story).rows.queryable == 9


@pytest.mark.parametrize(
    ("verdict", "errors", "source"),
    [
        (Rejected(source=5, rejected=2, errors=3, problem=Problem(code="rows-break-contract", message="…")), 3, 5),
        (Failed(problem=Problem(code="reader-crashed", message="…")), 0, None),
    ],
)
def test_a_refusing_verdict_shows_its_problem_and_waits_for_the_outcome(tell, verdict, errors, source):
    uploaded, _, validated, *_ = tell()
    task = task_of([uploaded, changed(validated, verdict=verdict)])
    assert (task.state, task.error, task.errors) == (State.VALIDATED, verdict.problem, errors)
    assert task.rows.source == source


def test_the_latest_attempt_is_shown(tell):
    story = tell()
    first = story[SUBMITTED]
    later = first.time + timedelta(seconds=1)
    second = replace(changed(first, attempt=2, druid_task_id="second"), id=str(uuid4()), time=later)
    assert task_of([second, *story[:COMPLETED]]).druid_task_id == "second"


def test_of_two_outcomes_the_earlier_stands_and_the_other_is_a_contradiction(tell):
    end = tell()[COMPLETED]
    earlier = changed(end, outcome=Outcome.FAILED, completed_at=end.data.completed_at - timedelta(seconds=1))
    elsewhere = replace(earlier, id=str(uuid4()), source="sluice/other")
    for rival in (earlier, elsewhere):
        for first, second in ((end, rival), (rival, end)):
            journal = enter({}, first)
            assert contradictions(journal, second) == (first,)
            assert contradictions(journal, first) == ()
            assert task_of(enter(journal, second).values()).state is State.FAILED


@given(data=st.data())
def test_order_and_repetition_make_no_difference(tell, data):
    """Facts as they may come: some missing, some twice, some contradicting others."""
    story = tell(UUID(int=1))
    facts = data.draw(st.lists(st.sampled_from(story), min_size=1, max_size=15))
    for reason in data.draw(st.lists(st.sampled_from(WaitsFor), max_size=3)):
        facts.append(waits(story, reason, data.draw(st.integers(-2, 2))))
    for fact in data.draw(st.lists(st.sampled_from([story[VALIDATED], story[COMPLETED]]), max_size=3)):
        shift = timedelta(seconds=data.draw(st.integers(-5, 5)))
        facts.append(replace(fact, time=fact.time + shift, id=data.draw(st.sampled_from([fact.id, "a", "b"]))))
    again = data.draw(st.permutations([*facts, *data.draw(st.lists(st.sampled_from(facts)))]))
    begun = Progress(story[0].data.task_id)
    assert reduce(advance, again, begun) == reduce(advance, facts, begun)
    assert reduce(enter, again, {}) == reduce(enter, facts, {})


def test_the_journal_keeps_one_of_each(tell):
    story = tell()
    assert len({identity(fact) for fact in [*story, *story]}) == len(story)
    assert len({identity(fact) for fact in tell(story[0].data.task_id)} & {identity(fact) for fact in story}) == len(
        story
    )


def test_a_report_is_shown_only_from_its_own_place(tell):
    task = task_of(tell())
    assert own_file_key(task, "sluice", "report.json") == task.report.removeprefix("s3://sluice/")
    elsewhere = [
        None,
        "s3://other/" + task.report.removeprefix("s3://sluice/"),
        f"s3://sluice/reports/sales/{uuid4()}/{uuid4()}/report.json",
        f"s3://sluice/reports/sales/{task.task_id}/../{uuid4()}/report.json",
        f"s3://sluice/reports/sales/{task.task_id}/verdict.json",
        "s3://sluice/keys",
    ]
    for uri in elsewhere:
        assert own_file_key(task.model_copy(update={"report": uri}), "sluice", "rejects.csv") is None


@pytest.mark.parametrize(
    ("filename", "ascii_name", "name"),
    [
        ("orders.csv", "orders-rejects.csv", "orders-rejects.csv"),
        ("orders.csv.gz", "orders-rejects.csv", "orders-rejects.csv"),
        ("v1.2.CSV", "v1_2-rejects.csv", "v1.2-rejects.csv"),
        ("Umsätze.xlsx", "Ums_tze-rejects.csv", "Ums%C3%A4tze-rejects.csv"),
        ('a"b\r\nSet-Cookie: x.csv', "a_bSet-Cookie_x-rejects.csv", "a%22bSet-Cookie%3A%20x-rejects.csv"),
        ("../../etc/passwd", "_etc_passwd-rejects.csv", "..%2F..%2Fetc%2Fpasswd-rejects.csv"),
        ("\u202e.csv", "file-rejects.csv", "file-rejects.csv"),
        ("x" * 255, "x" * 150 + "-rejects.csv", "x" * 150 + "-rejects.csv"),
    ],
)
def test_a_file_that_is_handed_back_is_called_after_the_senders(filename, ascii_name, name):
    said = content_disposition(filename, "rejects", "rejects.csv")
    assert said == f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{name}"


def test_a_cursor_survives_its_text(tell):
    task = task_of(tell())
    cursor = Cursor(task.accepted_at, task.task_id)
    assert Cursor.decode(cursor.encode()) == cursor


@given(st.text(max_size=60))
def test_foreign_cursors_are_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - its promise
        Cursor.decode(text)
