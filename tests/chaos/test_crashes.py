"""The druid-submitter is killed before and after each of its effects, at each once: every task ends once, and right.

All files are in flight together, so that each death is one in the midst of everything.
"""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial

import pytest
from overlord import Overlord, no_server_for
from submitter_steps import STEPS, Moment, effects

from druid_submitter.domain.identity import druid_task_id

pytestmark = pytest.mark.timeout(900)

DAY = datetime(2024, 3, 4, tzinfo=UTC)
NAMES = {step.name for step in STEPS}
HELD_UP = {"DruidTasks.stop", "Ingestions.look_again", "Ingestions.step_back"}
"""Called where Druid does not get on with a task, where it shows nobody the rows, where another task holds a lock."""
BROKEN = ("failed", "failed too", "failed as well", "failed again")
"""Of each the rows are taken out, by one task of Druid: each is a chance to be struck at that."""
BURNT = 4
"""Attempts of one task that must not run any more: each is a chance to be struck where the next one begins."""

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

    def held_up_everywhere(tasks: Tasks) -> bool:
        if not reached({"Ingestions.look_again"}):  # also where it was done, and who did it died of something else
            submitters.minutes_pass(tasks["unseen"][1])
        return reached(HELD_UP)

    def reached(calls: set[str]) -> bool:
        return calls.isdisjoint(step.call for step in STEPS if step.name in left())

    with ExitStack() as held_up:
        tasks = load(sluice, submitters, until, held_up)
        with submitters.none_usual():
            hand_over(sluice, tasks)
            for kind in BROKEN:
                break_down(overlord, until, *tasks[kind])
            held_up.enter_context(overlord.slots_taken())
            submitters.wait_for_verdicts(*(task_id for _, task_id in tasks.values()))
            meet(overlord, until, tasks)
            tasks["retraction"] = (tasks["retracted"][0], submitters.command(tasks["retracted"][1], "retract"))
            for kind in ("cancelled before it is recorded", "cancelled while Druid has it"):
                submitters.command(tasks[kind][1], "cancel")
            one, two = (partial(submitters.struck, name, "SIGKILL", sorted(NAMES), marks) for name in ("one", "two"))
            with one():
                with cut_off() as settings, two(settings):
                    until(
                        lambda: reached({"Pace.silent", "Ingestions.renew"}), "it is struck while Druid is silent", 300
                    )
                with two():
                    until(lambda: held_up_everywhere(tasks), "it is struck while everything is held up", 240)
                    held_up.close()
                    ended = submitters.ended(overlord, tasks)
                    until(lambda: not left(), "it is struck at every step", 240)
    return ended


