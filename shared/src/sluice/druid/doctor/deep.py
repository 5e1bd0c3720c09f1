"""Three rows, written to the bucket as Parquet and loaded from there into a datasource of their own, which is then removed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.resources import files
from typing import Any
from uuid import uuid4

from sluice.druid.connection import DruidConnection
from sluice.druid.doctor.finding import Finding, fail, ok, warn
from sluice.druid.places import Role
from sluice.druid.versions import Capabilities, knows_no_table
from sluice.errors import SluiceError, Transient
from sluice.objectstore import ObjectStore, open_objectstore
from sluice.safetext import shown
from sluice.settings import S3Settings

PROBE = "probe.parquet"
ROWS = 3
"""Of the probe: at noon of the first three days of 2024."""
SECONDS = 300.0
PAUSE = 0.5
OVERLORD = "/druid/indexer/v1"


async def ingest_a_probe(druid: DruidConnection, can: Capabilities, bucket: S3Settings) -> AsyncIterator[Finding]:
    """What is left behind, if anything is, is said."""
    datasource = f"sluice_doctor_{uuid4().hex[:12]}"
    key = f"probes/{datasource}.parquet"
    async with open_objectstore(bucket) as store:
        written = await _write(store, key)
        yield written
        if written.verdict == "fail":
            return
        try:
            async for finding in _load(druid, datasource, store.uri(key)):
                yield finding
        except (SluiceError, TimeoutError, LookupError, TypeError) as error:
            told = str(error) or f"not in {SECONDS:g} s"
            yield fail("load three rows", told, "Look into the log of the task on the Overlord's console.")
        except asyncio.CancelledError:  # whoever asked has no patience; what was begun is removed all the same
            await _remove_rows(druid, can, datasource)
            await _remove_file(store, key)
            raise
        yield await _remove_rows(druid, can, datasource)
        yield await _remove_file(store, key)


async def _write(store: ObjectStore, key: str) -> Finding:
    asked = "write to the bucket"
    try:
        await store.put(key, (files("sluice.druid.doctor") / PROBE).read_bytes())
    except SluiceError as error:
        return fail(asked, f"{store.uri(key)}: {error}", "Set SLUICE_S3_… as the services have them.")
    return ok(asked, store.uri(key))


async def _load(druid: DruidConnection, datasource: str, uri: str) -> AsyncIterator[Finding]:
    task = f"{datasource}_1"
    answer = await druid.ask(Role.OVERLORD, "POST", f"{OVERLORD}/task", _spec(task, datasource, uri))
    answer.json()

    async def ended() -> dict[str, Any] | None:
        status = (await druid.ask(Role.OVERLORD, "GET", f"{OVERLORD}/task/{task}/status")).json()["status"]
        return None if status["statusCode"] == "RUNNING" else dict(status)

    status = await _until(ended)
    if status["statusCode"] != "SUCCESS":
        do = "Can the servers that run tasks reach the bucket, with a key that reads it? See druid.s3.* there."
        yield fail("load three rows", shown(str(status.get("errorMsg")), 500), do)
        return
    yield ok("load three rows", f"task {task} is a success")

    async def counted() -> bool | None:
        query = {"query": f'SELECT COUNT(*) AS n FROM "{datasource}"'}  # noqa: S608 - a name of our own
        answer = await druid.ask(Role.BROKER, "POST", "/druid/v2/sql", query)
        return None if knows_no_table(answer) or answer.json()[0]["n"] < ROWS else True

    began = asyncio.get_running_loop().time()
    await _until(counted)
    yield ok("count them by a query", f"after {asyncio.get_running_loop().time() - began:.1f} s")


async def _until(ask: Callable[[], Awaitable[Any]]) -> Any:
    """What it says when that is not None. Raises TimeoutError."""
    async with asyncio.timeout(SECONDS):
        while (found := await ask()) is None:  # noqa: ASYNC110 - Druid is another process
            await asyncio.sleep(PAUSE)
    return found


async def _remove_rows(druid: DruidConnection, can: Capabilities, datasource: str) -> Finding:
    """Of a task that is still under way there is more to come, so it is stopped first."""
    asked = "remove the rows"
    role, path = (Role.OVERLORD, OVERLORD) if can.overlord_marks else (Role.COORDINATOR, "/druid/coordinator/v1")
    try:
        await druid.ask(Role.OVERLORD, "POST", f"{OVERLORD}/task/{datasource}_1/shutdown")
        answer = await druid.ask(role, "DELETE", f"{path}/datasources/{datasource}")
        if answer.good:
            return ok(
                asked, f"the segments of {datasource} are marked unused; a kill task of yours removes their files"
            )
        told = f"{answer.status}: {answer.said}"
    except Transient as error:
        told = str(error)
    return warn(asked, told, f"Mark the datasource {datasource} unused on Druid's console.")


async def _remove_file(store: ObjectStore, key: str) -> Finding:
    try:
        await store.delete(key)
    except SluiceError as error:
        return warn("remove the file", str(error), f"Delete {store.uri(key)}.")
    return ok("remove the file", store.uri(key))


def _spec(task: str, datasource: str, uri: str) -> dict[str, Any]:
    """In everything that a cluster must bear the same as those of files."""
    schema = {
        "dataSource": datasource,
        "timestampSpec": {"column": "__time", "format": "millis"},
        "dimensionsSpec": {"dimensions": [{"type": "string", "name": "__task_id"}], "includeAllDimensions": False},
        "metricsSpec": [],
        "granularitySpec": {
            "type": "uniform",
            "segmentGranularity": "DAY",
            "queryGranularity": "NONE",
            "rollup": False,
            "intervals": ["2024-01-01/2024-01-04"],
        },
    }
    reading = {
        "type": "index_parallel",
        "inputSource": {"type": "s3", "uris": [uri]},
        "inputFormat": {"type": "parquet", "binaryAsString": False},
        "appendToExisting": True,
        "dropExisting": False,
    }
    tuning = {
        "type": "index_parallel",
        "partitionsSpec": {"type": "dynamic"},
        "maxNumConcurrentSubTasks": 1,
        "maxRetry": 0,
    }
    return {
        "type": "index_parallel",
        "id": task,
        "context": {"useConcurrentLocks": True},
        "spec": {"dataSchema": schema, "ioConfig": reading, "tuningConfig": tuning},
    }
