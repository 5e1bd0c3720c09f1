"""The ingestion spec. Built from the contract and the verdict alone: no text of a sender's ever reaches it."""

from typing import Any
from uuid import UUID

from druid_submitter.domain.identity import druid_task_id
from druid_submitter.domain.interval import Interval, covering, spanning
from sluice.contracts import EXTRA_COLUMN, Contract, DruidMode, ExtraColumns, FieldType
from sluice.events import Accepted

DIMENSION_TYPES = {
    FieldType.STRING: "string",
    FieldType.INTEGER: "long",
    FieldType.NUMBER: "double",
    FieldType.BOOLEAN: "string",
    FieldType.TIMESTAMP: "string",
    FieldType.DATE: "string",
}

TASK_COLUMN = "__task_id"

TUNING = {
    "type": "index_parallel",
    "partitionsSpec": {"type": "dynamic"},
    "maxNumConcurrentSubTasks": 1,
    "maxRetry": 0,
    "maxParseExceptions": 0,
    "logParseExceptions": False,
    "awaitSegmentAvailabilityTimeoutMillis": 0,
}
"""One sub-task, no retries and no tolerated parse error: the data is validated, so a row that Druid does not like is a
fault, and a whole new attempt is ours to make."""


def build_spec(
    contract: Contract, accepted: Accepted, task_id: UUID, attempt: int, there: Interval | None = None
) -> dict[str, Any]:
    """The `index_parallel` task that loads the accepted rows as the contract's mode says.

    `there`: the span of all rows that the datasource has, for a file that takes the place of all.
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
            "tuningConfig": TUNING,
        },
    }


def build_removal(datasource: str, druid_id: str, removed: UUID, interval: Interval) -> dict[str, Any]:
    """The `compact` task that writes the interval's segments anew without the rows of one task.

    A compaction finds columns and types in the segments themselves, so that rows of other versions of the contract keep theirs.
    """
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
        "tuningConfig": {
            "type": "index_parallel",
            "partitionsSpec": {"type": "dynamic"},
            "maxNumConcurrentSubTasks": 1,
            "maxRetry": 0,
        },
        "context": {"useConcurrentLocks": True, "priority": 50, "tags": {"removes": str(removed)}},
    }


def _data_schema(contract: Contract, accepted: Accepted, there: Interval | None) -> dict[str, Any]:
    granularity = contract.druid.segment_granularity
    interval = covering(accepted.time_range.first, accepted.time_range.last, granularity)
    if contract.druid.mode is DruidMode.REPLACE_ALL:
        interval = spanning(interval, there)
    return {
        "dataSource": contract.datasource,
        "timestampSpec": {"column": "__time", "format": "millis"},
        "dimensionsSpec": {"dimensions": dimensions(contract), "includeAllDimensions": False},
        "metricsSpec": [],
        "granularitySpec": {
            "type": "uniform",
            "segmentGranularity": granularity.upper(),
            "queryGranularity": "NONE",
            "rollup": False,
            "intervals": [interval.iso()],
        },
    }


def dimensions(contract: Contract) -> list[dict[str, str]]:
    """Columns beside `__time`, with their types."""
    columns = [
        {"type": DIMENSION_TYPES[field.type], "name": field.name}
        for field in contract.fields
        if field.name != contract.druid.time_column
    ]
    ours = [EXTRA_COLUMN] if contract.policy.extra_columns is ExtraColumns.KEEP else []
    return [*columns, *({"type": "string", "name": name} for name in (*ours, TASK_COLUMN))]
