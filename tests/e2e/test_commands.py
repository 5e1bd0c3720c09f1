"""What is asked of tasks, from the API to Druid: retract, cancel, retry."""

import time
from uuid import uuid4

import httpx

from sluice_local.client import Client


def ask(sluice, task_id: str, command: str) -> httpx.Response:
    return httpx.post(f"{sluice.stack.url}/v1/tasks/{task_id}/{command}", timeout=60, trust_env=False)


def asked(sluice, task_id: str, command: str) -> str:
    """The task that tells what became of the command."""
    answer = ask(sluice, task_id, command)
    assert answer.status_code == 202, answer.text
    return answer.json()["task_id"]


def test_rows_of_a_retracted_task_are_gone_and_those_of_others_stay(sluice):
    first, second = (sluice.upload(sluice.sales_file(rows=rows)) for rows in (200, 150))
    sluice.assert_loaded_once(first, 200)
    sluice.assert_loaded_once(second, 150)
    retraction = asked(sluice, first, "retract")
    assert asked(sluice, first, "retract") == retraction, "asked twice, it is one task"
    done = sluice.outcome(retraction)
    assert (done["state"], done["datasource"], done["retracts"]) == ("succeeded", "sales", first), done
    assert sluice.count(first) == 0
    assert sluice.count(second) == 150
    again = ask(sluice, first, "retract")
    assert (again.status_code, again.json()["code"]) == (409, "nothing-to-retract")
    assert len(sluice.outcome_ids()[retraction]) == 1


def test_rows_that_are_rolled_up_are_counted_as_they_came_and_taken_out_file_by_file(sluice):
    total = "{queryGranularity: day, metrics: [{name: Total, type: longSum, column: Quantity}]}"
    datasource = sluice.publish_sales("append", total)
    first, second = (sluice.upload(sluice.sales_file(rows=rows), datasource) for rows in (60, 45))
    assert [sluice.outcome(each)["rows"]["queryable"] for each in (first, second)] == [60, 45]
    came = 'SUM("__rows")'
    assert sluice.counts(datasource, came) == {first: 60, second: 45}
    assert sluice.counts(datasource, 'SUM("Total")')[second] > 45, "the metric holds the quantities"
    assert sluice.outcome(asked(sluice, first, "retract"))["state"] == "succeeded"
    assert sluice.counts(datasource, came) == {second: 45}


def test_a_cancelled_task_has_all_of_its_rows_in_druid_or_none(sluice):
    task_id = sluice.upload(sluice.sales_file())
    answer = ask(sluice, task_id, "cancel")
    assert answer.status_code in {202, 409}, answer.text
    task = sluice.outcome(task_id)
    expected = {"succeeded": 200, "cancelled": 0}
    assert sluice.count(task_id) == expected[task["state"]]
    assert len(sluice.outcome_ids()[task_id]) == 1


def test_a_rejected_file_is_tried_once_more_as_a_task_that_names_it(sluice):
    path = sluice.sales_file(errors=3)
    task_id = Client(sluice.stack.url).upload("sales", path)
    assert sluice.outcome(task_id)["state"] == "rejected"
    retry = asked(sluice, task_id, "retry")
    assert retry != task_id
    task = sluice.outcome(retry)
    assert (task["state"], task["retries"], task["corrects"]) == ("rejected", task_id, task_id)
    over = ask(sluice, task_id, "retry")
    assert (over.status_code, over.json()["code"]) == (409, "nothing-to-retry")


def test_files_and_retractions_of_a_paused_datasource_wait_until_it_is_resumed(sluice, until):
    datasource = sluice.publish_sales("append")
    here = f"/v1/datasources/{datasource}"

    def command(name: str) -> dict:
        return httpx.post(f"{sluice.stack.url}{here}/{name}", timeout=60, trust_env=False).raise_for_status().json()

    def waits(task_id: str) -> str | None:
        return (sluice.get(f"/v1/tasks/{task_id}").json().get("waits_for") or {}).get("reason")

    loaded = sluice.upload(sluice.sales_file(rows=100), datasource)
    sluice.outcome(loaded)
    paused = command("pause")["paused"]
    assert sluice.get(here).json()["paused"] == paused
    time.sleep(3)  # it holds within a few seconds, which nobody can see from outside
    retraction = asked(sluice, loaded, "retract")
    task_id = sluice.upload(sluice.sales_file(), datasource)
    until(lambda: waits(retraction) == waits(task_id) == "paused", "each of both says why it waits")
    assert asked(sluice, retraction, "cancel") == retraction
    assert sluice.outcome(retraction)["state"] == "cancelled"
    retraction = asked(sluice, loaded, "retract")
    until(lambda: waits(retraction) == "paused", "so does the one that was asked for again")
    assert sluice.counts(datasource) == {loaded: 100}
    command("resume")
    assert [sluice.outcome(each)["state"] for each in (retraction, task_id)] == ["succeeded", "succeeded"]
    assert sluice.counts(datasource) == {task_id: 200}
    assert sluice.get(here).json()["paused"] is None


def test_a_task_that_nobody_knows_is_told_so(sluice):
    for command in ("cancel", "retract", "retry"):
        answer = ask(sluice, str(uuid4()), command)
        assert (answer.status_code, answer.json()["code"]) == (404, "task-not-found")
