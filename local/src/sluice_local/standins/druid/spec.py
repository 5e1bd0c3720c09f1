"""What the simulator understands of a task: `read_task` turns JSON into a value or refuses it in Druid's words."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self
from uuid import uuid4

_DEFAULT_NOOP_MS = 2500
END_OF_TIME = datetime.max.replace(tzinfo=UTC)
"""Stands for the year 10000, which Druid knows and `datetime` does not."""
_CLASSES = {
    "spec": "org.apache.druid.indexing.common.task.batch.parallel.ParallelIndexSupervisorTask",
    "schema": "org.apache.druid.segment.indexing.DataSchema",
}
_QUERY_GRANULARITIES = ("none", "second")
_GRANULARITIES = ("minute", "hour", "day", "week", "month", "quarter", "year")

AGGREGATES = {
    f"{kind}{word}": (kind, word.upper()) for kind in ("long", "double", "float") for word in ("Sum", "Min", "Max")
}
"""Types of metrics: what they are in Druid, and the function of SQL."""


class InvalidTask(Exception):
    """Druid would answer 400 with this text."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Half open: start <= time < end; both naive and in UTC."""

    start: datetime
    end: datetime

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `start/end` or `start_end`. Raises ValueError."""
        start, end = (_utc(part) for part in re.split("[/_]", text))
        return cls(start, end)

    def overlaps(self, other: "Interval") -> bool:
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Noop:
    id: str
    datasource: str
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Metric:
    """An aggregator; a `count` is of no column."""

    name: str
    type: str
    column: str


@dataclass(frozen=True, slots=True)
class Ingestion:
    """An `index_parallel` task. `dimensions` are names with Druid's types; no intervals means all time.

    `query_granularity` None leaves times as they are.
    """

    id: str
    datasource: str
    time_column: str
    time_format: str
    dimensions: tuple[tuple[str, str], ...]
    metrics: tuple[Metric, ...]
    rollup: bool
    granularity: str
    query_granularity: str | None
    intervals: tuple[Interval, ...]
    source: Mapping[str, Any]
    append: bool
    drop_existing: bool
    max_parse_exceptions: int
    parallel: bool
    unsupported: str | None


@dataclass(frozen=True, slots=True)
class Compaction:
    """A `compact` task that keeps the rows of an interval that pass its filter; None keeps all."""

    id: str
    datasource: str
    interval: Interval
    kept: Mapping[str, Any] | None


Task = Noop | Ingestion | Compaction


def read_task(body: object) -> Task:
    """Raises InvalidTask."""
    if not isinstance(body, dict) or "type" not in body:
        raise InvalidTask(
            "Could not resolve subtype of [simple type, class org.apache.druid.indexing.common.task.Task]: "
            "missing type id property 'type'"
        )
    match body["type"]:
        case "noop":
            return Noop(_id(body), str(body.get("dataSource", "none")), int(body.get("runTime") or _DEFAULT_NOOP_MS))
        case "index_parallel":
            return _ingestion(body)
        case "compact":
            return _compaction(body)
        case other:
            raise InvalidTask(f"Could not resolve type id '{other}' as a subtype of Task")


def _ingestion(body: Mapping[str, Any]) -> Ingestion:
    spec = body.get("spec") or {}
    schema, io, tuning = (spec.get(name) or {} for name in ("dataSchema", "ioConfig", "tuningConfig"))
    grain = schema.get("granularitySpec") or {}
    _require(schema.get("dataSource"), "schema", "Invalid value for field [dataSource]: must not be null")
    _require(schema.get("timestampSpec"), "schema", "timestampSpec")
    _require(io.get("inputSource"), "spec", "inputSource")
    for uri in io["inputSource"].get("uris") or ():
        if " " in uri:
            raise InvalidTask(f'Cannot deserialize value of type `java.net.URI` from String "{uri}"')
    append, drop = bool(io.get("appendToExisting")), bool(io.get("dropExisting"))
    intervals = _intervals(grain.get("intervals") or ())
    _require(not (append and drop), "spec", "Cannot simultaneously replace and append to existing segments. "
             "Either dropExisting or appendToExisting should be set to false")  # fmt: skip
    _require(intervals or not drop, "spec", "GranularitySpec's intervals cannot be empty when using replace.")
    partitions = str((tuning.get("partitionsSpec") or {}).get("type") or "dynamic")
    _check_partitions(partitions, tuning, append=append)
    return Ingestion(
        id=_id(body),
        datasource=schema["dataSource"],
        time_column=schema["timestampSpec"].get("column", "timestamp"),
        time_format=schema["timestampSpec"].get("format", "auto"),
        dimensions=_dimensions(schema),
        metrics=_metrics(schema),
        rollup=bool(grain.get("rollup", True)),
        granularity=_granularity(grain),
        query_granularity=_query_granularity(grain),
        intervals=intervals,
        source=io["inputSource"],
        append=append,
        drop_existing=drop,
        max_parse_exceptions=int(tuning.get("maxParseExceptions", 2**31 - 1)),
        # range partitions are made in sub-tasks, however few there are
        parallel=partitions == "range" or int(tuning.get("maxNumConcurrentSubTasks", 1)) > 1,
        unsupported=_unsupported(schema, grain, io),
    )


def _compaction(body: Mapping[str, Any]) -> Compaction:
    asked = (body.get("ioConfig") or {}).get("inputSpec") or {}
    _require(body.get("dataSource"), "schema", "Invalid value for field [dataSource]: must not be null")
    _require(asked.get("type") == "interval", "spec", "this stand-in compacts intervals only")
    (interval,) = _intervals([str(asked.get("interval"))])
    return Compaction(_id(body), str(body["dataSource"]), interval, (body.get("transformSpec") or {}).get("filter"))


def _require(condition: object, where: str, problem: str) -> None:
    if not condition:
        raise InvalidTask(f"Cannot construct instance of `{_CLASSES[where]}`, problem: {problem}")


def _id(body: Mapping[str, Any]) -> str:
    task_id = str(body.get("id") or f"{body['type']}_{uuid4()}")
    _require("/" not in task_id, "spec", f"Invalid value for field [task ID]: Value [{task_id}] cannot contain '/'.")
    return task_id


def _intervals(texts: Iterable[str]) -> tuple[Interval, ...]:
    try:
        return tuple(Interval.parse(text) for text in texts)
    except ValueError as error:
        raise InvalidTask(f"Cannot deserialize value of type `org.joda.time.Interval`: {error}") from error


def _dimensions(schema: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    listed = (schema.get("dimensionsSpec") or {}).get("dimensions") or ()
    return tuple((d, "string") if isinstance(d, str) else (d["name"], d.get("type", "string")) for d in listed)


def _metrics(schema: Mapping[str, Any]) -> tuple[Metric, ...]:
    asked = schema.get("metricsSpec") or ()
    metrics = tuple(Metric(each["name"], each["type"], each.get("fieldName", "")) for each in asked)
    for each in metrics:
        if each.type != "count" and each.type not in AGGREGATES:
            raise InvalidTask(f"Could not resolve type id '{each.type}' as a subtype of AggregatorFactory")
    names = [name for name, _ in _dimensions(schema)] + [each.name for each in metrics]
    for name in names:
        seen = f"Cannot specify a column more than once: [{name}] seen in dimensions list, metricsSpec list"
        _require(names.count(name) == 1, "schema", seen)
    return metrics


def _check_partitions(kind: str, tuning: Mapping[str, Any], *, append: bool) -> None:
    """Rows that are laid out by their values are laid out as a whole."""
    perfect = bool(tuning.get("forceGuaranteedRollup"))
    _require(perfect == (kind != "dynamic"), "spec", f"partitionsSpec[{kind}] with forceGuaranteedRollup[{perfect}]")
    _require(
        not (perfect and append), "spec", "Perfect rollup cannot be guaranteed when appending to existing dataSources"
    )


def _query_granularity(grain: Mapping[str, Any]) -> str | None:
    name = str(grain.get("queryGranularity") or "none").lower()
    if name not in {*_QUERY_GRANULARITIES, *_GRANULARITIES}:
        raise InvalidTask(f"this stand-in knows no queryGranularity [{name}]")
    return None if name == "none" else name


def _granularity(grain: Mapping[str, Any]) -> str:
    name = str(grain.get("segmentGranularity") or "day").lower()
    if name not in _GRANULARITIES:
        raise InvalidTask(f"this stand-in knows no segmentGranularity [{name}], only {', '.join(_GRANULARITIES)}")
    return name


def _unsupported(schema: Mapping[str, Any], grain: Mapping[str, Any], io: Mapping[str, Any]) -> str | None:
    if schema.get("metricsSpec") and not grain.get("rollup", True):
        return "metrics without roll-up"
    if (schema.get("transformSpec") or {}).get("transforms"):
        return "transforms"
    kind = io["inputSource"].get("type")
    if kind != "druid" and (kind, (io.get("inputFormat") or {}).get("type")) != ("s3", "parquet"):
        return "input other than Parquet on S3"
    return None


def _utc(text: str) -> datetime:
    time = END_OF_TIME if text.startswith("10000-") else datetime.fromisoformat(text)
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
