"""Dry runs: what loading the file would do is told, and nothing is ever loaded."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from submitter_fakes import CONTRACT, Bench

from druid_submitter.domain.interval import ALL_TIME, covering, parsed
from druid_submitter.domain.preview import Holding, compare, told
from druid_submitter.domain.spec import touched
from druid_submitter.domain.watch import TaskState
from druid_submitter.usecases import AbandonTask
from sluice.contracts import DruidMode, Granularity
from sluice.errors import Permanent, Transient
from sluice.events import Envelope, Outcome, Receipt, TaskCommand, TaskCompleted, TimeRange
from sluice.testing import NOW, file_validated, verdict_accepted, verdict_rejected

COLUMNS = frozenset({"__time", "__task_id", "OrderID", "Quantity", "UnitPrice", "Gift", "Region"})
MARCH = TimeRange(first=datetime(2024, 3, 4, 9, tzinfo=UTC), last=datetime(2024, 3, 6, 23, tzinfo=UTC))


def dry(verdict=None, **changes):
    event = file_validated(verdict or verdict_accepted(11_990, time_range=MARCH))
    return replace(event, data=event.data.model_copy(update={"dry_run": True} | changes))


def cancelling(task_id):
    return Envelope(
        str(uuid4()), "sluice/gateway", NOW, TaskCommand(task_id=task_id, command="cancel", requested_at=NOW)
    )


def said(mode, there=None, *, superseded=False, rows=12_004, columns=COLUMNS):
    contract = replace(CONTRACT, druid=replace(CONTRACT.druid, mode=mode))
    accepted = verdict_accepted(11_990, time_range=MARCH)
    interval = touched(contract, accepted, there)
    return told(compare(contract, accepted, interval, Holding(rows, columns), superseded=superseded)).message


def test_a_replace_is_said_in_a_sentence():
    assert said(DruidMode.REPLACE) == (
        "A dry run, nothing is loaded. It would replace 12,004 rows of 2024-03-04/2024-03-07 by 11,990; "
        "new columns: DeliveredOn; columns that it does not fill: Region."
    )


def test_an_append_takes_nothing_away():
    assert "It would add 11,990 rows to 2024-03-04/2024-03-07, and take none away; " in said(DruidMode.APPEND)


def test_a_file_that_takes_the_place_of_all_touches_all_that_is_there():
    there = parsed("2023-01-01T00:00:00.000Z/2024-03-05T00:00:00.000Z")
    assert "It would replace all 12,004 rows by 11,990" in said(DruidMode.REPLACE_ALL, there)
    contract = replace(CONTRACT, druid=replace(CONTRACT.druid, mode=DruidMode.REPLACE_ALL))
    found = touched(contract, verdict_accepted(1, time_range=MARCH), there)
    assert found.told() == "2023-01-01/2024-03-07"


def test_a_later_file_that_is_loaded_is_said():
    assert "A file that was accepted later is loaded already" in said(DruidMode.REPLACE, superseded=True)
    assert "later" not in said(DruidMode.REPLACE)


def test_of_many_columns_a_sentence_names_some():
    assert "columns that it does not fill: c000, c001" in said(
        DruidMode.APPEND, columns={f"c{n:03}" for n in range(300)}
    )
    assert " and 90 more" in said(DruidMode.APPEND, columns={f"c{n:03}" for n in range(300)})


@pytest.mark.parametrize("mode", DruidMode)
async def test_a_dry_run_ends_with_a_preview_and_without_a_row(mode):
    bench = Bench(mode)
    bench.druid.held, bench.druid.names = 12_004, COLUMNS
    await bench.record(dry())
    await bench.turn(2)
    (done,) = bench.said(TaskCompleted)
    assert (done.outcome, done.error.code, done.dry_run) == (Outcome.CANCELLED, "dry-run", True)
    assert done.rows == Receipt(source=11_990, accepted=11_990, rejected=0, ingested=0, queryable=0)
    assert (done.preview.mode, done.preview.rows) == (mode, 11_990)
    assert done.preview.vanishing == (0 if mode is DruidMode.APPEND else 12_004)
    assert done.preview.interval == "2024-03-04T00:00:00.000Z/2024-03-07T00:00:00.000Z"
    assert (done.preview.new_columns, done.preview.unfilled_columns) == (("DeliveredOn",), ("Region",))
    assert done.druid_task_id is None
    assert bench.druid.submitted == bench.druid.burnt == []


async def test_a_second_delivery_asks_nothing_and_repeats_the_preview():
    bench, event = Bench(DruidMode.REPLACE), dry()
    for _ in range(2):
        await bench.record(event)
        await bench.turn(2)
    first, second = bench.said(TaskCompleted)
    assert first == second
    assert len(bench.druid.spans) == 2  # of presence, and of rows: once each
    assert bench.druid.submitted == []


async def test_a_bad_file_ends_as_any_other():
    bench = Bench()
    await bench.record(dry(verdict_rejected()))
    await bench.turn(2)
    (done,) = bench.said(TaskCompleted)
    assert (done.outcome, done.preview, done.dry_run) == (Outcome.REJECTED, None, True)


@pytest.mark.parametrize("early", [True, False])
async def test_one_that_is_cancelled_ends_so(early):
    bench, event = Bench(), dry()
    bench.druid.held = None
    if early:
        await bench.command(cancelling(event.data.task_id))
    await bench.record(event)
    await bench.turn()
    await bench.command(cancelling(event.data.task_id))
    await bench.turn(2)
    done, *again = bench.said(TaskCompleted)
    assert again == [done] * early
    assert (done.outcome, done.error.code, done.preview) == (Outcome.CANCELLED, "cancelled", None)
    assert bench.druid.submitted == []


async def test_it_waits_until_all_that_is_there_can_be_counted():
    bench = Bench(DruidMode.REPLACE)
    bench.druid.held = None
    await bench.record(dry())
    await bench.turn(5)
    assert bench.said(TaskCompleted) == []
    bench.druid.held = 3
    await bench.turn(2)
    assert [done.preview.vanishing for done in bench.said(TaskCompleted)] == [3]


async def test_rows_that_must_not_be_there_hold_it():
    bench = Bench()
    bench.druid.counted = 1
    await bench.record(dry())
    await bench.turn(5, seconds=31)
    assert bench.said(TaskCompleted) == []


async def test_what_will_not_pass_ends_it_as_failed(monkeypatch):
    bench = Bench()

    async def refuse(_datasource):
        raise Permanent("no")

    monkeypatch.setattr(bench.druid, "columns", refuse)
    await bench.record(dry())
    await bench.turn(2)
    assert [(done.outcome, done.preview) for done in bench.said(TaskCompleted)] == [(Outcome.FAILED, None)]


async def test_a_silent_druid_is_asked_again(monkeypatch):
    bench = Bench()

    async def silent(_datasource):
        raise Transient("no answer")

    with monkeypatch.context() as patched:
        patched.setattr(bench.druid, "columns", silent)
        await bench.record(dry())
        await bench.turn(3)
        assert bench.said(TaskCompleted) == []
    await bench.turn(2)
    assert len(bench.said(TaskCompleted)) == 1


async def test_others_do_not_wait_for_a_dry_run():
    bench = Bench(DruidMode.REPLACE)
    bench.druid.held = None
    await bench.record(dry(accepted_at=NOW - timedelta(hours=1)))
    await bench.turn()
    await bench.record(file_validated())
    await bench.turn(2)
    assert len(bench.druid.submitted) == 1


async def test_a_later_file_that_is_loaded_would_supersede_it():
    bench = Bench(DruidMode.REPLACE)
    bench.druid.finish(10)
    later = file_validated(verdict_accepted(10, time_range=MARCH))
    await bench.record(later)
    await bench.turn(3)
    bench.druid.counted = 0
    await bench.record(dry(accepted_at=NOW - timedelta(hours=1)))
    await bench.record(dry(accepted_at=NOW + timedelta(hours=1)))
    await bench.turn(2)
    assert [done.preview.superseded for done in bench.said(TaskCompleted) if done.preview] == [True, False]


async def test_a_verdict_that_cannot_be_handled_fails_its_dry_run():
    bench = Bench()
    await AbandonTask(bench.ingestions)(dry(), Permanent("no"))
    await bench.turn(2)
    assert [done.outcome for done in bench.said(TaskCompleted)] == [Outcome.FAILED]


async def test_nothing_of_a_dry_run_can_be_taken_out():
    bench, event = Bench(), dry()
    bench.druid.state = TaskState.UNKNOWN
    bench.verdicts.facts[event.data.task_id] = event.data
    asked = {"datasource": "sales", "filename": "a.csv", "accepted_at": NOW, "retraction": uuid4()}
    fact = TaskCommand(task_id=event.data.task_id, command="retract", requested_at=NOW, **asked)
    await bench.command(Envelope(str(uuid4()), "sluice/gateway", NOW, fact))
    await bench.turn(3)
    (done,) = bench.said(TaskCompleted)
    assert (done.outcome, done.error.code) == (Outcome.FAILED, "nothing-to-retract")
    assert bench.druid.submitted == []


def test_all_of_time_is_told_without_hours():
    assert ALL_TIME.told() == "0001-01-01/10000-01-01"
    noon = datetime(2024, 3, 4, 12, tzinfo=UTC)
    assert covering(noon, noon, Granularity.HOUR).told() == "2024-03-04T12:00:00.000Z/2024-03-04T13:00:00.000Z"
