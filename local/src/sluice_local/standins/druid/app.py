"""The HTTP calls of Overlord, Coordinator and Broker, answered as Druid 33 answers them."""

import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from sluice_local.standins.druid.faults import Faults, FaultyLine, control
from sluice_local.standins.druid.spec import END_OF_TIME, Interval, InvalidTask
from sluice_local.standins.druid.store import QueryRefused, Store
from sluice_local.standins.druid.tasks import Run, TaskExists, Tasks

_OVERLORD = "/druid/indexer/v1"
_NO_REPORT = "No task reports were found for this task. The task may not exist, or it may not have completed yet."
_NO_LOG = "No log was found for this task. The task may not exist, or it may not have begun running yet."
_VERSION = "2000-01-01T00:00:00.000Z"
"""Of every segment, in its name."""
_DRUID = "33.0.0"
_EXTENSIONS = ("druid-s3-extensions", "druid-parquet-extensions")
_DEFAULT_RULES = [{"type": "loadForever", "tieredReplicants": {"_default_tier": 2}}]
_NO_SEGMENT = "No used segment found for the given datasource and interval"


def create_app(tasks: Tasks, store: Store, faults: Faults) -> Starlette:
    overlord, coordinator, broker = Overlord(tasks, faults), Coordinator(store), Broker(store, faults)
    return Starlette(
        routes=[
            Route("/status", _status_of_server),
            Route("/status/health", _healthy),
            Route("/status/properties", _properties),
            Route(f"{_OVERLORD}/leader", _leader),
            Route("/druid/coordinator/v1/leader", _leader),
            Route(f"{_OVERLORD}/task", overlord.submit, methods=["POST"]),
            Route(f"{_OVERLORD}/tasks", overlord.list_tasks),
            Route(f"{_OVERLORD}/taskStatus", overlord.statuses, methods=["POST"]),
            Route(f"{_OVERLORD}/task/{{id}}", overlord.known(_payload)),
            Route(f"{_OVERLORD}/task/{{id}}/status", overlord.known(_status)),
            Route(f"{_OVERLORD}/task/{{id}}/reports", overlord.known(_report)),
            Route(f"{_OVERLORD}/task/{{id}}/log", overlord.known(_log)),
            Route(f"{_OVERLORD}/task/{{id}}/shutdown", overlord.known(overlord.shut_down), methods=["POST"]),
            Route(f"{_OVERLORD}/totalWorkerCapacity", overlord.capacity),
            Route(f"{_OVERLORD}/workers", overlord.workers),
            Route(f"{_OVERLORD}/lockedIntervals/v2", overlord.locked, methods=["POST"]),
            Route(f"{_OVERLORD}/datasources/{{datasource}}", coordinator.mark_unused, methods=["DELETE"]),
            Route("/druid/coordinator/v1/rules/{datasource}", coordinator.rules),
            Route("/druid/coordinator/v1/rules/{datasource}", coordinator.set_rules, methods=["POST"]),
            Route("/druid/coordinator/v1/datasources/{datasource}/loadstatus", coordinator.load_status),
            Route(
                "/druid/coordinator/v1/metadata/datasources/{datasource}/segments",
                coordinator.segments,
                methods=["POST"],
            ),
            Route("/druid/v2/sql", broker.query, methods=["POST"]),
            Route("/druid/v2", broker.segment_metadata, methods=["POST"]),
            *control(faults),
        ],
        middleware=[Middleware(FaultyLine, faults=faults)],
        exception_handlers={json.JSONDecodeError: _malformed},
    )


