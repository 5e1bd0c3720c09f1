"""Task reports in Druid's shape."""

from collections.abc import Mapping
from typing import Any

from sluice_local.standins.druid.spec import Compaction, Ingestion
from sluice_local.standins.druid.store import Counts

_NOTHING = Counts()


def success(task: Ingestion | Compaction, counts: Counts) -> Mapping[str, Any]:
    read = {} if counts.segments_read is None else {"segmentsRead": counts.segments_read}
    return _report(task, counts, "COMPLETED", None, {**read, "segmentsPublished": counts.segments})


def failure(task: Ingestion | Compaction, error: str) -> Mapping[str, Any]:
    return _report(task, _NOTHING, "BUILD_SEGMENTS", error, {})


def _report(
    task: Ingestion | Compaction, counts: Counts, state: str, error: str | None, segments: Mapping[str, int]
) -> Mapping[str, Any]:
    payload = {
        "ingestionState": state,
        "unparseableEvents": {},
        "rowStats": _row_stats(task, counts),
        "errorMsg": error,
        "segmentAvailabilityConfirmed": False,
        "segmentAvailabilityWaitTimeMs": 0,
        "recordsProcessed": {},
        **segments,
    }
    # a compaction reports for each of the ingestions that it is made of
    key = "ingestionStatsAndErrors" if isinstance(task, Ingestion) else "ingestionStatsAndErrors_0"
    return {key: {"type": "ingestionStatsAndErrors", "taskId": task.id, "payload": payload}}


def _row_stats(task: Ingestion | Compaction, counts: Counts) -> Mapping[str, Any]:
    """Two shapes, as in Druid: one for tasks with sub-tasks, one for those without."""
    built = _counters(counts)
    if isinstance(task, Ingestion) and task.parallel:
        return {"totals": {"buildSegments": built}}
    return {"determinePartitions": _counters(_NOTHING), "buildSegments": built}


def _counters(counts: Counts) -> Mapping[str, int]:
    return {
        "processed": counts.processed,
        "processedBytes": 0,
        "processedWithError": 0,
        "thrownAway": counts.thrown_away,
        "unparseable": counts.unparseable,
    }
