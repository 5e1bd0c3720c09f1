"""What becomes of tasks, whatever Druid does. Written once, played on the simulator and on a real Druid: the line above each says where.

At the end of each: one outcome or none, and in Druid all rows of what has succeeded and not one of anything else.
"""

import pytest
from played_on import on_both, on_the_simulator_only
from structlog.testing import capture_logs
from submitter_bench import SubmitterBench, idle_tasks

from sluice.contracts import DruidMode
from sluice.events import Outcome, TimeRange
from sluice.testing import NOW

SUCCEEDED, FAILED, CANCELLED = Outcome.SUCCEEDED, Outcome.FAILED, Outcome.CANCELLED
NOT_ON_DEMAND = "a real Druid does so only while it starts, elects a leader or is overloaded"
NO_BREAK = "a real Druid does not break its word on demand"


@on_both
async def test_appends_stand_beside_each_other(bench: SubmitterBench):
    files = [await bench.has(1, 2), await bench.has(2, 3)]
    assert await bench.outcomes(*(file.task_id for file in files)) == [SUCCEEDED, SUCCEEDED]
    await bench.holds(*files)


@on_both
async def test_a_verdict_that_comes_again_changes_nothing(bench: SubmitterBench):
    file = await bench.file(1)
    for _ in range(3):
        await bench.hears(file, file)
        assert await bench.outcomes(file.task_id) == [SUCCEEDED]
    await bench.holds(file)


@on_both
async def test_a_file_replaces_the_days_that_it_spans(bench: SubmitterBench):
    before, beside = await bench.has(1), await bench.has(5)
    new = await bench.has(1, 3, mode=DruidMode.REPLACE)
    assert await bench.outcomes(before.task_id, beside.task_id, new.task_id) == [SUCCEEDED] * 3
    await bench.holds(beside, new)


@on_both
async def test_a_file_replaces_all(bench: SubmitterBench):
    files = [await bench.has(1), await bench.has(9), await bench.has(4, mode=DruidMode.REPLACE_ALL)]
    assert await bench.outcomes(*(file.task_id for file in files)) == [SUCCEEDED] * 3
    await bench.holds(files[-1])


@on_both
async def test_rows_are_retracted_and_those_of_others_stay(bench: SubmitterBench):
    gone, stays = await bench.has(1, 2), await bench.has(2)
    await bench.outcomes(gone.task_id, stays.task_id)
    retraction = await bench.retract(gone, times=2)
    assert await bench.outcomes(retraction) == [SUCCEEDED]
    await bench.holds(stays)


@on_both
@pytest.mark.parametrize("phase", ["unheard", "submitting", "submitted", "ingesting"])
async def test_a_task_is_cancelled_in_any_phase_or_it_was_too_late(bench: SubmitterBench, phase: str):
    file, other = await bench.file(1), await bench.has(1)
    if phase != "unheard":
        await bench.hears(file)
        if phase != "submitting":
            await bench.reaches(file.task_id, phase)
    await bench.cancel(file.task_id)
    await bench.cancel(file.task_id)
    if phase == "unheard":
        await bench.hears(file)
    outcome, _ = await bench.outcomes(file.task_id, other.task_id)
    assert outcome in ({CANCELLED} if phase in {"unheard", "submitting"} else {CANCELLED, SUCCEEDED})
    await bench.holds(*([file] if outcome is SUCCEEDED else []), other)


@on_both
@pytest.mark.parametrize("phase", ["submitting", "submitted", "ingesting"])
async def test_a_retraction_is_cancelled_before_druid_has_it_or_it_is_done_to_the_end(
    bench: SubmitterBench, phase: str
):
    file, other = await bench.has(1, 2, 3), await bench.has(1, 2, 3)
    assert await bench.outcomes(file.task_id, other.task_id) == [SUCCEEDED, SUCCEEDED]
    retraction = await bench.retract(file)
    await bench.reaches(retraction, phase)
    await bench.cancel(retraction)
    await bench.cancel(retraction)
    assert await bench.outcomes(retraction) == [CANCELLED if phase == "submitting" else SUCCEEDED]
    await bench.holds(*([file] if phase == "submitting" else []), other)


