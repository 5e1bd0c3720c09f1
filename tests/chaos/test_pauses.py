"""A druid-submitter stops in the midst of its work, and another concludes it; when the first goes on, it changes nothing any more."""

import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from overlord import Overlord

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

DAY = datetime(2024, 3, 4, tzinfo=UTC)
POST, REPLACE = "before DruidTasks.submit of an append", "before DruidTasks.submit of a replace"
CONCLUSION = "before Ingestions.conclude of a success"

ONE = {"SLUICE_BATCH_SIZE": "1"}
"""Ingestion is submitted at a time, and one concluded, so that little else of a replica stops in the midst of a transaction."""


class Stopped:
    """A druid-submitter that has stopped itself at a step, for longer than its leases last."""

    def __init__(self, marks: Path, step: str) -> None:
        self._pid = int((marks / step).read_text())
        self._woken = marks / f"{step} woken"

    def go_on(self) -> None:
        os.kill(self._pid, signal.SIGCONT)

    def has_gone_on(self) -> bool:
        """It has done what it was about to do."""
        return self._woken.exists()


def test_whoever_was_stopped_past_its_lease_changes_nothing(sluice, submitters, until: Callable[..., object], tmp_path):
    overlord = Overlord(sluice.stack.endpoints.druid_overlord_url)
    replaced, apart = sluice.publish_sales("replace"), sluice.publish_sales("append")
    tasks: dict[str, tuple[str, str]] = {}

    def upload(datasource: str, *kinds: str) -> None:
        for kind in kinds:
            file = sluice.sales_file(rows=20 + len(tasks), since=DAY)
            tasks[kind] = (datasource, sluice.upload(file, datasource))

    def all_told():
        ended = submitters.ended(overlord, tasks)
        return ended if all(each.submitted == each.effective for each in ended.values()) else None

    with ExitStack() as running:

        def stopped(member: str, step: str, settings: dict[str, str]) -> Stopped:
            place = tmp_path / member
            running.enter_context(submitters.struck(member, "SIGSTOP", [step], place, settings))
            until((place / step).exists, f"{member} stops {step}")
            return Stopped(place, step)

        with submitters.none_usual():
            upload(replaced, "replaced", "replacing")
            at_replace = stopped("replace", REPLACE, ONE)
            upload("sales", "one", "two", "three", "four")
            at_post = stopped("post", POST, ONE)
            at_conclusion = stopped("conclusion", CONCLUSION, ONE)
            upload(apart, "cancelled")
            at_cancelled = stopped("cancelled", POST, ONE)
            _, cancelled = tasks["cancelled"]
            submitters.lease(cancelled, 600)
            submitters.command(cancelled, "cancel")
        until(lambda: submitters.is_cancelled(cancelled), "the cancel is recorded", 120)
        submitters.lease(cancelled, 0)
        asleep = [at_replace, at_post, at_conclusion, at_cancelled]
        before = until(all_told, "what a sleeper's transaction holds back is told by others when it is broken off", 180)
        for each in asleep:
            each.go_on()
        until(lambda: all(each.has_gone_on() for each in asleep), "each has done what it was about to do")

    after = submitters.ended(overlord, tasks)
    assert after == before
    for kind, ended in after.items():
        assert (ended.completed, ended.outcomes) == (1, 1), kind
    rows = {kind: 20 + number for number, kind in enumerate(tasks) if kind not in {"replaced", "cancelled"}}
    assert {kind: (after[kind].state, after[kind].rows, after[kind].effective) for kind in rows} == {
        kind: ("succeeded", count, 1) for kind, count in rows.items()
    }
    assert (after["cancelled"].state, after["cancelled"].rows, after["cancelled"].effective) == ("cancelled", 0, 0)
    assert after["replaced"].rows == 0
