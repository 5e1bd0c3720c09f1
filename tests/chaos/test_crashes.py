"""The druid-submitter is killed before and after each of its effects, at each once: every task ends once, and right.

All files are in flight together, so that each death is one in the midst of everything.
"""

import json
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
from overlord import Overlord
from submitter_steps import STEPS, Moment, effects

pytestmark = pytest.mark.timeout(600)

DAY = datetime(2024, 3, 4, tzinfo=UTC)
NAMES = {step.name for step in STEPS}

Tasks = dict[str, tuple[str, str]]
"""Kind → datasource and task."""


def test_every_effect_of_the_ports_has_its_steps():
    for moment in (Moment.BEFORE, Moment.AFTER):
        assert {step.call for step in STEPS if step.moment is moment} == effects()


@pytest.fixture(scope="module")
def crashed(sluice, submitters, until: Callable[..., object], tmp_path_factory):
    """Kind of task → what there is of it after all the deaths."""
    overlord = Overlord(sluice.stack.endpoints.druid_overlord_url)
    marks = tmp_path_factory.mktemp("steps")

    def left() -> set[str]:
        return NAMES - {file.name for file in marks.iterdir()}

    retracted = sluice.publish_sales("append")
    tasks: Tasks = {"retracted": (retracted, sluice.upload(sluice.sales_file(rows=30), retracted))}
    sluice.outcome(tasks["retracted"][1])
    with submitters.none_usual(), ExitStack() as pending:
        hand_over(sluice, tasks)
        for kind in ("failed", "failed too"):
            break_down(overlord, until, *tasks[kind])
        pending.enter_context(overlord.slots_taken())
        submitters.wait_for_verdicts(*(task_id for _, task_id in tasks.values()))
        overlord.burn("sluice_{}_{}_1".format(*tasks["burnt once"]))
        tasks["retraction"] = (retracted, submitters.command(tasks["retracted"][1], "retract"))
        taken = tasks["cancelled while Druid has it"]
        overlord.append(taken[0], row_of(taken[1]), "sluice_{}_{}_1".format(*taken))
        for kind in ("cancelled before it is recorded", "cancelled while Druid has it"):
            submitters.command(tasks[kind][1], "cancel")
        with (
            submitters.struck("one", "SIGKILL", sorted(NAMES), marks),
            submitters.struck("two", "SIGKILL", sorted(NAMES), marks),
        ):
            until(lambda: "after DruidTasks.stop" not in left(), "what Druid has taken is to be stopped")
            pending.close()
            ended = submitters.ended(overlord, tasks)
            until(lambda: not left(), "it is struck at every step")
    return ended


def hand_over(sluice, tasks: Tasks) -> None:
    """Upload a file of each kind."""
    broken, replaced = sluice.publish_sales("append"), sluice.publish_sales("replace")
    for kind, rows, datasource in (
        ("failed", 40, broken),
        ("failed too", 41, sluice.publish_sales("append")),
        ("appended", 50, "sales"),
        ("appended too", 20, "sales"),
        ("replaced", 51, replaced),
        ("replacing", 52, replaced),
        ("burnt once", 53, "sales"),
        ("cancelled before it is recorded", 54, "sales"),
        ("cancelled while Druid has it", 55, "sales"),
    ):
        tasks[kind] = (datasource, sluice.upload(sluice.sales_file(rows=rows, since=DAY), datasource))
    tasks["refused"] = ("sales", sluice.upload(sluice.sales_file(errors=2)))


def row_of(task_id: str) -> str:
    return json.dumps({"__time": DAY.isoformat(), "__task_id": task_id})


def break_down(overlord: Overlord, until: Callable[..., object], datasource: str, task_id: str) -> None:
    """What a submitter leaves that died right after its post: Druid has done a part of it, and failed."""
    part = overlord.append(datasource, "\n".join([row_of(task_id)] * 3))
    whole = overlord.append(datasource, "no row", f"sluice_{datasource}_{task_id}_1")
    until(lambda: (overlord.state(part), overlord.state(whole)) == ("SUCCESS", "FAILED"), "it has failed midway")


@pytest.mark.real
@pytest.mark.parametrize(
    ("kind", "state", "rows", "effective"),
    [
        ("appended", "succeeded", 50, 1),
        ("appended too", "succeeded", 20, 1),
        ("burnt once", "succeeded", 53, 1),
        ("replacing", "succeeded", 52, 1),
        ("retracted", "succeeded", 0, 1),
        ("retraction", "succeeded", 0, 1),
        ("refused", "rejected", 0, 0),
        ("cancelled before it is recorded", "cancelled", 0, 0),
        ("cancelled while Druid has it", "cancelled", 0, 0),
        ("failed", "failed", 0, 0),
        ("failed too", "failed", 0, 0),
    ],
)
def test_a_task_ends_once_and_right(crashed, kind, state, rows, effective):
    ended = crashed[kind]
    assert (ended.state, ended.rows, ended.effective) == (state, rows, effective)
    assert (ended.completed, ended.outcomes) == (1, 1)
    assert ended.submitted == 1 or not effective


@pytest.mark.real
def test_a_file_that_is_replaced_has_been_loaded_or_came_too_late(crashed):
    ended = crashed["replaced"]
    assert (ended.state, ended.rows, ended.effective) in {("succeeded", 0, 1), ("failed", 0, 0)}
    assert (ended.submitted, ended.completed, ended.outcomes) == (ended.effective, 1, 1)