@on_both
async def test_a_cancel_after_the_outcome_is_too_late(bench: SubmitterBench):
    file = await bench.has(1)
    await bench.outcomes(file.task_id)
    await bench.cancel(file.task_id)
    assert await bench.outcomes(file.task_id) == [SUCCEEDED]
    await bench.holds(file)


@on_both
async def test_a_task_that_druid_has_already_is_that_task(bench: SubmitterBench):
    file = await bench.has(1)
    await bench.reaches(file.task_id, "submitted")
    # as if the submitter had died before it could say so
    await bench.pool.execute("UPDATE submitter.ingestions SET phase = 'submitting'")
    assert await bench.outcomes(file.task_id) == [SUCCEEDED]
    await bench.holds(file)


@on_both
async def test_a_burnt_id_is_left_for_the_next(bench: SubmitterBench):
    file = await bench.file(1)
    assert await bench.druid.burn(file.druid_id(), bench.datasource)
    await bench.hears(file)
    assert await bench.outcomes(file.task_id) == [SUCCEEDED]
    assert (await bench.told())[file.task_id].druid_task_id == file.druid_id(2)
    await bench.holds(file)


@on_both
async def test_a_task_that_somebody_else_stops_in_druid_ends(bench: SubmitterBench):
    file = await bench.has(1)
    await bench.reaches(file.task_id, "submitted")
    await bench.druid.stop(file.druid_id())
    (outcome,) = await bench.outcomes(file.task_id)
    assert outcome in {FAILED, SUCCEEDED}  # it may have been done already
    await bench.holds(*([file] if outcome is SUCCEEDED else []))


@on_both
async def test_a_file_whose_rows_are_gone_from_the_storage_fails(bench: SubmitterBench):
    file, other = await bench.file(1), await bench.has(1)
    await bench.store.delete(f"canonical/{bench.datasource}/{file.task_id}/r/part-00000.parquet")
    await bench.hears(file)
    assert await bench.outcomes(file.task_id, other.task_id) == [FAILED, SUCCEEDED]
    await bench.holds(other)


@on_both
async def test_a_task_waits_for_a_slot(bench: SubmitterBench):
    async with idle_tasks(bench.druid, slots=3):
        files = [await bench.has(1), await bench.has(2, mode=DruidMode.REPLACE)]
        await bench.steps(10)
        assert await bench.told() == {}
    assert await bench.outcomes(*(file.task_id for file in files)) == [SUCCEEDED] * 2
    await bench.holds(*files)


async def never_ends(bench: SubmitterBench, *task_ids) -> None:
    """It is said aloud when it takes long, and nothing is guessed."""
    await bench.steps(5)
    await bench.pool.execute("UPDATE submitter.ingestions SET polls = 58")
    with capture_logs() as logs:

        async def alarmed() -> bool:
            return any(each["log_level"] == "error" for each in logs)

        await bench.until(alarmed)
    assert not set(task_ids) & set(await bench.told())


@on_both
async def test_success_without_a_row_is_no_outcome(bench: SubmitterBench):
    file, other = await bench.has(1, stored=0), await bench.has(1)
    assert await bench.outcomes(other.task_id) == [SUCCEEDED]
    await never_ends(bench, file.task_id)
    await bench.holds(other)


