"""Overlord, Coordinator, Broker and Historical, each away alone for a while in mid-ingestion: each file ends once, and right.

SLUICE_OUTAGE_SECONDS says for how long.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from druid_roles import DruidInRoles
from overlord import Overlord

from druid_submitter.domain.identity import druid_task_id

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]

DAY = datetime(2024, 3, 4, tzinfo=UTC)
SECONDS = float(os.environ.get("SLUICE_OUTAGE_SECONDS", "10"))


@pytest.fixture(scope="module")
def druid(sluice, submitters) -> Iterator[DruidInRoles]:
    """Such a Druid, and a druid-submitter that asks it in place of the usual one."""
    druid = DruidInRoles(sluice.stack.site, sluice.stack.parts["s3"])
    with druid.running(), submitters.none_usual(), submitters.member("roles", ["druid_submitter"], druid.environment()):
        yield druid


@pytest.mark.parametrize("role", ["overlord", "coordinator", "broker", "historical"])
def test_a_role_that_is_away_delays_and_does_no_harm(sluice, submitters, druid, until: Callable[..., object], role):
    overlord = Overlord(druid.roles["overlord"].url)
    append, replaces = sluice.publish_sales("append"), sluice.publish_sales("replace")

    def upload(rows: int, datasource: str) -> tuple[str, str]:
        return datasource, sluice.upload(sluice.sales_file(rows=rows, since=DAY), datasource)

    tasks = {"begun": upload(30, append), "begun too": upload(31, append), "replaced": upload(32, replaces)}
    until(lambda: any(overlord.knows(druid_task_id(*task, 1)) for task in tasks.values()), "Druid has begun")
    away, since = druid.roles[role], time.monotonic()
    away.kill()
    tasks |= {"during": upload(33, append), "replacing": upload(34, replaces)}
    refused = sluice.upload(sluice.sales_file(errors=2), append)
    if role == "overlord":
        assert sluice.outcome(refused)["state"] == "rejected", "it needs no Overlord to end"
    time.sleep(max(0.0, since + SECONDS - time.monotonic()))
    states = {kind: sluice.get(f"/v1/tasks/{tasks[kind][1]}").json()["state"] for kind in ("during", "replacing")}
    assert not {"succeeded", "failed"} & set(states.values()), f"nothing is loaded and counted without it: {states}"
    away.start()
    away.wait_ready(time.monotonic() + 240)

    there = replace(submitters, sluice=replace(sluice, broker_url=druid.roles["broker"].url))
    ended = there.ended(overlord, tasks | {"refused": (append, refused)})
    assert {(each.completed, each.outcomes) for each in ended.values()} == {(1, 1)}
    rows = {"begun": 30, "begun too": 31, "during": 33, "replacing": 34}
    assert {kind: (each.state, each.rows, each.effective) for kind, each in ended.items() if kind in rows} == {
        kind: ("succeeded", count, 1) for kind, count in rows.items()
    }
    assert (ended["refused"].state, ended["refused"].rows, ended["refused"].effective) == ("rejected", 0, 0)
    assert ended["replaced"].rows == 0
