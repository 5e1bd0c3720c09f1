"""Files that take the place of rows: in the order in which they were accepted, whatever overtakes whatever on its way."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

EARLY, LATE = datetime(2023, 3, 4, tzinfo=UTC), datetime(2024, 3, 4, tzinfo=UTC)


@pytest.mark.parametrize("mode", ["replace", "replace-all"])
def test_of_twenty_files_that_replace_each_other_the_last_one_accepted_is_there(sluice, mode):
    datasource = sluice.publish_sales(mode)
    files = [sluice.sales_file(rows=20 + number, since=EARLY) for number in range(20)]
    with ThreadPoolExecutor(10) as senders:
        tasks = list(senders.map(lambda path: sluice.upload(path, datasource), files))
    outcomes = [sluice.outcome(task_id, 300) for task_id in tasks]
    last = max(outcomes, key=lambda task: (datetime.fromisoformat(task["accepted_at"]), task["task_id"]))
    assert last["state"] == "succeeded", last
    assert sluice.counts(datasource) == {last["task_id"]: last["rows"]["queryable"]}
    ends = {(task["state"], (task["error"] or {}).get("code")) for task in outcomes}
    assert ends <= {("succeeded", None), ("failed", "superseded")}
    told = sluice.outcome_ids()
    assert {len(told[task_id]) for task_id in tasks} == {1}


@pytest.mark.parametrize(("mode", "stays"), [("append", "all"), ("replace", "other days"), ("replace-all", "none")])
def test_what_becomes_of_rows_that_are_there_and_a_dry_run_says_it_before(sluice, mode, stays):
    datasource = sluice.publish_sales(mode)

    def load(rows: int, since: datetime) -> str:
        task_id = sluice.upload(sluice.sales_file(rows=rows, since=since), datasource)
        assert sluice.outcome(task_id)["state"] == "succeeded"
        return task_id

    first, second = load(10, EARLY), load(11, LATE)
    preview = sluice.dry_run(sluice.sales_file(rows=12, since=EARLY), datasource)["preview"]
    vanishing = {"all": 0, "other days": 10, "none": 11}[stays]
    assert (preview["mode"], preview["rows"], preview["vanishing"]) == (mode, 12, vanishing)
    assert "ProductLine" not in preview["new_columns"]  # others may be empty in so few rows
    assert (preview["unfilled_columns"], preview["superseded"]) == ([], False)
    assert sluice.counts(datasource) == ({second: 11} if stays == "none" else {first: 10, second: 11})
    third = load(12, EARLY)
    expected = {"all": {first: 10, second: 11, third: 12}, "other days": {second: 11, third: 12}, "none": {third: 12}}
    assert sluice.counts(datasource) == expected[stays]
