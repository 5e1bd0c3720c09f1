"""Why Druid failed a task: its own words in, a code and a sentence of ours out. Pure.

Druid's words may quote values of a row, and so they never go further than this: what leaves is one of our sentences.
Beside each known text stands which class of Druid 33 says it.
"""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from sluice.events import Problem


class Why(StrEnum):
    """Codes of failed ingestions. What each means to people stands in `sluice/problems/outcomes.toml`."""

    WORKER_LOST = "druid-worker-lost"
    RESTARTED = "druid-restarted"
    LOCK_LOST = "druid-lock-lost"
    NO_SLOT = "druid-no-slot"
    STORAGE_UNAVAILABLE = "druid-storage-unavailable"
    METADATA_UNAVAILABLE = "druid-metadata-unavailable"
    DISK_FULL = "druid-disk-full"
    STORAGE_DENIED = "druid-storage-denied"
    ROWS_MISSING = "druid-rows-missing"
    ROWS_UNREADABLE = "druid-rows-unreadable"
    OUT_OF_MEMORY = "druid-out-of-memory"
    STOPPED = "druid-stopped"
    UNKNOWN = "ingestion-failed"


PASSING = frozenset(
    {
        Why.WORKER_LOST,
        Why.RESTARTED,
        Why.LOCK_LOST,
        Why.NO_SLOT,
        Why.STORAGE_UNAVAILABLE,
        Why.METADATA_UNAVAILABLE,
        Why.DISK_FULL,
    }
)
"""Causes that may be gone the next time. All others would only be met again."""

SENTENCES = {
    Why.WORKER_LOST: "The worker on which Druid ran the ingestion was lost.",
    Why.RESTARTED: "Druid stopped the ingestion because a service of its own was stopped or started again.",
    Why.LOCK_LOST: "Another task of Druid, such as a compaction of higher priority, took the time span away from the ingestion.",
    Why.NO_SLOT: "No worker of Druid began the ingestion in time.",
    Why.STORAGE_UNAVAILABLE: "The object storage did not answer Druid, or not in time.",
    Why.METADATA_UNAVAILABLE: "Druid could not note the new segments in its metadata.",
    Why.DISK_FULL: "The worker of Druid has no space left on its disk.",
    Why.STORAGE_DENIED: "The object storage does not let Druid read the rows.",
    Why.ROWS_MISSING: "Druid did not find the rows on the object storage.",
    Why.ROWS_UNREADABLE: "Druid could not read a row, although it keeps the contract.",
    Why.OUT_OF_MEMORY: "The worker of Druid has not enough memory for the ingestion.",
    Why.STOPPED: "Somebody stopped the ingestion in Druid.",
    Why.UNKNOWN: "Druid could not do it, and gives no reason that is known here.",
}


@dataclass(frozen=True, slots=True)
class Words:
    """What Druid says of a task that has failed, in each place that says something."""

    status: str = ""
    report: str = ""
    sub_tasks: tuple[str, ...] = ()
    log: str = ""
    """Its end."""
    whole_report: str = field(default="", repr=False)


KNOWN = {
    Why.STOPPED: (
        r"^Shutdown request from user",  # OverlordResource
    ),
    Why.OUT_OF_MEMORY: (
        r"OutOfMemoryError|Java heap space",  # the JVM
        r"exceeded safe estimated heap usage limits",  # BatchAppenderator, StreamAppenderator
    ),
    Why.DISK_FULL: (
        r"No space left on device",  # the JVM
        r"Failed to get (storage slot|directory) for task",  # ForkingTaskRunner, ThreadingTaskRunner
    ),
    Why.ROWS_UNREADABLE: (
        r"Max parse exceptions",  # ParseExceptionHandler
        r"\bParseException|Unable to parse|Unparseable timestamp",  # TimestampParser, MapInputRowParser
        r'"errorType": ?"unparseable"',  # ParseExceptionReport
    ),
    Why.LOCK_LOST: (
        r"Invalid task locks|is preempted and no longer valid",  # SegmentTransactional…Action, SegmentAllocateAction
        r"Lock of type\[.*\] was revoked",  # TaskLock
        r"locks for task\[.*are already revoked",  # SegmentMetadataUpdateAction
        r"Cannot acquire a lock for interval|Failed to get locks for intervals",  # AbstractBatchIndexTask, IndexTask
        r"Could not acquire lock for|not covered by locks",  # SegmentAllocateAction, TaskLocks
    ),
    Why.ROWS_MISSING: (
        r"NoSuchKey|NoSuchBucket|The specified key does not exist",  # AWS SDK
    ),
    Why.STORAGE_DENIED: (
        r"AccessDenied|Access Denied|InvalidAccessKeyId|SignatureDoesNotMatch|Status Code: 40[13]",  # AWS SDK
    ),
    Why.STORAGE_UNAVAILABLE: (
        r"SlowDown|Status Code: (5\d\d|429)|RequestTimeout|Unable to execute HTTP request|SdkClientException",  # AWS SDK
    ),
    Why.WORKER_LOST: (
        r"disappeared on the worker|this task was assigned disappeared",  # WorkerHolder, HttpRemoteTaskRunner
        r"Canceled for worker cleanup",  # RemoteTaskRunner
        r"exited unsuccessfully with code\[(137|143)\]",  # ForkingTaskRunner: its process was killed
    ),
    Why.NO_SLOT: (
        r"did not start it in timeout|Failed to assign this task",  # HttpRemoteTaskRunner, RemoteTaskRunner
    ),
    Why.RESTARTED: (
        r"asked to stop\. Finish as failed",  # ParallelIndexSupervisorTask
        r"run a task that has been stopped",  # AbstractBatchIndexTask
        r"failed to reacquire lock while becoming leader|Abandoning task",  # TaskQueue
        r"Task has been shut down|InterruptedException",  # ThreadingTaskRunner, ForkingTaskRunner
    ),
    Why.METADATA_UNAVAILABLE: (
        r"Failed to run task\. See overlord|while waiting for task to be ready",  # TaskQueue
        r"Cannot allocate segment|Could not allocate segment",  # SegmentAllocationQueue
        r"[Ff]ailed to publish segments|Aborting transaction",  # BaseAppenderatorDriver, IndexTask
        r"different from the current used segments",  # CompactionTask
    ),
}
"""Special ones first: what comes of them is often said too."""


def why(words: Words) -> Why:
    """The first place that says something known decides; the log, which says much, comes last."""
    for text in (words.status, words.report, *words.sub_tasks, words.log):
        for known, said in KNOWN.items():
            if any(re.search(each, text) for each in said):
                return known
    return Why.UNKNOWN


def passes(problem: Problem | None) -> bool:
    return problem is not None and problem.code in PASSING


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often an ingestion is tried. The pause grows sixfold from attempt to attempt."""

    most: int
    pause: timedelta

    def next(self, problem: Problem | None, attempt: int) -> timedelta | None:
        """The pause before the attempt after this one; None where there is to be none."""
        return self.pause * 6 ** (attempt - 1) if passes(problem) and attempt < self.most else None
