"""One suite, two kinds of part: every scenario must pass on the stand-in and on what it stands in for."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import boto3
import httpx
import polars as pl
import pytest
from botocore.config import Config

from sluice_local.endpoints import Endpoints
from sluice_local.site import open_site
from sluice_local.stack import Stack
from sluice_local.standins.parts import StandinDruid, StandinS3

SECONDS = 30.0
OVERLORD = "/druid/indexer/v1"


@dataclass(frozen=True)
class Druid:
    """A Druid and the bucket it reads from, with a datasource of this test's own."""

    overlord: httpx.Client
    coordinator: httpx.Client
    broker: httpx.Client
    s3: Any
    datasource: str

    def upload(self, task: str, days: list[int]) -> str:
        """Rows at noon of these days of January 2024, as Parquet; returns the URI, encoded as Druid wants it."""
        frame = pl.DataFrame(
            {
                "__time": pl.Series(
                    [datetime(2024, 1, day, 12, tzinfo=UTC) for day in days], dtype=pl.Datetime("us", "UTC")
                ),
                "Name": [f"day {day}" for day in days],
                "Day": days,
                "__task_id": [task] * len(days),
            }
        )
        key = f"canonical/{uuid4()}/part é.parquet"
        self.s3.put_object(Bucket="sluice", Key=key, Body=_parquet(frame))
        return f"s3://sluice/{quote(key)}"

    def spec(self, source: str | dict[str, Any], *, task_id: str | None = None, append: bool = True, drop: bool = False,
             intervals: tuple[str, ...] = ("2024-01-01/2024-02-01",), subtasks: int = 1) -> dict[str, Any]:  # fmt: skip
        dimensions = [("Name", "string"), ("Day", "long"), ("__task_id", "string")]
        files = {"inputSource": {"type": "s3", "uris": [source]}, "inputFormat": {"type": "parquet"}}
        return {
            "type": "index_parallel",
            "id": task_id or f"test_{uuid4()}",
            "context": {"useConcurrentLocks": True},
            "spec": {
                "dataSchema": {
                    "dataSource": self.datasource,
                    "timestampSpec": {"column": "__time", "format": "millis"},
                    "dimensionsSpec": {"dimensions": [{"name": name, "type": kind} for name, kind in dimensions]},
                    "granularitySpec": {"segmentGranularity": "DAY", "rollup": False, "intervals": list(intervals)},
                },
                "ioConfig": {
                    "type": "index_parallel",
                    **(files if isinstance(source, str) else {"inputSource": source}),
                    "appendToExisting": append,
                    "dropExisting": drop,
                },
                "tuningConfig": {
                    "type": "index_parallel",
                    "partitionsSpec": {"type": "dynamic"},
                    "maxNumConcurrentSubTasks": subtasks,
                    "maxRetry": 0,
                },
            },
        }

    def everything_but(self, task: str) -> dict[str, Any]:
        selector = {"type": "selector", "dimension": "__task_id", "value": task}
        kept = {"type": "not", "field": selector}
        return {"type": "druid", "dataSource": self.datasource, "interval": "2024-01-01/2024-02-01", "filter": kept}

    def submit(self, spec: object) -> httpx.Response:
        return self.overlord.post(f"{OVERLORD}/task", json=spec)

    def task(self, task_id: str, what: str = "") -> httpx.Response:
        return self.overlord.get(f"{OVERLORD}/task/{task_id}{what}")

    def statuses(self, *task_ids: str) -> httpx.Response:
        return self.overlord.post(f"{OVERLORD}/taskStatus", json=task_ids)

    def run(self, spec: dict[str, Any]) -> dict[str, Any]:
        """Submit, and wait for the end; returns the status."""
        assert self.submit(spec).json() == {"task": spec["id"]}
        return self.ended(spec["id"])

    def ended(self, task_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + SECONDS
        while (status := self.task(task_id, "/status").json()["status"])["statusCode"] == "RUNNING":
            assert time.monotonic() < deadline, status
            time.sleep(0.05)
        return status

    def sql(self, query: str, *parameters: str) -> httpx.Response:
        typed = [{"type": "VARCHAR", "value": parameter} for parameter in parameters]
        return self.broker.post("/druid/v2/sql", json={"query": query, "parameters": typed})

    def count(self, task: str) -> int | None:
        query = f'SELECT COUNT(*) AS "rows" FROM "{self.datasource}" WHERE "__task_id" = ?'  # noqa: S608 - its own name
        answer = self.sql(query, task)
        return answer.json()[0]["rows"] if answer.status_code == 200 else None

    def wait_for(self, counts: dict[str, int]) -> None:
        deadline = time.monotonic() + SECONDS
        while (found := {task: self.count(task) for task in counts}) != counts:
            assert time.monotonic() < deadline, f"{found} is not {counts}"
            time.sleep(0.1)

    def load_status(self, query: str) -> httpx.Response:
        return self.coordinator.get(f"/druid/coordinator/v1/datasources/{self.datasource}/loadstatus?{query}")

    def wait_until_loaded(self, query: str) -> None:
        deadline = time.monotonic() + SECONDS
        while (found := self.load_status(query).json()) != {self.datasource: 100.0}:
            assert time.monotonic() < deadline, found
            time.sleep(0.1)


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    site = open_site(tmp_path_factory.mktemp("simulator"), print)
    s3 = StandinS3(site, "sluice")
    druid = StandinDruid(site, s3)
    try:
        s3.start()
        druid.start()
        for part in (s3, druid):
            part.wait_ready(time.monotonic() + SECONDS)
        yield Endpoints("", s3.url, s3.access_key, s3.secret_key, "sluice", "", druid.url, druid.url, druid.url)
    finally:
        druid.stop()
        s3.stop()
        site.close()


@pytest.fixture(scope="session")
def real(parts: Stack) -> Endpoints:
    return parts.endpoints


@pytest.fixture(params=["simulator", pytest.param("real", marks=pytest.mark.real)])
def endpoints(request: pytest.FixtureRequest) -> Endpoints:
    return request.getfixturevalue(request.param)


@pytest.fixture
def s3(endpoints: Endpoints) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=endpoints.s3_endpoint,
        aws_access_key_id=endpoints.s3_access_key,
        aws_secret_access_key=endpoints.s3_secret_key,
        region_name="us-east-1",
        config=Config(retries={"max_attempts": 1}, max_pool_connections=32),
    )


@pytest.fixture
def druid(endpoints: Endpoints, s3: Any) -> Iterator[Druid]:
    urls = (endpoints.druid_overlord_url, endpoints.druid_coordinator_url, endpoints.druid_broker_url)
    overlord, coordinator, broker = (httpx.Client(base_url=url, timeout=SECONDS) for url in urls)
    with overlord, coordinator, broker:
        yield Druid(overlord, coordinator, broker, s3, f"test_{uuid4().hex}")
