"""The ingestion spec. Built from the contract and the verdict alone: no text of a sender's ever reaches it."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from druid_submitter.domain.identity import druid_task_id
from druid_submitter.domain.interval import Interval, covering, spanning
from sluice.contracts import (
    EXTRA_COLUMN,
    ROWS_METRIC,
    Contract,
    DruidMode,
    ExtraColumns,
    FieldType,
    Partitions,
    PartitionsType,
    QueryGranularity,
    Rollup,
)
from sluice.events import Accepted

DIMENSION_TYPES = {
    FieldType.STRING: "string",
    FieldType.INTEGER: "long",
    FieldType.NUMBER: "double",
    FieldType.BOOLEAN: "string",
    FieldType.TIMESTAMP: "string",
    FieldType.DATE: "string",
}

NUMBERS = {"LONG", "FLOAT", "DOUBLE"}
SCALAR = {"STRING", *NUMBERS}
"""Types of columns, as Druid's segments name them."""

TASK_COLUMN = "__task_id"
PRIORITY = 50
"""Of a task of ours, as Druid gives it to tasks that load."""

SEGMENT_ROWS = 5_000_000
"""About so many rows in a segment of hashed or range partitions where the contract does not say; Druid's own default."""

TUNING = {
    "type": "index_parallel",
    "splitHintSpec": {"type": "maxSize", "maxNumFiles": 1},
    "maxRetry": 0,
    "maxParseExceptions": 0,
    "logParseExceptions": False,
    "awaitSegmentAvailabilityTimeoutMillis": 0,
}
"""A part for each sub-task, no retries and no tolerated parse error: the data is validated, so a row that Druid does not like
is a fault, and a whole new attempt is ours to make."""


def build_spec(
    contract: Contract,
    accepted: Accepted,
    task_id: UUID,
    attempt: int,
    *,
    there: Interval | None = None,
    slots: int = 1,
) -> dict[str, Any]:
    """The `index_parallel` task that loads the accepted rows as the contract says.

    `there`: the span of all rows that the datasource has, for a file that takes the place of all.
    `slots`: of Druid's workers that are free for this task.
    """
    append = contract.druid.mode is DruidMode.APPEND
    return {
        "type": "index_parallel",
        "id": druid_task_id(contract.datasource, task_id, attempt),
        "context": {"useConcurrentLocks": True, "tags": {"task_id": str(task_id)}},
        "spec": {
            "dataSchema": _data_schema(contract, accepted, there),
            "ioConfig": {
                "type": "index_parallel",
                "inputSource": {"type": "s3", "uris": list(accepted.canonical)},
                "inputFormat": {"type": "parquet", "binaryAsString": False},
                "appendToExisting": append,
                "dropExisting": not append,
            },
            "tuningConfig": {
                **TUNING,
                **_partitions(contract.druid.partitions),
                "maxNumConcurrentSubTasks": sub_tasks(len(accepted.canonical), slots),
            },
        },
    }


def sub_tasks(parts: int, slots: int) -> int:
    """How many run at a time. More than one stand under a supervisor that takes a slot itself; a single one is the task."""
    return max(1, min(parts, slots - 1))


def _partitions(asked: Partitions) -> dict[str, Any]:
    if asked.type is PartitionsType.DYNAMIC:
        return {"partitionsSpec": {"type": "dynamic"}}
    size = {"numShards": asked.shards} if asked.shards else {"targetRowsPerSegment": asked.target_rows or SEGMENT_ROWS}
    spec = {"type": asked.type.value, "partitionDimensions": list(asked.columns), **size}
    return {"partitionsSpec": spec, "forceGuaranteedRollup": True}


def build_removal(
    datasource: str, druid_id: str, removed: UUID, interval: Interval, segments: Iterable[Mapping[str, str]] = ()
) -> dict[str, Any]:
    """The `compact` task that writes the interval's segments anew without the rows of one task.

    A compaction finds columns and types in the segments themselves, so that rows of other versions of the contract keep theirs.
    `segments`: of each the types of its dimensions, by which it is told where they do not agree.
    """
    agreed = _agreed(segments)
    return {
        "type": "compact",
        "id": druid_id,
        "dataSource": datasource,
        "ioConfig": {
            "type": "compact",
            "inputSpec": {"type": "interval", "interval": interval.iso()},
            "dropExisting": True,
        },
        "transformSpec": {
            "filter": {
                "type": "not",
                "field": {"type": "selector", "dimension": TASK_COLUMN, "value": str(removed)},
            }
        },
        **({"dimensionsSpec": {"dimensions": agreed}} if agreed else {}),
        "tuningConfig": {
            "type": "index_parallel",
            "partitionsSpec": {"type": "dynamic"},
            "maxNumConcurrentSubTasks": 1,
            "maxRetry": 0,
        },
        "context": {"useConcurrentLocks": True, "priority": PRIORITY, "tags": {"removes": str(removed)}},
    }


def _agreed(segments: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """Dimensions of types that hold every value, where the segments have different ones; else none.

    Druid would take the type of the segment that it reads first, and what that cannot hold would be lost.
    """
    found: dict[str, set[str]] = {}
    for columns in segments:
        for name, kind in columns.items():
            found.setdefault(name, set()).add(kind)
    if all(len(kinds) == 1 for kinds in found.values()):
        return []
    return [{"type": _holding_all(kinds), "name": name} for name, kinds in found.items()]


def _holding_all(kinds: set[str]) -> str:
    if len(kinds) == 1:
        (kind,) = kinds
        return kind.lower() if kind in SCALAR else "auto"
    return "double" if kinds <= NUMBERS else "string"


def touched(contract: Contract, accepted: Accepted, there: Interval | None) -> Interval:
    """Where loading the rows changes anything. `there`: of all rows of the datasource, for a file that takes the place of all."""
    interval = covering(accepted.time_range.first, accepted.time_range.last, contract.druid.segment_granularity)
    return spanning(interval, there) if contract.druid.mode is DruidMode.REPLACE_ALL else interval


def _data_schema(contract: Contract, accepted: Accepted, there: Interval | None) -> dict[str, Any]:
    return {
        "dataSource": contract.datasource,
        "timestampSpec": {"column": "__time", "format": "millis"},
        "dimensionsSpec": {"dimensions": dimensions(contract), "includeAllDimensions": False},
        "metricsSpec": _metrics(contract.druid.rollup),
        "granularitySpec": {
            "type": "uniform",
            "segmentGranularity": contract.druid.segment_granularity.upper(),
            "queryGranularity": _query_granularity(contract.druid.rollup),
            "rollup": contract.druid.rollup is not None,
            "intervals": [touched(contract, accepted, there).iso()],
        },
    }


def _query_granularity(rollup: Rollup | None) -> str:
    return (rollup.query_granularity if rollup else QueryGranularity.NONE).upper()


def _metrics(rollup: Rollup | None) -> list[dict[str, str]]:
    """With them, always the count of the rows that became one: what a query adds up to prove that all are there."""
    if rollup is None:
        return []
    asked = ({"type": each.type.value, "name": each.name, "fieldName": each.column} for each in rollup.aggregators)
    return [{"type": "count", "name": ROWS_METRIC}, *asked]


def dimensions(contract: Contract) -> list[dict[str, str]]:
    """Columns beside `__time` and the metrics, with their types."""
    columns = [{"type": DIMENSION_TYPES[field.type], "name": field.name} for field in contract.dimensions]
    ours = [EXTRA_COLUMN] if contract.policy.extra_columns is ExtraColumns.KEEP else []
    return [*columns, *({"type": "string", "name": name} for name in (*ours, TASK_COLUMN))]
