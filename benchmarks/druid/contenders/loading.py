"""`loading chain | hand ROWS`: one file until its rows can be queried, by Sluice from its upload, or by hand from its validated rows.

By hand: the spec of a file that Sluice has loaded is posted under a new id; the task's status, then the count, are asked for
every 20 ms.
"""

import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import httpx

from benchmarks.druid.sales import write_sales
from benchmarks.druid.waiting import until
from benchmarks.measured import say


def load(http: httpx.Client, file: Path) -> tuple[str, float]:
    """Task and seconds from the upload's first byte until the status-tracker says `succeeded`."""
    url, began = os.environ["SLUICE_URL"], time.perf_counter()
    with file.open("rb") as content:
        accepted = http.put(f"{url}/v1/datasources/sales/files/{file.name}", content=content)
    task = f"{url}/v1/tasks/{accepted.raise_for_status().json()['task_id']}"
    until(lambda: http.get(task).json().get("state") == "succeeded")
    return task, time.perf_counter() - began


def by_chain(http: httpx.Client, rows: int) -> float:
    with TemporaryDirectory() as folder:
        return load(http, write_sales(Path(folder) / "sales.csv", rows))[1]


def by_hand(http: httpx.Client, rows: int) -> float:
    overlord = os.environ["SLUICE_DRUID_OVERLORD_URL"] + "/druid/indexer/v1"
    with TemporaryDirectory() as folder:
        task, _ = load(http, write_sales(Path(folder) / "sales.csv", rows))
    loaded = http.get(task).json()["druid_task_id"]
    spec = http.get(f"{overlord}/task/{loaded}").json()["payload"]
    spec["id"] = spec["groupId"] = f"by_hand_{uuid4()}"
    task_id = task.rpartition("/")[2]
    wanted = count(http, task_id) + rows

    began = time.perf_counter()
    http.post(f"{overlord}/task", json=spec).raise_for_status()
    until(lambda: http.get(f"{overlord}/task/{spec['id']}/status").json()["status"]["statusCode"] == "SUCCESS")
    until(lambda: count(http, task_id) == wanted)
    return time.perf_counter() - began


def count(http: httpx.Client, task_id: str) -> int:
    query = {
        "query": "SELECT COUNT(*) AS n FROM sales WHERE __task_id = ?",
        "parameters": [{"type": "VARCHAR", "value": task_id}],
    }
    url = os.environ["SLUICE_DRUID_BROKER_URL"] + "/druid/v2/sql"
    return int(http.post(url, json=query).raise_for_status().json()[0]["n"])


WAYS = {"chain": by_chain, "hand": by_hand}

with httpx.Client(timeout=60, trust_env=False) as client:
    say(wall_s=WAYS[sys.argv[1]](client, int(sys.argv[2])))
