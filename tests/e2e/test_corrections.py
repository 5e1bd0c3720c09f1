"""The good rows are loaded, the rejected ones go back, are mended and brought in again: the sum is the whole, no row twice."""

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import httpx
import openpyxl
import pytest

CONTRACT = Path(__file__).parents[2] / "contracts/sales.odcs.yaml"
MENDED = {
    "Quantity": "3",
    "UnitPrice": "1.5",
    "ProductLine": "Ships",
    "CustomerEmail": "somebody@example.com",
    "Discount": "0.1",
    "TransactionTimestamp": "2024-03-05T12:00:00Z",
    "Country": "Japan",
}
"""A good value for every cell that the samples spoil."""


@pytest.fixture(scope="module")
def partly(sluice, tmp_path_factory) -> str:
    """A datasource whose contract accepts good rows."""
    text = CONTRACT.read_text().replace("- name: sales", "- name: partly").replace("id: sales", "id: partly")
    path = tmp_path_factory.mktemp("contracts") / "partly.odcs.yaml"
    path.write_text(text.replace("policy: all-or-nothing", "policy: accept-good-rows"))
    subprocess.run(
        [sys.executable, "-m", "sluice.contracts", "publish", str(path)],
        env=os.environ | sluice.stack.endpoints.environment(),
        check=True,
    )
    return "partly"


def corrected(sluice, content: bytes, name: str, parent: str) -> httpx.Response:
    url = f"{sluice.stack.url}/v1/datasources/partly/files/{name}"
    return httpx.put(url, params={"corrects": parent}, content=content, timeout=60, trust_env=False)


def mend(rejects: bytes, keep: int) -> bytes:
    """The first `keep` rows of a rejects file with good values in all columns that were spoilt."""
    rows = list(csv.DictReader(io.StringIO(rejects.decode())))[:keep]
    for row in rows:
        row.update(MENDED)
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def rejects_of(sluice, task_id: str) -> bytes:
    answer = sluice.get(f"/v1/tasks/{task_id}/rejects")
    assert answer.status_code == 200, answer.text
    assert "attachment" in answer.headers["content-disposition"]
    return answer.content


def test_parent_and_corrections_add_up_to_the_whole(sluice, partly):
    parent = sluice.upload(sluice.sales_file(errors=7), partly)
    first = sluice.outcome(parent)
    assert (first["state"], first["rows"]) == (
        "succeeded",
        {"source": 200, "accepted": 193, "rejected": 7, "ingested": 193, "queryable": 193},
    )

    # five come back mended, then the other two with what the last one says is still open
    answer = corrected(sluice, mend(rejects_of(sluice, parent), 5), "five.csv", parent)
    assert answer.status_code == 202, answer.text
    child = answer.json()["task_id"]
    second = sluice.outcome(child)
    assert (second["state"], second["rows"]["accepted"], second["rows"]["rejected"]) == ("succeeded", 5, 0)
    assert second["corrects"] == parent

    # who names the first again is sent to the last
    answer = corrected(sluice, mend(rejects_of(sluice, parent), 7), "again.csv", parent)
    assert (answer.status_code, answer.json()["code"]) == (409, "already-corrected")
    assert child in answer.text

    # a row that was brought back already is refused, the others are taken
    answer = corrected(sluice, mend(rejects_of(sluice, parent), 7), "rest.csv", child)
    third = sluice.outcome(answer.json()["task_id"])
    assert (third["state"], third["rows"]["accepted"], third["rows"]["rejected"]) == ("succeeded", 2, 5)

    tasks = (first, second, third)
    assert sum(task["rows"]["accepted"] for task in tasks) == 200
    assert sum(sluice.count(task["task_id"], partly) for task in tasks) == 200
    ids = ", ".join(f"'{task['task_id']}'" for task in tasks)
    query = f"SELECT COUNT(*) AS n, COUNT(DISTINCT OrderID) AS d FROM partly WHERE __task_id IN ({ids})"  # noqa: S608 - a query of our own
    url = f"{sluice.stack.endpoints.druid_broker_url}/druid/v2/sql"
    body = {"query": query, "context": {"useApproximateCountDistinct": False}}
    assert httpx.post(url, json=body, trust_env=False).json() == [{"n": 200, "d": 200}]


def test_whole_file_on_a_partly_accepted_task_is_refused_with_the_way_out(sluice, partly):
    path = sluice.sales_file(errors=3)
    parent = sluice.upload(path, partly)
    assert sluice.outcome(parent)["state"] == "succeeded"
    answer = corrected(sluice, path.read_bytes(), "whole.csv", parent)
    task = sluice.outcome(answer.json()["task_id"])
    assert (task["state"], task["error"]["code"]) == ("rejected", "whole-file-on-partly-accepted")
    assert "retract" in task["error"]["message"]
    assert sluice.count(task["task_id"], partly) == 0


def test_what_needs_no_correction_takes_none(sluice, partly):
    parent = sluice.upload(sluice.sales_file(), partly)
    assert sluice.outcome(parent)["rows"]["rejected"] == 0
    answer = corrected(sluice, b"x", "more.csv", parent)
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing-to-correct")


def test_file_that_was_rejected_whole_is_corrected_by_a_whole_file(sluice):
    parent = sluice.upload(sluice.sales_file(errors=4))
    assert sluice.outcome(parent)["state"] == "rejected"
    mended = sluice.sales_file()
    answer = sluice.put(f"mended.csv?corrects={parent}", mended.read_bytes())
    task = sluice.outcome(answer.json()["task_id"])
    assert (task["state"], task["rows"]["accepted"], task["corrects"]) == ("succeeded", 200, parent)


def test_analyst_gets_her_workbook_back_with_the_bad_cells_marked(sluice):
    task_id = sluice.upload(sluice.sales_file("xlsx", errors=3))
    assert sluice.outcome(task_id)["state"] == "rejected"
    report = sluice.get(f"/v1/tasks/{task_id}/report").json()
    answer = sluice.get(f"/v1/tasks/{task_id}/workbook")
    assert answer.status_code == 200, answer.text
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    marked = {
        f"Sales!{cell.coordinate}" for row in book["Sales"].iter_rows() for cell in row if cell.comment is not None
    }
    assert marked == {error["cell"] for error in report["errors"]}


def test_report_is_a_page_for_people(sluice):
    task_id = sluice.upload(sluice.sales_file(errors=3))
    sluice.outcome(task_id)
    page = httpx.get(
        f"{sluice.stack.url}/v1/tasks/{task_id}/report", headers={"Accept": "text/html"}, timeout=20, trust_env=False
    )
    assert page.headers["content-type"].startswith("text/html")
    assert "script" not in page.text
    assert all(rule["column"] in page.text for rule in sluice.get(f"/v1/tasks/{task_id}/report").json()["rules"])