@contextmanager
def cut_off() -> Iterator[dict[str, str]]:
    """Settings of one that finds nobody where the Overlord should be, and a Broker that answers nothing for longer than leases last."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        yield {"SLUICE_DRUID_OVERLORD_URL": "http://127.0.0.1:1", "SLUICE_DRUID_BROKER_URL": f"http://127.0.0.1:{port}"}


def load(sluice, submitters, until: Callable[..., object], held_up: ExitStack) -> Tasks:
    """What Druid has before anybody is struck; of one task no query counts the rows."""
    retracted, unseen = sluice.publish_sales("append"), sluice.publish_sales("append")
    held_up.enter_context(no_server_for(unseen, sluice.stack.endpoints.druid_coordinator_url))
    tasks = {
        "unseen": (unseen, sluice.upload(sluice.sales_file(rows=31), unseen)),
        "retracted": (retracted, sluice.upload(sluice.sales_file(rows=30), retracted)),
    }
    sluice.outcome(tasks["retracted"][1])
    until(lambda: submitters.phase(tasks["unseen"][1]) == "proving", "Druid is done with what no query counts")
    return tasks


def hand_over(sluice, tasks: Tasks) -> None:
    """Upload a file of each kind."""
    replaced = sluice.publish_sales("replace")
    for kind, rows, datasource in (
        *((kind, 40, sluice.publish_sales("append")) for kind in BROKEN),
        ("appended", 50, "sales"),
        ("appended too", 20, "sales"),
        ("replaced", 51, replaced),
        ("replacing", 52, replaced),
        ("burnt", 53, "sales"),
        ("cancelled before it is recorded", 54, "sales"),
        ("cancelled while Druid has it", 55, "sales"),
        ("pre-empted", 56, tasks["unseen"][0]),
        ("locked out", 57, sluice.publish_sales("replace")),
    ):
        tasks[kind] = (datasource, sluice.upload(sluice.sales_file(rows=rows, since=DAY), datasource))
    tasks["refused"] = ("sales", sluice.upload(sluice.sales_file(errors=2)))


def meet(overlord: Overlord, until: Callable[..., object], tasks: Tasks) -> None:
    """Let Druid have what the submitter will meet there: tasks under ids of its own, and of others that are in its way."""
    for attempt in range(1, BURNT + 1):
        overlord.burn(druid_task_id(*tasks["burnt"], attempt))
    pending = [
        overlord.append(datasource, row_of(task_id), druid_task_id(datasource, task_id, 1))
        for datasource, task_id in (tasks["cancelled while Druid has it"], tasks["pre-empted"])
    ]
    until(lambda: all(map(overlord.is_pending, pending)), "they hold their locks")
    seizing = [overlord.seize(tasks[kind][0]) for kind in ("pre-empted", "locked out")]
    until(lambda: all(map(overlord.is_pending, seizing)), "the locks are taken away")


def row_of(task_id: str) -> str:
    return json.dumps({"__time": DAY.isoformat(), "__task_id": task_id})


def break_down(overlord: Overlord, until: Callable[..., object], datasource: str, task_id: str) -> None:
    """What a submitter leaves that died right after its post: Druid has done a part of it, and failed."""
    part = overlord.append(datasource, "\n".join([row_of(task_id)] * 3))
    whole = overlord.append(datasource, "no row", druid_task_id(datasource, task_id, 1))
    until(lambda: (overlord.state(part), overlord.state(whole)) == ("SUCCESS", "FAILED"), "it has failed midway")


@pytest.mark.real
@pytest.mark.parametrize(
    ("kind", "state", "rows", "effective"),
    [
        ("appended", "succeeded", 50, 1),
        ("appended too", "succeeded", 20, 1),
        ("burnt", "succeeded", 53, 1),
        ("replacing", "succeeded", 52, 1),
        ("pre-empted", "succeeded", 56, 1),
        ("locked out", "succeeded", 57, 1),
        ("unseen", "succeeded", 31, 1),
        ("retracted", "succeeded", 0, 1),
        ("retraction", "succeeded", 0, 1),
        ("refused", "rejected", 0, 0),
        ("cancelled before it is recorded", "cancelled", 0, 0),
        ("cancelled while Druid has it", "cancelled", 0, 0),
        *((kind, "failed", 0, 0) for kind in BROKEN),
    ],
)
def test_a_task_ends_once_and_right(crashed, kind, state, rows, effective):
    ended = crashed[kind]
    assert (ended.state, ended.rows, ended.effective) == (state, rows, effective)
    assert (ended.completed, ended.outcomes) == (1, 1)
    # of an attempt that is found to have loaded the rows, after a death, only the outcome tells
    told = {1, 2} if kind == "pre-empted" else {1}
    assert ended.submitted in told or not effective


@pytest.mark.real
def test_a_file_that_is_replaced_has_been_loaded_or_came_too_late(crashed):
    ended = crashed["replaced"]
    assert (ended.state, ended.rows, ended.effective) in {("succeeded", 0, 1), ("failed", 0, 0)}
    assert (ended.submitted, ended.completed, ended.outcomes) == (ended.effective, 1, 1)
