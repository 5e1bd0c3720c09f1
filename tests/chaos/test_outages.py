"""What Sluice needs may be away for as long as it likes: whatever was accepted ends, and whatever was not is told so."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

import httpx
import pytest

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]

FILES, GOOD = 200, 8
"""Of them good; loading takes this machine seconds a file, and whether a file is loaded is no matter to its acceptance."""


@contextmanager
def away(sluice, until: Callable[..., object], *names: str) -> Iterator[None]:
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
            until(part.answers, f"{part.name} answers again", 300)


def test_two_hundred_files_are_accepted_while_all_but_s3_is_away_and_each_ends_once(sluice, until):
    files = [sluice.sales_file(rows=20, errors=0 if number < GOOD else 2) for number in range(FILES)]
    with away(sluice, until, "kafka", "postgres", "druid"), ThreadPoolExecutor(8) as senders:
        answers = list(senders.map(lambda each: sluice.put(each.name, each.read_bytes()), files))
    assert {answer.status_code for answer in answers} == {202}
    tasks = [answer.json()["task_id"] for answer in answers]
    assert len(set(tasks)) == FILES

    outcomes = {task_id: sluice.outcome(task_id, 600)["state"] for task_id in tasks}
    assert [outcomes[task_id] for task_id in tasks] == ["succeeded"] * GOOD + ["rejected"] * (FILES - GOOD)
    told = sluice.outcome_ids()
    assert {len(told[task_id]) for task_id in tasks} == {1}
    rows = sluice.counts()
    assert {task_id: rows[task_id] for task_id in tasks if task_id in rows} == dict.fromkeys(tasks[:GOOD], 20)
    assert {task_id for key in sluice.keys("outcomes/") if (task_id := key[-41:-5]) in outcomes} == set(tasks)


def test_without_s3_nothing_is_accepted_not_even_half_of_it(sluice, until):
    path, key = sluice.sales_file(), {"Idempotency-Key": str(uuid4())}
    whole = {prefix: sluice.keys(prefix) for prefix in ("raw/", "keys/", "accepted/", "uploads/")}
    with away(sluice, until, "s3"):
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