class Overlord:
    def __init__(self, tasks: Tasks, faults: Faults) -> None:
        self._tasks = tasks
        self._faults = faults

    async def submit(self, request: Request) -> Response:
        try:
            return JSONResponse({"task": self._tasks.submit(await request.json())})
        except InvalidTask as error:
            return JSONResponse({"error": str(error)}, 400)
        except TaskExists as error:
            return _druid_exception("entryAlreadyExists", str(error), {})

    async def statuses(self, request: Request) -> Response:
        ids = await request.json()
        if not ids:
            return PlainTextResponse("No Task IDs provided.", 400)
        asked = [task_id for task_id in ids if not self._faults.strikes("left-out", task_id)]
        found = [run for run in map(self._tasks.find, asked) if run]
        return JSONResponse({run.task.id: run.brief() for run in found})

    async def list_tasks(self, request: Request) -> Response:
        """Of a datasource, those that have ended, the last ones first; `max` of them."""
        datasource, most = request.query_params.get("datasource"), int(request.query_params.get("max", 100))
        ended = [run.full() for run in self._tasks.ended() if datasource in {None, run.task.datasource}]
        return JSONResponse(ended[:most])

    def known(self, answer: Callable[[Run], Response]) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint on one task: 404 for an id that was never submitted."""

        async def endpoint(request: Request) -> Response:
            task_id = request.path_params["id"]
            run = self._tasks.find(task_id)
            return answer(run) if run else PlainTextResponse(f"Cannot find any task with id: [{task_id}]", 404)

        return endpoint

    def shut_down(self, run: Run) -> Response:
        self._tasks.cancel(run)
        return JSONResponse({"task": run.task.id})

    async def capacity(self, _: Request) -> Response:
        return JSONResponse({
            "currentClusterCapacity": self._tasks.slots,
            "maximumCapacityWithAutoScale": -1,
            "usedClusterCapacity": self._tasks.used,
        })  # fmt: skip

    async def workers(self, _: Request) -> Response:
        tasks, worker = self._tasks, {"scheme": "http", "host": "127.0.0.1", "ip": "127.0.0.1", "version": "0"}
        slots = {"worker": {**worker, "capacity": tasks.slots}, "currCapacityUsed": tasks.used}
        return JSONResponse([{**slots, "runningTasks": tasks.busy()}])

    async def locked(self, request: Request) -> Response:
        """Intervals that others hold; not those of its own tasks, between which there are no locks here."""
        asked = await request.json()
        if not asked:
            return PlainTextResponse("No filter provided", 400)
        found = {each["datasource"]: self._faults.stands("locked", each["datasource"]) for each in asked}
        return JSONResponse({name: list(fault.intervals) for name, fault in found.items() if fault})


class Coordinator:
    """Keeps retention rules, and does not apply them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rules: dict[str, list[dict[str, Any]]] = {}

    async def rules(self, request: Request) -> Response:
        own = self._rules.get(request.path_params["datasource"], [])
        return JSONResponse([*own, *(_DEFAULT_RULES if "full" in request.query_params else ())])

    async def set_rules(self, request: Request) -> Response:
        self._rules[request.path_params["datasource"]] = await request.json()
        return Response()

    async def load_status(self, request: Request) -> Response:
        """Without an interval Druid looks at the last 14 days."""
        datasource, query = request.path_params["datasource"], request.query_params
        if "forceMetadataRefresh" not in query:
            return PlainTextResponse("Invalid request. forceMetadataRefresh must be specified", 400)
        if not self._store.knows(datasource):
            return Response(status_code=204)
        now = datetime.now(UTC).replace(tzinfo=None)
        recent = Interval(now - timedelta(days=14), now)
        interval = Interval.parse(query["interval"]) if "interval" in query else recent
        loaded = self._store.loaded(datasource, interval)
        if loaded is None:
            return Response(_NO_SEGMENT, media_type="application/json")
        return JSONResponse({datasource: int(loaded < 100) if "simple" in query else loaded})  # noqa: PLR2004 - percent

    async def segments(self, request: Request) -> Response:
        """Names of those that there are, one for each span, whatever intervals are asked for; or `full`, with all columns in each."""
        datasource = request.path_params["datasource"]
        spans = self._store.spans(datasource)
        names = [_segment(datasource, span) for span in spans]
        if "full" not in request.query_params:
            return JSONResponse(names)
        alike = {
            "version": _VERSION,
            "dimensions": ",".join(self._store.columns(datasource)),
            "shardSpec": {"type": "numbered"},
        }
        return JSONResponse([
            {"identifier": name, "interval": f"{_utc(span.start)}/{_utc(span.end)}", **alike}
            for name, span in zip(names, spans, strict=True)
        ])  # fmt: skip

    async def mark_unused(self, request: Request) -> Response:
        """The Overlord's call, though the Coordinator holds the segments."""
        datasource = request.path_params["datasource"]
        segments = len(self._store.spans(datasource))
        await run_in_threadpool(self._store.forget, datasource)
        return JSONResponse({"numChangedSegments": segments})


