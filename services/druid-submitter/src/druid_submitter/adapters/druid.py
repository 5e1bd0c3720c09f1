"""What Druid is asked: the Overlord about tasks, the Coordinator about segments, the Broker about rows."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from druid_submitter.adapters.words import LONGEST_REPORT, LONGEST_WORDS, NEIGHBOURS, error_in, errors_of
from druid_submitter.domain.admission import Capacity
from druid_submitter.domain.failure import Words
from druid_submitter.domain.interval import ALL_TIME, Interval, parsed, spanning
from druid_submitter.domain.spec import PRIORITY, TASK_COLUMN
from druid_submitter.domain.watch import Presence, RowStats, TaskState, TaskStatus
from druid_submitter.errors import IdBurnt, QueueFull, SegmentsUnknown, SpecRefused
from sluice.contracts import ROWS_METRIC
from sluice.druid import Answer, DruidBusy, DruidConnection, DruidDenied, Role
from sluice.druid.versions import (
    BAD_REQUEST,
    NOT_FOUND,
    already_exists,
    knows_no_column,
    knows_no_table,
    percent_loaded,
    row_counts,
)
from sluice.errors import Transient

T = TypeVar("T")

OVERLORD = "/druid/indexer/v1"
COORDINATOR = "/druid/coordinator/v1"
ONE_BY_ONE = 5
"""Tasks that are asked for singly in one round, of those that Druid does not name."""
ETERNITY = "-146136543-09-08T08:23:32.096Z/146140482-04-24T15:36:27.903Z"
"""All of time, as Druid writes it."""
COLUMNS = (
    "SELECT COLUMN_NAME AS \"name\" FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA = 'druid' AND TABLE_NAME = ?"
)
EVERY_SEGMENT = 100.0
"""Percent."""
PLAIN = "COUNT(*)"
ROLLED_UP = f'SUM(CASE WHEN "{ROWS_METRIC}" > 0 THEN "{ROWS_METRIC}" ELSE 1 END)'
"""Accepted rows: a row of Druid that does not say of how many it is made is one."""


@dataclass(frozen=True, slots=True)
class HttpDruidTasks:
    druid: DruidConnection

    async def submit(self, spec: dict[str, Any]) -> None:
        try:
            answer = await self.druid.ask(Role.OVERLORD, "POST", f"{OVERLORD}/task", spec)
        except DruidBusy as error:
            raise QueueFull(str(error)) from error
        if answer.good:
            answer.json()  # not a page of whoever stands in between
            return
        if answer.status != BAD_REQUEST:
            # a way that is closed: nothing is said of the spec
            raise Transient(f"Druid answers {answer.status} to an ingestion: {answer.said}")
        if not already_exists(answer):
            raise SpecRefused(f"Druid refuses the ingestion: {answer.refusal()}")
        await self._look_at(spec)

    async def _look_at(self, spec: dict[str, Any]) -> None:
        """What stands there under our id must be our ingestion."""
        answer = await self.druid.ask(Role.OVERLORD, "GET", f"{OVERLORD}/task/{spec['id']}")
        if not answer.good:
            raise Transient(f"Druid says that {spec['id']} exists, but does not show it")
        kind = answer.read(lambda body: body["payload"]["type"])
        if kind != spec["type"]:
            raise IdBurnt(f"{spec['id']} is held by a task of type {kind}")

    async def burn(self, task_id: str, datasource: str) -> bool:
        try:
            await self.submit({"type": "noop", "id": task_id, "dataSource": datasource, "runTime": 1})
        except IdBurnt:
            return False  # here: by an ingestion of ours
        return True

    async def stop(self, task_id: str) -> None:
        answer = await self.druid.ask(Role.OVERLORD, "POST", f"{OVERLORD}/task/{task_id}/shutdown")
        if not answer.good and answer.status != NOT_FOUND:
            raise Transient(f"Druid answers {answer.status} to a shutdown: {answer.said}")

    async def statuses(self, task_ids: Sequence[str]) -> dict[str, TaskStatus]:
        answer = await self.druid.ask(Role.OVERLORD, "POST", f"{OVERLORD}/taskStatus", list(task_ids))
        known = answer.read(lambda bodies: {name: _status(body) for name, body in bodies.items()})
        left_out = [task_id for task_id in task_ids if task_id not in known]
        for task_id in left_out[:ONE_BY_ONE]:
            known[task_id] = await self._status_of(task_id)
        return known

    async def _status_of(self, task_id: str) -> TaskStatus:
        answer = await self.druid.ask(Role.OVERLORD, "GET", f"{OVERLORD}/task/{task_id}/status")
        if answer.status == NOT_FOUND:
            return TaskStatus(TaskState.UNKNOWN)
        return answer.read(lambda body: _status(body["status"]))

    async def capacity(self) -> Capacity | None:
        try:
            answer = await self.druid.ask(Role.OVERLORD, "GET", f"{OVERLORD}/totalWorkerCapacity")
        except DruidDenied:
            return None
        return None if answer.status == NOT_FOUND else answer.read(_capacity)

    async def locked(self, datasource: str) -> Sequence[Interval]:
        ours = {"datasource": datasource, "priority": PRIORITY, "context": {"useConcurrentLocks": True}}
        try:
            answer = await self.druid.ask(Role.OVERLORD, "POST", f"{OVERLORD}/lockedIntervals/v2", [ours])
        except DruidDenied:
            return ()
        if answer.status in {BAD_REQUEST, NOT_FOUND}:
            return ()
        return answer.read(lambda told: [parsed(interval) for interval in told.get(datasource, ())])

    async def words(self, datasource: str, task_id: str) -> Words:
        status = await self._status_of(task_id)
        report = await self._text(f"/task/{task_id}/reports")
        listed = await self._text(f"/tasks?state=complete&max={NEIGHBOURS}&datasource={datasource}")
        return Words(
            status=(status.error or "")[:LONGEST_WORDS],
            report=error_in(report)[:LONGEST_WORDS],
            sub_tasks=errors_of(listed, group=task_id),
            log=await self._text(f"/task/{task_id}/log?offset=-{LONGEST_WORDS}"),
            whole_report=report[:LONGEST_REPORT],
        )

    async def _text(self, path: str) -> str:
        """Of what may be missing, or be a page about an error: empty then."""
        try:
            answer = await self.druid.ask(Role.OVERLORD, "GET", OVERLORD + path)
        except Transient:
            return ""
        return "" if not answer.good or answer.text.lstrip().startswith("<") else answer.text

    async def rules(self, datasource: str) -> Sequence[Mapping[str, Any]]:
        try:
            answer = await self.druid.ask(Role.COORDINATOR, "GET", f"{COORDINATOR}/rules/{datasource}?full=true")
        except DruidDenied:
            return ()
        return answer.read(_listed) if answer.good else ()

    async def row_stats(self, task_id: str) -> RowStats | None:
        answer = await self.druid.ask(Role.OVERLORD, "GET", f"{OVERLORD}/task/{task_id}/reports")
        counts = None if answer.status == NOT_FOUND else answer.read(row_counts)
        return RowStats(*counts) if counts else None

    async def extent(self, datasource: str) -> Interval | None:
        # of the metadata store: the list of intervals leaves out what no server has loaded at the moment
        path = f"{COORDINATOR}/metadata/datasources/{datasource}/segments"
        answer = await self.druid.ask(Role.COORDINATOR, "POST", path, [ETERNITY])
        extent: Interval | None = None
        for interval in answer.read(lambda names: [_interval_of(name, datasource) for name in _listed(names)]):
            extent = spanning(interval, extent)
        return extent

    async def rows(self, datasource: str, interval: Interval) -> int | None:
        match await self._loaded(datasource, interval):  # in this order, as below
            case None:
                return 0
            case False:
                return None
        return await self._count(datasource, PLAIN, _within(interval))

    async def columns(self, datasource: str) -> Collection[str]:
        found = await self._query(COLUMNS, datasource)
        return found.read(lambda rows: frozenset(str(row["name"]) for row in _listed(rows)))

    async def segment_types(self, datasource: str, interval: Interval) -> Sequence[Mapping[str, str]]:
        asked = {
            "queryType": "segmentMetadata",
            "dataSource": datasource,
            "intervals": [interval.iso()],
            "analysisTypes": ["aggregators"],
            "merge": False,
            "context": {"useCache": False, "populateCache": False},
        }
        answer = await self.druid.ask(Role.BROKER, "POST", "/druid/v2", asked)
        types = answer.read(lambda found: {each["id"]: _dimensions_of(each) for each in _listed(found)})
        if unknown := len(await self._segments(datasource, interval, _visible) - types.keys()):
            raise SegmentsUnknown(f"the Broker does not know {unknown} of the segments of {datasource} at the moment")
        return list(types.values())

    async def count(self, datasource: str, task_id: UUID) -> int:
        return await self._count(datasource, PLAIN, *_of_task(task_id)) or 0

    async def presence(
        self, datasource: str, task_id: UUID, interval: Interval | None, *, rolled_up: bool = False
    ) -> Presence:
        # in this order: a count of none means something only after every segment was loaded
        loaded = await self._loaded(datasource, interval)
        counted = await self._count(datasource, ROLLED_UP, *_of_task(task_id)) if rolled_up else None
        if counted is None:
            counted = await self._count(datasource, PLAIN, *_of_task(task_id))
        if counted is None:
            # it hears of tables and columns late, when it has just been started, or the datasource is new to us;
            # and it knows none of a datasource of which there are but tombstones
            return Presence(0, loaded is None or (loaded and await self._holds_none_of_ours(datasource, interval)))
        return Presence(counted, loaded is not False)

    async def _holds_none_of_ours(self, datasource: str, interval: Interval | None) -> bool:
        """Is there no segment with the column of a task?"""
        return await self._segments(datasource, interval, lambda found: not any(map(_may_be_ours, found)))

    async def _segments(
        self, datasource: str, interval: Interval | None, reader: Callable[[Sequence[Mapping[str, Any]]], T]
    ) -> T:
        """What the reader makes of those that overlap the interval, loaded or not."""
        path = f"{COORDINATOR}/metadata/datasources/{datasource}/segments?full"
        span = interval.iso() if interval else ETERNITY
        answer = await self.druid.ask(Role.COORDINATOR, "POST", path, [span])
        return answer.read(lambda found: reader(_listed(found)))

    async def _count(self, datasource: str, counting: str, where: str, *values: str) -> int | None:
        """None where the Broker knows no such datasource, or not the column of a task, or of how many rows one is made."""
        query = f'SELECT {counting} AS "rows" FROM "{datasource}" WHERE {where}'  # noqa: S608 - the name keeps DATASOURCE_PATTERN
        answer = await self._query(query, *values)
        if knows_no_column(answer) or knows_no_table(answer):
            return None
        return answer.read(lambda rows: int(rows[0]["rows"] or 0))

    async def _query(self, query: str, *values: str) -> Answer:
        asked = {
            "query": query,
            "parameters": [{"type": "VARCHAR", "value": value} for value in values],
            "context": {"useCache": False, "populateCache": False},
        }
        return await self.druid.ask(Role.BROKER, "POST", "/druid/v2/sql", asked)

    async def _loaded(self, datasource: str, interval: Interval | None) -> bool | None:
        """Is every segment loaded? None where there is none."""
        span = (interval or ALL_TIME).in_path()  # without one, Druid looks at the last two weeks
        path = f"{COORDINATOR}/datasources/{datasource}/loadstatus?forceMetadataRefresh=true&interval={span}"
        percent = percent_loaded(await self.druid.ask(Role.COORDINATOR, "GET", path), datasource)
        return None if percent is None else percent >= EVERY_SEGMENT

    async def answers(self) -> bool:
        """Does the Overlord answer, and to us?"""
        try:
            return (await self.druid.ask(Role.OVERLORD, "GET", f"{OVERLORD}/totalWorkerCapacity")).good
        except Transient:
            return False


def _of_task(task_id: UUID) -> tuple[str, str]:
    return f'"{TASK_COLUMN}" = ?', str(task_id)


def _may_be_ours(segment: Mapping[str, Any]) -> bool:
    return _has_rows(segment) and TASK_COLUMN in segment["dimensions"].split(",")


def _has_rows(segment: Mapping[str, Any]) -> bool:
    return bool(segment["shardSpec"]["type"] != "tombstone")


def _visible(segments: Sequence[Mapping[str, Any]]) -> set[str]:
    """Names of those with rows, but for what a newer version of its interval, or of one that holds it, has replaced.

    The Coordinator lists those for a while, a quarter of an hour after its start. Of one that many smaller ones have replaced
    this is not seen.
    """
    newest: dict[str, str] = {}
    for each in segments:
        newest[each["interval"]] = max(each["version"], newest.get(each["interval"], ""))
    spans = {name: parsed(name) for name in newest}
    replaced, around = set[str](), list[str]()
    for name in sorted(
        spans, key=lambda each: (spans[each].start, ALL_TIME.end - spans[each].end)
    ):  # larger ones first
        around = [each for each in around if spans[each].end > spans[name].start]
        if any(spans[each].holds(spans[name]) and newest[each] > newest[name] for each in around):
            replaced.add(name)
        around.append(name)
    return {
        each["identifier"]
        for each in segments
        if _has_rows(each) and each["version"] == newest[each["interval"]] and each["interval"] not in replaced
    }


def _dimensions_of(segment: Mapping[str, Any]) -> Mapping[str, str]:
    others = {"__time", *(segment.get("aggregators") or ())}
    return {name: column["type"] for name, column in segment["columns"].items() if name not in others}


def _within(interval: Interval) -> str:
    """The ends of our calendar are no bounds: SQL has no year 10000."""
    bounds = ((">=", interval.start, ALL_TIME.start), ("<", interval.end, ALL_TIME.end))
    said = (f"__time {sign} TIMESTAMP '{at.replace(tzinfo=None)}'" for sign, at, end in bounds if at != end)
    return " AND ".join(said) or "TRUE"


def _status(body: dict[str, Any]) -> TaskStatus:
    code = body.get("statusCode") or body["status"]
    # a word that is not known is that of no end
    return TaskStatus(TaskState(code) if code in TaskState.__members__ else TaskState.RUNNING, body.get("errorMsg"))


def _capacity(told: dict[str, Any]) -> Capacity | None:
    slots, most = told.get("currentClusterCapacity", -1), told.get("maximumCapacityWithAutoScale", -1)
    return None if slots < 0 else Capacity(slots, max(slots, most), told.get("usedClusterCapacity", 0))


def _interval_of(segment: str, datasource: str) -> Interval:
    start, end, *_ = segment.removeprefix(f"{datasource}_").split("_")
    return parsed(f"{start}/{end}")


def _listed(found: Any) -> list[Any]:
    """Raises TypeError for anything but a list: an object without keys must not pass for a list of nothing."""
    if not isinstance(found, list):
        raise TypeError(type(found).__name__)
    return found
