"""The whole of Sluice, running: real parts, four services, one front door. One stack for the session."""

import asyncio
import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import boto3
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from botocore.config import Config

from sluice_local.client import Client
from sluice_local.run import publish_contracts
from sluice_local.samples import WRITERS, planted, sales
from sluice_local.service import run_once
from sluice_local.stack import Kind, Stack

SALES = Path(__file__).parents[1] / "contracts" / "sales.odcs.yaml"
KEPT_LOGS = Path(__file__).parents[1] / ".sluice" / "test-logs"


@dataclass(frozen=True)
class Sluice:
    """What a test does with a running stack, as a user or as another system would."""

    stack: Stack
    folder: Path
    broker_url: str

    def publish_sales(self, mode: str, rollup: str = "") -> str:
        """A new datasource with the contract of sales, but for its mode, and for a roll-up, given as YAML in one line; its name."""
        datasource = f"s{uuid4().hex[:12]}"
        text = SALES.read_text().replace("name: sales\n", f"name: {datasource}\n")
        contract = self.folder / f"{datasource}.odcs.yaml"
        rolled_up = f"\n        rollup: {rollup}" if rollup else ""
        contract.write_text(text.replace("mode: append", f"mode: {mode}{rolled_up}"))
        run_once(
            self.stack.site,
            "contracts",
            ["sluice.contracts", "publish", str(contract)],
            self.stack.endpoints.environment(),
        )
        return datasource

    def sales_file(self, suffix: str = "csv", rows: int = 200, errors: int = 0, since: datetime | None = None) -> Path:
        """A new file of sales; never the same content twice. `since`: its rows are of that day and the two behind it, of each some."""
        table = sales(rows, prefix=uuid4().hex[:12].upper())
        if since:
            days = [since, since + timedelta(days=1), since + timedelta(days=2)]
            table = [{**row, "TransactionTimestamp": days[number % 3]} for number, row in enumerate(table)]
        path = self.folder / f"{uuid4().hex}.{suffix}"
        WRITERS[suffix](planted(table, errors) if errors else table, path)
        return path

    def counts(self, datasource: str = "sales", counted: str = "COUNT(*)") -> dict[str, int]:
        """Rows of each task of which there are any, as Druid's SQL counts them."""
        rows = self._sql(f'SELECT __task_id AS task, {counted} AS n FROM "{datasource}" GROUP BY 1')  # noqa: S608 - a query of our own
        return {row["task"]: row["n"] for row in rows}

    def put(self, name: str, content: Any, datasource: str = "sales", **headers: str) -> httpx.Response:
        url = f"{self.stack.url}/v1/datasources/{datasource}/files/{name}"
        return httpx.put(url, content=content, headers=headers, timeout=60, trust_env=False)

    def upload(self, path: Path, datasource: str = "sales") -> str:
        return Client(self.stack.url).upload(datasource, path)

    def dry_run(self, path: Path, datasource: str = "sales", key: str | None = None) -> dict[str, Any]:
        """How the dry run of a file ended."""
        answer = self.put(
            f"{path.name}?dry_run=true", path.read_bytes(), datasource, **{"Idempotency-Key": key or path.name}
        )
        return self.outcome(answer.raise_for_status().json()["task_id"])

    def outcome(self, task_id: str, seconds: float = 180) -> dict[str, Any]:
        return Client(self.stack.url).outcome(task_id, seconds)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.stack.url + path, timeout=20, trust_env=False)

    def count(self, task_id: str, datasource: str = "sales") -> int:
        """Rows of the task, as Druid's SQL counts them."""
        found = self._sql(f"SELECT COUNT(*) AS n FROM \"{datasource}\" WHERE __task_id = '{task_id}'")  # noqa: S608 - the same
        return found[0]["n"] if found else 0

    def _sql(self, query: str) -> list[dict[str, Any]]:
        """Nothing, where the datasource has never had a row."""
        answer = httpx.post(f"{self.broker_url}/druid/v2/sql", json={"query": query}, timeout=20, trust_env=False)
        if answer.status_code == 400 and "not found" in answer.text:
            return []
        return answer.raise_for_status().json()

    @property
    def s3(self):
        at = self.stack.endpoints
        return boto3.client(
            "s3",
            endpoint_url=at.s3_endpoint,
            aws_access_key_id=at.s3_access_key,
            aws_secret_access_key=at.s3_secret_key,
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
        )

    def keys(self, prefix: str) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket="sluice", Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    def say(self, topic: str, value: bytes, headers: dict[str, str], key: bytes | None = None) -> None:
        """Publish as an outsider does: with a client of its own."""

        async def publish() -> None:
            producer = AIOKafkaProducer(bootstrap_servers=self.stack.endpoints.kafka_bootstrap, acks="all")
            await producer.start()
            try:
                raw = [(name, text.encode()) for name, text in headers.items()]
                await producer.send_and_wait(topic, value, key=key, headers=raw)
            finally:
                await producer.stop()

        asyncio.run(publish())

    def heard(self, topic: str) -> list[Any]:
        """Everything that stands on a topic."""

        async def read() -> list[Any]:
            bootstrap = self.stack.endpoints.kafka_bootstrap
            consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
            await consumer.start()
            try:
                ends = await consumer.end_offsets(consumer.assignment())
                found = []
                while any([await consumer.position(place) < end for place, end in ends.items()]):
                    for batch in (await consumer.getmany(timeout_ms=1000)).values():
                        found.extend(batch)
                return found
            finally:
                await consumer.stop()

        return asyncio.run(read())

    def outcome_ids(self) -> dict[str, Counter[str]]:
        """Task → ids of its `task.completed`, counted."""
        return self.event_ids("task.completed")

    def event_ids(self, topic: str) -> dict[str, Counter[str]]:
        """Task → ids of what was said of it on the topic, counted."""
        ids: dict[str, Counter[str]] = {}
        for message in self.heard(topic):
            headers = dict(message.headers)
            if "ce_subject" in headers:  # not so in the poison of other tests
                ids.setdefault(headers["ce_subject"].decode(), Counter())[headers["ce_id"].decode()] += 1
        return ids

    def assert_loaded_once(self, task_id: str, rows: int, seconds: float = 120) -> None:
        """Succeeded, counted, and told under one id."""
        task = self.outcome(task_id, seconds)
        everywhere = {"source": rows, "accepted": rows, "rejected": 0, "ingested": rows, "queryable": rows}
        assert (task["state"], task["rows"]) == ("succeeded", everywhere), json.dumps(task, indent=1)
        assert self.count(task_id) == rows
        assert len(self.outcome_ids()[task_id]) == 1

    def assert_next_file_passes(self) -> None:
        self.assert_loaded_once(self.upload(self.sales_file()), 200)


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 120) -> Any:
    """Poll until the condition holds; a deadline that passes is a failure."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            pytest.fail(f"not in {seconds:g} s: {what}")
        time.sleep(0.2)
    return found


@contextmanager
def running(kind: Kind, request: pytest.FixtureRequest) -> Iterator[Sluice]:
    """A stack with its services and contracts; where a test failed, its logs are left in `.sluice/test-logs`."""
    with TemporaryDirectory(prefix="sluice-e2e-") as name:
        folder = Path(name)
        (folder / "files").mkdir()
        with Stack(folder / "state", kind, progress=print) as stack:
            stack.start_parts()
            stack.start_services()
            publish_contracts(stack)
            yield Sluice(stack, folder / "files", stack.endpoints.druid_broker_url)
        if request.session.testsfailed:
            shutil.copytree(folder / "state" / "logs", KEPT_LOGS / kind, dirs_exist_ok=True)


@pytest.fixture(scope="session")
def sluice_on_real_parts(request: pytest.FixtureRequest) -> Iterator[Sluice]:
    with running("real", request) as sluice:
        yield sluice


@pytest.fixture(scope="session")
def sluice_on_standins(request: pytest.FixtureRequest) -> Iterator[Sluice]:
    with running("standin", request) as sluice:
        yield sluice


@pytest.fixture(scope="session")
def sluice(sluice_on_real_parts: Sluice) -> Sluice:
    """The stack that a test means when it does not say which."""
    return sluice_on_real_parts


@pytest.fixture(scope="session")
def until() -> Callable[..., Any]:
    return wait_until