def _segment(datasource: str, span: Interval) -> str:
    return f"{datasource}_{_utc(span.start)}_{_utc(span.end)}_{_VERSION}"


def _utc(instant: datetime) -> str:
    if instant.replace(tzinfo=UTC) == END_OF_TIME:
        return "10000-01-01T00:00:00.000Z"
    return instant.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


class Broker:
    def __init__(self, store: Store, faults: Faults) -> None:
        self._store = store
        self._faults = faults

    async def query(self, request: Request) -> Response:
        body = await request.json()
        parameters = [parameter["value"] for parameter in body.get("parameters") or ()]
        if self._faults.strikes("unknown-datasource", body["query"]):
            return _druid_exception("invalidInput", _unknown(body["query"]), {"sourceType": "sql"})
        try:
            names, rows = await run_in_threadpool(self._store.query, body["query"], parameters)
        except QueryRefused as error:
            return _druid_exception("invalidInput", str(error), {"sourceType": "sql"})
        if self._faults.strikes("too-few", body["query"]):
            rows = [tuple(value - 1 if isinstance(value, int) and value else value for value in row) for row in rows]
        if body.get("resultFormat") == "array":
            return JSONResponse([*([names] if body.get("header") else []), *rows])
        return JSONResponse([dict(zip(names, row, strict=True)) for row in rows])

    async def segment_metadata(self, request: Request) -> Response:
        """The same of each segment: here a column has one type."""
        datasource = (await request.json())["dataSource"]
        columns = {name: {"type": kind} for name, kind in self._store.columns(datasource).items()}
        return JSONResponse([
            {"id": _segment(datasource, span), "columns": columns, "aggregators": None}
            for span in self._store.spans(datasource)
        ])  # fmt: skip


def _unknown(query: str) -> str:
    found = re.search(r'FROM "([^"]+)"', query)
    return f"Object '{found[1] if found else '?'}' not found (line [1], column [1])"


async def _status_of_server(_: Request) -> Response:
    modules = [{"name": name, "artifact": name, "version": _DRUID} for name in _EXTENSIONS]
    return JSONResponse({"version": _DRUID, "modules": modules, "memory": {}})


async def _properties(_: Request) -> Response:
    return JSONResponse({"druid.manager.segments.pollDuration": "PT1S", "druid.coordinator.period": "PT1S"})


async def _leader(request: Request) -> Response:
    return PlainTextResponse(str(request.base_url).rstrip("/"))


async def _healthy(_: Request) -> Response:
    return JSONResponse(True)  # noqa: FBT003 - the whole body


def _payload(run: Run) -> Response:
    return JSONResponse({"task": run.task.id, "payload": run.payload})


def _status(run: Run) -> Response:
    return JSONResponse({"task": run.task.id, "status": run.full()})


def _report(run: Run) -> Response:
    return JSONResponse(run.report) if run.report else Response(_NO_REPORT, 404, media_type="application/json")


def _log(_: Run) -> Response:
    return PlainTextResponse(_NO_LOG, 404)


def _druid_exception(code: str, message: str, context: dict[str, Any]) -> Response:
    return JSONResponse(
        {
            "error": "druidException",
            "errorCode": code,
            "persona": "USER",
            "category": "INVALID_INPUT",
            "errorMessage": message,
            "context": context,
        },
        400,
    )


async def _malformed(_: Request, error: Exception) -> Response:
    return HTMLResponse(f"<html><head><title>Error 500 {escape(str(error))}</title></head></html>", 500)
