"""Druid by HTTP: Overlord for tasks, Coordinator for segments, Broker for counts."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from druid_submitter.domain.interval import Interval, parsed, spanning
from druid_submitter.domain.spec import TASK_COLUMN
from druid_submitter.domain.watch import Presence, RowStats, TaskState, TaskStatus
from druid_submitter.errors import IdBurnt, SpecRefused
from sluice.errors import Transient

PASSING = {408, 429, 500, 502, 503, 504}
UNUSABLE = ("processedWithError", "thrownAway", "unparseable")
ETERNITY = "-146136543-09-08T08:23:32.096Z/146140482-04-24T15:36:27.903Z"
"""All of time, as Druid writes it."""
NO_SEGMENTS = "No used segment found"
NO_TABLE = "' not found"
NO_COLUMN = "not found in any table"
"""The words of the Broker where it does not know the datasource, or the datasource has no column of ours."""


@contextmanager
def translate_druid_errors() -> Iterator[None]:
    """No answer, or one that is not JSON where JSON is due, is Transient."""
    try:
        yield
    except (httpx.TransportError, json.JSONDecodeError) as error:
        raise Transient(f"Druid does not answer: {error!r}") from error


@dataclass(frozen=True, slots=True)
class HttpDruidTasks:
    """`overlord`, `coordinator` and `broker` are base URLs; a router serves for all three."""

    http: httpx.AsyncClient
    overlord: str
    coordinator: str
    broker: str

    async def submit(self, spec: dict[str, Any]) -> None:
        answer = await self._call("POST", f"{self.overlord}/druid/indexer/v1/task", json=spec)
        if answer.is_success:
            return
        said = _error_of(answer)
        if answer.status_code != httpx.codes.BAD_REQUEST:
            # a redirect while nobody leads yet, a way that is closed: nothing is said of the spec
            raise Transient(f"Druid answers {answer.status_code} to an ingestion: {said}")
        if "already exists" not in said:
            raise SpecRefused(f"Druid refuses the ingestion: {said}")
        await self._look_at(spec)

    async def _look_at(self, spec: dict[str, Any]) -> None:
        """What stands there under our id must be our ingestion."""
        answer = await self._call("GET", f"{self.overlord}/druid/indexer/v1/task/{spec['id']}")
        if not answer.is_success:
            raise Transient(f"Druid says that {spec['id']} exists, but does not show it")
        with translate_druid_errors():
            kind = answer.json().get("payload", {}).get("type")
        if kind != spec["type"]:
            raise IdBurnt(f"{spec['id']} is held by a task of type {kind}")

    async def burn(self, task_id: str, datasource: str) -> bool:
        try:
            await self.submit({"type": "noop", "id": task_id, "dataSource": datasource, "runTime": 1})
        except IdBurnt:
            return False  # here: by an ingestion of ours
        return True

    async def stop(self, task_id: str) -> None:
        answer = await self._call("POST", f"{self.overlord}/druid/indexer/v1/task/{task_id}/shutdown")
        if not answer.is_success and answer.status_code != httpx.codes.NOT_FOUND:
            raise Transient(f"Druid answers {answer.status_code} to a shutdown: {_error_of(answer)}")

    async def statuses(self, task_ids: Sequence[str]) -> dict[str, TaskStatus]:
        answer = await self._call("POST", f"{self.overlord}/druid/indexer/v1/taskStatus", json=list(task_ids))
        known = {name: _status(body) for name, body in self._json(answer).items()}
        for left_out in set(task_ids) - set(known):
            known[left_out] = await self._status_of(left_out)
        return known

    async def _status_of(self, task_id: str) -> TaskStatus:
        answer = await self._call("GET", f"{self.overlord}/druid/indexer/v1/task/{task_id}/status")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return TaskStatus(TaskState.UNKNOWN)
        return _status(self._json(answer)["status"])

    async def row_stats(self, task_id: str) -> RowStats | None:
        answer = await self._call("GET", f"{self.overlord}/druid/indexer/v1/task/{task_id}/reports")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        stats = self._json(answer).get("ingestionStatsAndErrors", {}).get("payload", {}).get("rowStats") or {}
        counts = stats.get("totals", stats).get("buildSegments")
        if counts is None:
            return None
        return RowStats(int(counts["processed"]), sum(int(counts.get(name) or 0) for name in UNUSABLE))

    async def extent(self, datasource: str) -> Interval | None:
        # of the metadata store: the list of intervals leaves out what no server has loaded at the moment
        path = f"/druid/coordinator/v1/metadata/datasources/{datasource}/segments"
        answer = await self._call("POST", self.coordinator + path, json=[ETERNITY])
        extent: Interval | None = None
        for segment in self._json(answer):
            start, end, *_ = segment.removeprefix(f"{datasource}_").split("_")
            extent = spanning(parsed(f"{start}/{end}"), extent)
        return extent

    async def presence(self, datasource: str, task_id: UUID, interval: Interval | None) -> Presence:
        # in this order: a count of none means something only after every segment was loaded
        loaded = await self._loaded(datasource, interval)
        counted = await self._count(datasource, task_id)
        if counted is None:
            # a Broker that does not know a datasource of which there are segments has just been started
            return Presence(0, loaded is None)
        return Presence(counted, loaded is not False)

    async def _count(self, datasource: str, task_id: UUID) -> int | None:
        """None where the Broker knows no such datasource."""
        query = {
            "query": f'SELECT COUNT(*) AS "rows" FROM "{datasource}" WHERE "{TASK_COLUMN}" = ?',  # noqa: S608 - the name keeps DATASOURCE_PATTERN
            "parameters": [{"type": "VARCHAR", "value": str(task_id)}],
            "context": {"useCache": False, "populateCache": False},
        }
        answer = await self._call("POST", f"{self.broker}/druid/v2/sql", json=query)
        if answer.status_code == httpx.codes.BAD_REQUEST and NO_COLUMN in _error_of(answer):
            return 0  # somebody else's datasource
        if answer.status_code == httpx.codes.BAD_REQUEST and NO_TABLE in _error_of(answer):
            return None
        return int(self._json(answer)[0]["rows"])

    async def _loaded(self, datasource: str, interval: Interval | None) -> bool | None:
        """Is every segment loaded? None where there is none."""
        span = f"&interval={interval.in_path()}" if interval else "&interval=0001-01-01_9999-12-31"
        path = f"/druid/coordinator/v1/datasources/{datasource}/loadstatus?forceMetadataRefresh=true{span}"
        answer = await self._call("GET", self.coordinator + path)
        if answer.status_code in {httpx.codes.NO_CONTENT, httpx.codes.NOT_FOUND}:
            return None
        if answer.is_success and NO_SEGMENTS in answer.text:
            return None  # said in plain text where JSON is due
        return float(self._json(answer)[datasource]) >= 100.0  # noqa: PLR2004 - percent

    async def answers(self) -> bool:
        """Does the Overlord answer?"""
        try:
            return (await self._call("GET", f"{self.overlord}/status/health")).is_success
        except Transient:
            return False

    async def _call(self, method: str, url: str, **more: Any) -> httpx.Response:
        with translate_druid_errors():
            answer = await self.http.request(method, url, **more)
        if answer.status_code in PASSING:
            raise Transient(f"Druid answers {answer.status_code} at {httpx.URL(url).path}")
        return answer

    def _json(self, answer: httpx.Response) -> Any:
        if not answer.is_success:
            raise Transient(f"Druid answers {answer.status_code}: {_error_of(answer)}")
        with translate_druid_errors():
            return answer.json()


def _status(body: dict[str, Any]) -> TaskStatus:
    code = str(body.get("statusCode") or body.get("status"))
    return TaskStatus(TaskState(code), body.get("errorMsg"))


def _error_of(answer: httpx.Response) -> str:
    """The sentence in any of Druid's error shapes, at most 500 characters."""
    try:
        body = answer.json()
    except json.JSONDecodeError:
        return answer.text[:500]
    if not isinstance(body, dict):
        return answer.text[:500]
    return str(body.get("errorMessage") or body.get("error") or body)[:500]
