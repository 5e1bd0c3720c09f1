"""The submitter alone, with many files at once, on a simulated Druid that is watched from inside."""

import asyncio
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

import asyncpg
import polars as pl
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from benchmarks.harness import ROOT
from benchmarks.servers import free_port, server
from sluice import messaging
from sluice.testing import NOW, file_validated, verdict_accepted
from sluice_local.service import run_once, surroundings
from sluice_local.stack import Stack
from sluice_local.standins.druid.app import create_app
from sluice_local.standins.druid.faults import Faults
from sluice_local.standins.druid.store import Store
from sluice_local.standins.druid.tasks import Tasks

ROWS = 10
LOAD_SECONDS = 0.3
OVERLORD = "/druid/indexer/"


@dataclass
class Simulated:
    """`requests`: how often the Overlord was asked, by path without ids. `started`: tasks that have had a slot."""

    folder: Path
    faults: Faults
    tasks: Tasks
    environment: Mapping[str, str]
    requests: Counter[str] = field(default_factory=Counter)
    started: int = 0

    def hand_over(self, files: int) -> None:
        """Verdicts of so many small files of one datasource, as the validator would publish them."""
        names = [uuid4() for _ in range(files)]
        for task_id in names:
            rows = {"__time": [NOW] * ROWS, "__task_id": [str(task_id)] * ROWS}
            pl.DataFrame(rows).with_columns(pl.col("__time").cast(pl.Datetime("ms"))).write_parquet(self.file(task_id))
        asyncio.run(self._publish(names))

    def file(self, task_id: object) -> Path:
        return self.folder / f"{task_id}.parquet"

    async def _publish(self, names: Sequence[UUID]) -> None:
        broker = messaging.create_broker(self.environment["SLUICE_KAFKA_BOOTSTRAP"], "bench")
        async with broker:
            publisher = messaging.KafkaPublisher(broker)
            for task_id in names:
                part = f"s3://sluice/canonical/sales/{task_id}.parquet"
                verdict = verdict_accepted(ROWS, canonical=(part,))
                await publisher.publish(file_validated(verdict, task_id))

    def count(self, where: str) -> int:
        """Ingestions in Postgres."""

        async def ask() -> int:
            connection = await asyncpg.connect(self.environment["SLUICE_POSTGRES_DSN"])
            try:
                found = await connection.fetchval(f"SELECT count(*) FROM submitter.ingestions WHERE {where}")
                return int(found)
            finally:
                await connection.close()

        return asyncio.run(ask())


class Counted:
    """Counts what the Overlord is asked."""

    def __init__(self, app: ASGIApp, requests: Counter[str]) -> None:
        self._app = app
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if path.startswith(OVERLORD):
            parts = path.removeprefix(OVERLORD).split("/")
            self._requests["/".join([*parts[:2], *(["…", *parts[3:]] if len(parts) > 2 else [])])] += 1
        await self._app(scope, receive, send)


@contextmanager
def simulated(slots: int, seconds: float, replicas: int, **settings: object) -> Iterator[Simulated]:
    """Submitters beside a Druid of so many slots in which a task takes so many seconds."""
    with ExitStack() as leaving:
        folder = Path(leaving.enter_context(TemporaryDirectory(prefix="sluice-bench-")))
        stack = leaving.enter_context(Stack(folder / "state", "standin", progress=lambda _: None))
        stack.start_parts()
        port = free_port()
        own = {f"SLUICE_{name.upper()}": str(value) for name, value in settings.items()}
        druid = {
            f"SLUICE_DRUID_{role}_URL": f"http://127.0.0.1:{port}" for role in ("OVERLORD", "COORDINATOR", "BROKER")
        }
        environment = {**stack.endpoints.environment(), **druid, **own}
        run_once(stack.site, "migrate", ["druid_submitter", "migrate"], environment)
        contract = str(ROOT / "contracts" / "sales.odcs.yaml")
        run_once(stack.site, "contracts", ["sluice.contracts", "publish", contract], environment)

        parts = folder / "parts"
        parts.mkdir()
        faults = Faults()

        @contextmanager
        def fetch(uris: Sequence[str]) -> Iterator[Sequence[Path]]:
            found.started += 1
            time.sleep(seconds)
            yield [found.file(uri.rpartition("/")[2].removesuffix(".parquet")) for uri in uris]

        store = Store(folder, LOAD_SECONDS, faults.loading_until)
        tasks = Tasks(store, fetch, faults, slots)
        leaving.callback(tasks.close)
        found = Simulated(parts, faults, tasks, environment)
        app = Counted(create_app(tasks, store, faults), found.requests)
        leaving.enter_context(serving(app, port))
        submitter = [sys.executable, "-m", "druid_submitter"]
        for _ in range(replicas):
            running = server(
                submitter, "/health/ready", port_variable="SLUICE_HTTP_PORT", **(surroundings() | environment)
            )
            leaving.enter_context(running)
        yield found


@contextmanager
def serving(app: ASGIApp, port: int) -> Iterator[None]:
    """In a thread of this process, so that what happens in it can be counted."""
    running = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        yield
    finally:
        running.should_exit = True
        thread.join()
