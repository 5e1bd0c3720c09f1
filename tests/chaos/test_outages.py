"""What Sluice needs may be away for as long as it likes: whatever was accepted ends, and whatever was not is told so."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest

DAY = datetime(2024, 3, 4, tzinfo=UTC)

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]

FILES, GOOD, REPLACES = 200, 8, 6
"""Of them good, and of another datasource, where each replaces the one before. Loading takes this machine seconds a file, and whether
a file is loaded is no matter to its acceptance."""


@contextmanager
def away(sluice, *names: str) -> Iterator[None]:
    """These parts are stopped; afterwards they answer again."""
    parts = [sluice.stack.parts[name] for name in names]
    for part in parts:
        part.stop()
    try:
        yield
    finally:
        for part in parts:
            part.start()
        for part in parts:
            part.wait_ready(time.monotonic() + 300)


def test_two_hundred_files_are_accepted_while_all_but_s3_is_away_and_each_ends_once(sluice):
    replaced = sluice.publish_sales("replace")
    files = [sluice.sales_file(rows=20, errors=0 if number < GOOD else 2) for number in range(FILES - REPLACES)]
    replaces = [sluice.sales_file(rows=10 + number, since=DAY) for number in range(REPLACES)]
    with away(sluice, "kafka", "postgres", "druid"), ThreadPoolExecutor(8) as senders:
        answers = list(senders.map(lambda each: sluice.put(each.name, each.read_bytes()), files))
        answers += [sluice.put(each.name, each.read_bytes(), replaced) for each in replaces]
    assert {answer.status_code for answer in answers} == {202}
    tasks = [answer.json()["task_id"] for answer in answers]
    assert len(set(tasks)) == FILES

    ends = {task_id: sluice.outcome(task_id, 600) for task_id in tasks}
    of_sales, of_replaced = tasks[:-REPLACES], tasks[-REPLACES:]
    bad = FILES - REPLACES - GOOD
    assert [ends[task_id]["state"] for task_id in of_sales] == ["succeeded"] * GOOD + ["rejected"] * bad
    rows = sluice.counts()
    assert {task_id: rows[task_id] for task_id in tasks if task_id in rows} == dict.fromkeys(tasks[:GOOD], 20)
    # one that was judged after a later one says that it came too late; in the order of acceptance its rows would be gone as well
    assert {(ends[each]["state"], (ends[each]["error"] or {}).get("code")) for each in of_replaced} <= {
        ("succeeded", None),
        ("failed", "superseded"),
    }
    assert sluice.counts(replaced) == {tasks[-1]: 10 + REPLACES - 1}
    told = sluice.outcome_ids()
    assert {len(told[task_id]) for task_id in tasks} == {1}
    assert {task_id for key in sluice.keys("outcomes/") if (task_id := key[-41:-5]) in ends} == set(tasks)


def test_without_s3_nothing_is_accepted_not_even_half_of_it(sluice):
    path, key = sluice.sales_file(), {"Idempotency-Key": str(uuid4())}
    whole = {prefix: sluice.keys(prefix) for prefix in ("raw/", "keys/", "accepted/", "uploads/")}
    with away(sluice, "s3"):
        for headers in ({}, key):
            refused = sluice.put(path.name, path.read_bytes(), **headers)
            assert (refused.status_code, refused.json()["code"]) == (503, "dependency-unavailable")
            assert int(refused.headers["Retry-After"]) > 0
        tus = {
            "Tus-Resumable": "1.0.0",
            "Upload-Length": "1000",
            "Upload-Metadata": "filename YS5jc3Y=,datasource c2FsZXM=",
        }
        refused = httpx.post(f"{sluice.stack.url}/v1/uploads", headers=tus, timeout=60, trust_env=False)
        assert refused.status_code == 503
    assert {prefix: sluice.keys(prefix) for prefix in whole} == whole
    accepted = sluice.put(path.name, path.read_bytes(), **key)
    assert accepted.status_code == 202
    sluice.assert_loaded_once(accepted.json()["task_id"], 200)