@on_both
async def test_success_with_a_part_of_the_rows_is_no_outcome(bench: SubmitterBench):
    too_narrow = TimeRange(first=NOW, last=NOW)
    file = await bench.has(0, 1, told=too_narrow)
    await never_ends(bench, file.task_id)
    await bench.holds_rows({str(file.task_id): file.rows // 2})


@on_the_simulator_only(NOT_ON_DEMAND)
@pytest.mark.parametrize("answer", ["no-leader", "redirect", "queue-full", "html", "lost-answer", "slow"])
async def test_whatever_is_answered_instead_is_waited_out(bench: SubmitterBench, answer: str):
    files = [await bench.has(1), await bench.has(2, mode=DruidMode.REPLACE)]
    for where in ("/task$", "/taskStatus", "/reports", "/loadstatus", "/sql"):
        await bench.fault(answer, times=3, where=where, seconds=0.1)
        await bench.steps(3)
    assert await bench.outcomes(*(file.task_id for file in files)) == [SUCCEEDED] * 2
    await bench.holds(*files)


@on_the_simulator_only(NOT_ON_DEMAND)
@pytest.mark.parametrize("answer", ["no-leader", "redirect", "queue-full", "html", "lost-answer"])
async def test_a_cancel_is_done_whatever_is_answered_instead(bench: SubmitterBench, answer: str):
    await bench.fault("no-slots")
    file = await bench.has(1)
    await bench.reaches(file.task_id, "ingesting")
    await bench.fault(answer, times=8)
    await bench.cancel(file.task_id)
    assert await bench.outcomes(file.task_id) == [CANCELLED]
    await bench.no_fault()
    await bench.holds()


@on_the_simulator_only(NO_BREAK)
@pytest.mark.parametrize("phase", ["submitted", "ingesting"])
async def test_a_task_that_druid_lost_is_submitted_again(bench: SubmitterBench, phase: str):
    await bench.fault("no-slots")
    file = await bench.has(1)
    await bench.reaches(file.task_id, phase)
    await bench.fault("forgotten", times=1)
    await bench.steps(10)
    await bench.no_fault()
    assert await bench.outcomes(file.task_id) == [SUCCEEDED]
    await bench.holds(file)


@on_the_simulator_only(NO_BREAK)
async def test_an_id_that_is_left_out_of_an_answer_is_not_lost(bench: SubmitterBench):
    await bench.fault("left-out")
    file = await bench.has(1)
    assert await bench.outcomes(file.task_id) == [SUCCEEDED]
    await bench.holds(file)


@on_the_simulator_only("a real Druid's queries count what is loaded")
async def test_a_count_that_is_too_low_is_waited_out(bench: SubmitterBench):
    file, other = await bench.has(1), await bench.has(1)
    await bench.fault("too-few", where=bench.datasource)
    await never_ends(bench, file.task_id, other.task_id)
    await bench.no_fault()
    assert await bench.outcomes(file.task_id, other.task_id) == [SUCCEEDED] * 2
    await bench.holds(file, other)


@on_the_simulator_only("segments of a real Druid are loaded in seconds, or a rule says that they never are")
@pytest.mark.parametrize("mode", DruidMode)
async def test_segments_that_are_not_loaded_are_waited_for(bench: SubmitterBench, mode: DruidMode):
    before = await bench.has(1, 2)
    await bench.outcomes(before.task_id)
    await bench.fault("never-loads")
    file = await bench.has(1, mode=mode)
    await never_ends(bench, file.task_id)
    await bench.cancel(file.task_id)  # too late, and no reason to guess either
    await never_ends(bench, file.task_id)
    await bench.no_fault()
    assert await bench.outcomes(file.task_id) == [SUCCEEDED]
    if mode is DruidMode.REPLACE:
        await bench.holds_rows({str(before.task_id): before.rows // 2, str(file.task_id): file.rows})
    else:
        await bench.holds(*([before] if mode is DruidMode.APPEND else []), file)


@on_the_simulator_only("the Broker of a real Druid knows no datasource only just after its start")
async def test_a_broker_that_does_not_know_the_datasource_yet_has_counted_nothing(bench: SubmitterBench):
    await bench.fault("unknown-datasource", times=6)
    file, refused = await bench.has(1), await bench.file(2)
    await bench.cancel(refused.task_id)
    await bench.hears(refused)
    assert await bench.outcomes(file.task_id, refused.task_id) == [SUCCEEDED, CANCELLED]
    await bench.holds(file)


@on_the_simulator_only(NO_BREAK)
@pytest.mark.parametrize(
    "text", ["Canceled for worker cleanup. See overlord logs for more details.", "ISE: out of luck"]
)
async def test_a_task_that_fails_ends_with_all_its_rows_or_none(bench: SubmitterBench, text: str):
    """Whether there is another attempt is a question of its own: `test_usecases`."""
    await bench.fault("fails", times=1, text=text)
    file = await bench.has(1)
    (outcome,) = await bench.outcomes(file.task_id)
    assert outcome in {FAILED, SUCCEEDED}
    await bench.holds(*([file] if outcome is SUCCEEDED else []))


@on_the_simulator_only(NO_BREAK)
async def test_a_task_that_fails_each_time_fails(bench: SubmitterBench):
    await bench.fault("fails", where=bench.datasource, text="Canceled for worker cleanup. See overlord logs.")
    file, other = await bench.has(1), await bench.has(1, mode=DruidMode.REPLACE)
    assert await bench.outcomes(file.task_id, other.task_id) == [FAILED, FAILED]
    await bench.holds()


@on_the_simulator_only(NO_BREAK)
@pytest.mark.parametrize("mode", DruidMode)
async def test_a_task_that_is_said_to_have_failed_though_its_rows_are_there_has_succeeded(bench: SubmitterBench, mode):
    await bench.fault("fails-late", times=1, text="Lost its worker.")
    file = await bench.has(1, mode=mode)
    assert await bench.outcomes(file.task_id) == [SUCCEEDED]
    await bench.holds(file)


@on_the_simulator_only(NO_BREAK)
async def test_a_retraction_that_fails_leaves_the_rows(bench: SubmitterBench):
    file = await bench.has(1)
    await bench.outcomes(file.task_id)
    await bench.fault("fails", where=bench.datasource, text="ISE: out of luck")
    retraction = await bench.retract(file)
    assert await bench.outcomes(retraction) == [FAILED]
    await bench.holds(file)


@on_the_simulator_only("who else holds locks in a real Druid is not ours to say")
async def test_a_task_waits_for_a_lock_and_may_be_cancelled_there(bench: SubmitterBench):
    await bench.fault("locked", where=bench.datasource, intervals=["2026-03-02/2026-03-03"])
    waits, free = await bench.has(1), await bench.has(7)
    given_up = await bench.has(1)
    assert await bench.outcomes(free.task_id) == [SUCCEEDED]
    await bench.reaches(given_up.task_id, "ingesting")
    await bench.cancel(given_up.task_id)
    assert await bench.outcomes(given_up.task_id) == [CANCELLED]
    assert waits.task_id not in await bench.told()
    await bench.no_fault()
    assert await bench.outcomes(waits.task_id) == [SUCCEEDED]
    await bench.holds(waits, free)


@on_the_simulator_only(NO_BREAK)
@pytest.mark.parametrize("mode", DruidMode)
async def test_rows_of_a_task_that_druid_forgot_after_its_end_are_not_loaded_again(bench: SubmitterBench, mode):
    file = await bench.has(1, mode=mode)
    await bench.reaches(file.task_id, "submitted")
    await bench.holds_rows({str(file.task_id): file.rows})
    # as if nobody had looked meanwhile
    await bench.pool.execute("UPDATE submitter.ingestions SET phase = 'submitted' WHERE phase <> 'concluded'")
    await bench.fault("forgotten", times=1)
    assert await bench.outcomes(file.task_id) == [SUCCEEDED]
    await bench.holds(file)


@on_the_simulator_only(NO_BREAK)
async def test_a_retraction_that_is_said_to_have_failed_though_the_rows_are_gone_has_succeeded(bench: SubmitterBench):
    file = await bench.has(1)
    await bench.outcomes(file.task_id)
    await bench.fault("fails-late", times=1, text="Lost its worker.")
    retraction = await bench.retract(file)
    assert await bench.outcomes(retraction) == [SUCCEEDED]
    await bench.holds()
