"""A file of each format goes the whole way, and Druid is asked for its rows."""

import json
from pathlib import Path

import httpx
import pytest
from vega_datasets import local_data


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "xls", "parquet"])
def test_a_file_of_each_format_becomes_rows_in_druid(sluice, suffix):
    task_id = sluice.upload(sluice.sales_file(suffix))
    sluice.assert_loaded_once(task_id, 200)


def test_a_form_is_taken_too(sluice):
    path = sluice.sales_file()
    url = f"{sluice.stack.url}/v1/datasources/sales/files"
    answer = httpx.post(url, files={"file": (path.name, path.read_bytes())}, timeout=60, trust_env=False)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == answer.json()["status_url"]
    sluice.assert_loaded_once(answer.json()["task_id"], 200)


def test_a_real_file_that_nobody_here_made(sluice):
    path = Path(local_data.seattle_weather.filepath)
    task = sluice.outcome(sluice.upload(path, "weather"))
    rows = len(path.read_text().splitlines()) - 1
    assert (task["state"], task["rows"]["queryable"]) == ("succeeded", rows)
    assert sluice.count(task["task_id"], "weather") == rows


def test_the_rows_say_what_the_file_said(sluice):
    path = sluice.sales_file(rows=50)
    task_id = sluice.upload(path)
    sluice.assert_loaded_once(task_id, 50)
    query = (
        "SELECT MIN(__time) AS first_time, SUM(Quantity) AS quantity, COUNT(DISTINCT OrderID) AS orders "  # noqa: S608 - a query of our own
        f"FROM sales WHERE __task_id = '{task_id}'"
    )
    url = f"{sluice.stack.endpoints.druid_broker_url}/druid/v2/sql"
    (row,) = httpx.post(
        url, json={"query": query, "context": {"useApproximateCountDistinct": False}}, trust_env=False
    ).json()
    header, *lines = [line.split(",") for line in path.read_text().splitlines()]
    table = [dict(zip(header, line, strict=True)) for line in lines]
    assert row["quantity"] == sum(int(line["Quantity"]) for line in table)
    assert row["orders"] == 50
    assert row["first_time"][:19] == min(line["TransactionTimestamp"] for line in table)[:19]


def test_a_file_with_errors_is_rejected_and_the_report_names_the_cells(sluice):
    task_id = sluice.upload(sluice.sales_file(errors=5))
    task = sluice.outcome(task_id)
    assert (task["state"], task["errors"]) == ("rejected", 5)
    assert task["rows"] == {"source": 200, "accepted": 0, "rejected": 200, "ingested": 0, "queryable": 0}
    assert task["error"]["code"]
    assert sluice.count(task_id) == 0
    report = sluice.get(f"/v1/tasks/{task_id}/report").json()
    assert len(report["errors"]) == 5
    assert all(error["row"] and error["column"] and error["expected"] for error in report["errors"])


def test_the_ledger_on_s3_tells_the_whole_story(sluice):
    task_id = sluice.upload(sluice.sales_file())
    sluice.assert_loaded_once(task_id, 200)
    (accepted,) = [key for key in sluice.keys("accepted/") if task_id in key]
    (outcome,) = [key for key in sluice.keys("outcomes/") if task_id in key]
    assert accepted.replace("accepted/", "outcomes/") == outcome
    told = json.loads(sluice.s3.get_object(Bucket="sluice", Key=outcome)["Body"].read())
    assert told["data"]["outcome"] == "succeeded"
    assert told["data"]["rows"]["queryable"] == 200


def test_the_tracker_tells_every_stage(sluice):
    task_id = sluice.upload(sluice.sales_file())
    task = sluice.outcome(task_id)
    assert {"pending", "validated", "submitted", "completed"} <= {name for name, at in task["stages"].items() if at}
    types = [event["type"] for event in sluice.get(f"/v1/tasks/{task_id}/events").json()["events"]]
    assert {"sluice.file.uploaded.v1", "sluice.file.validated.v1", "sluice.task.completed.v1"} <= set(types)
    assert task_id in [each["task_id"] for each in sluice.get("/v1/tasks?limit=5").json()["tasks"]]
