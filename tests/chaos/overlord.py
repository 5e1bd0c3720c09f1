"""Druid, asked and ordered past Sluice."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

SLOTS = 3
"""Of the Druid on this machine."""
LOCKED = "2024-03-01/2024-04-01"
"""By each task that is ordered here, from when Druid has looked at it to its end."""


@dataclass(frozen=True)
class Overlord:
    url: str

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return httpx.request(method, f"{self.url}/druid/indexer/v1/{path}", timeout=20, trust_env=False, **more)

    def submit(self, task: dict[str, Any]) -> str:
        return self._ask("POST", "task", json=task).raise_for_status().json()["task"]

    def burn(self, druid_id: str) -> None:
        """As a submitter does that gives an attempt up."""
        self.submit({"type": "noop", "id": druid_id, "dataSource": "nobody", "runTime": 1})

    def shut_down(self, druid_id: str) -> None:
        self._ask("POST", f"task/{druid_id}/shutdown").raise_for_status()

    def knows(self, druid_id: str) -> bool:
        return self._ask("GET", f"task/{druid_id}").is_success

    def state(self, druid_id: str) -> str:
        return self._ask("GET", f"task/{druid_id}/status").raise_for_status().json()["status"]["statusCode"]

    def is_pending(self, druid_id: str) -> bool:
        """It holds its locks, and waits for a slot."""
        status = self._ask("GET", f"task/{druid_id}/status").raise_for_status().json()["status"]
        return status["runnerStatusCode"] == "PENDING"

    def in_effect(self, datasource: str, task_id: str) -> list[str]:
        """Ids of the Druid tasks that have changed rows on behalf of a task of Sluice."""
        tasks = self._ask("GET", f"tasks?datasource={datasource}").raise_for_status().json()
        ours = [each for each in tasks if each["id"].startswith(f"sluice_{datasource}_{task_id}_")]
        return [
            each["id"]
            for each in ours
            if each["type"] != "noop" and each["statusCode"] == "SUCCESS" and "_removal" not in each["id"]
        ]

    @contextmanager
    def slots_taken(self) -> Iterator[None]:
        """Every other task is pending meanwhile: Druid has taken it and does nothing for it."""
        idle = {"type": "noop", "dataSource": "nobody", "runTime": 600_000}
        held = [self.submit(idle | {"id": f"held_{uuid4()}"}) for _ in range(SLOTS)]
        try:
            yield
        finally:
            for each in held:
                self.shut_down(each)

    def seize(self, datasource: str) -> str:
        """Take what is locked away from tasks of lower priority, with a task that does nothing else; its id."""
        return self.submit({"type": "kill", "dataSource": datasource, "interval": LOCKED, "context": {"priority": 75}})

    def append(self, datasource: str, rows: str, druid_id: str | None = None) -> str:
        """Load rows past Sluice, given as lines of JSON; the id of the Druid task. One line that is no JSON makes it fail."""
        return self.submit(
            {
                "type": "index_parallel",
                "id": druid_id or f"beside_{uuid4()}",
                "context": {"useConcurrentLocks": True},
                "spec": {
                    "dataSchema": {
                        "dataSource": datasource,
                        "timestampSpec": {"column": "__time", "format": "iso"},
                        "dimensionsSpec": {"dimensions": ["__task_id"]},
                        "granularitySpec": {"segmentGranularity": "DAY", "rollup": False, "intervals": [LOCKED]},
                    },
                    "ioConfig": {
                        "type": "index_parallel",
                        "inputSource": {"type": "inline", "data": rows},
                        "inputFormat": {"type": "json"},
                        "appendToExisting": True,
                    },
                    "tuningConfig": {
                        "type": "index_parallel",
                        "partitionsSpec": {"type": "dynamic"},
                        "maxParseExceptions": 0,
                    },
                },
            }
        )


@contextmanager
def no_server_for(datasource: str, coordinator: str) -> Iterator[None]:
    """Meanwhile its rows wait for a tier of Historicals that is not there, and no query counts them."""

    def rule(*rules: dict[str, Any]) -> None:
        url = f"{coordinator}/druid/coordinator/v1/rules/{datasource}"
        httpx.post(url, json=rules, timeout=20, trust_env=False).raise_for_status()

    rule({"type": "loadForever", "tieredReplicants": {"nowhere": 1}})
    try:
        yield
    finally:
        rule()
