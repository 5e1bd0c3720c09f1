"""Task reports in Druid's shape."""

from collections.abc import Mapping
from typing import Any

from sluice_local.standins.druid.spec import Ingestion
from sluice_local.standins.druid.store import Counts

_NOTHING = Counts()


def success(task: Ingestion, counts: Counts) -> Mapping[str, Any]:
    read = {} if counts.segments_read is None else {"segmentsRead": counts.segments_read}
    return _report(task, counts, "COMPLETED", None, {**read, "segmentsPublished": counts.segments})


def failure(task: Ingestion, error: str) -> Mapping[str, Any]:
    return _report(task, _NOTHING, "BUILD_SEGMENTS", error, {})


def _report(
    task: Ingestion, counts: Counts, state: str, error: str | None, segments: Mapping[str, int]
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
    return {"ingestionStatsAndErrors": {"type": "ingestionStatsAndErrors", "taskId": task.id, "payload": payload}}


def _row_stats(task: Ingestion, counts: Counts) -> Mapping[str, Any]:
    """Two shapes, as in Druid: one for tasks with sub-tasks, one for those without."""
    built = _counters(counts)
    if task.parallel:
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
