"""The Overlord's tasks: accepted once per id, run in a few slots, ended exactly once."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from botocore.exceptions import BotoCoreError, ClientError

from sluice_local.standins.druid.faults import Faults
from sluice_local.standins.druid.report import failure, success
from sluice_local.standins.druid.spec import Compaction, Ingestion, Interval, InvalidTask, Noop, Task, read_task
from sluice_local.standins.druid.store import Counts, Staged, Store

SLOTS = 3
_WAITING_AT_ONCE = 64
_LOOK_AGAIN = 0.05
_ERROR_HALF = 512
Fetch = Callable[[Sequence[str]], AbstractContextManager[Sequence[Path]]]


class TaskExists(Exception):
    """The id was used before; Druid never takes it again."""


@dataclass(slots=True)
class Run:
    """A task and how far it is. `state` leaves RUNNING once."""

    task: Task
    payload: Mapping[str, Any]
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    state: str = "RUNNING"
    runner: str = "PENDING"
    error: str | None = None
    duration: int = -1
    report: Mapping[str, Any] | None = None
    over: threading.Event = field(default_factory=threading.Event)

    def brief(self) -> dict[str, Any]:
        location = {"host": None, "port": -1, "tlsPort": -1}
        return {"id": self.task.id, "status": self.state, "duration": self.duration, "errorMsg": self.error,
                "location": location}  # fmt: skip

    def full(self) -> dict[str, Any]:
        return {
            **self.brief(),
            "groupId": self.task.id,
            "type": self.payload["type"],
            "createdTime": self.created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "queueInsertionTime": "1970-01-01T00:00:00.000Z",
            "statusCode": self.state,
            "runnerStatusCode": self.runner,
            "dataSource": self.task.datasource,
        }


class Tasks:
    """`fetch` brings the objects of S3 URIs to local files for as long as its context lasts."""

    def __init__(self, store: Store, fetch: Fetch, faults: Faults, slots: int = SLOTS) -> None:
        self.slots = slots
        self._store = store
        self._fetch = fetch
        self._faults = faults
        self._runs: dict[str, Run] = {}
        self._lock = threading.Lock()
        self._free = threading.Semaphore(slots)
        self._threads = ThreadPoolExecutor(_WAITING_AT_ONCE, thread_name_prefix="task")

    def submit(self, body: object) -> str:
        """The id of the task. Raises InvalidTask or TaskExists."""
        task = read_task(body)
        if not isinstance(body, dict):
            raise InvalidTask("a task is a JSON object")
        run = Run(task, body)
        with self._lock:
            if task.id in self._runs:
                raise TaskExists(f"Task[{task.id}] already exists")
            self._runs[task.id] = run
        self._threads.submit(self._work, run)
        return task.id

    def find(self, task_id: str) -> Run | None:
        run = self._runs.get(task_id)
        if run and self._faults.strikes("forgotten", task_id):
            self.cancel(run)
            del self._runs[task_id]
            return None
        return run

    def ended(self) -> list[Run]:
        """The last one first."""
        return [run for run in reversed(list(self._runs.values())) if run.state != "RUNNING"]

    def busy(self) -> list[str]:
        return [run.task.id for run in list(self._runs.values()) if run.state == run.runner == "RUNNING"]

    @property
    def used(self) -> int:
        """Slots, also those that others have."""
        return self.slots if self._faults.stands("no-slots") else len(self.busy())

    def cancel(self, run: Run) -> None:
        self._end(run, "FAILED", error="Shutdown request from user")

    def close(self) -> None:
        """End all tasks and wait for their threads."""
        for run in list(self._runs.values()):
            self.cancel(run)
        self._threads.shutdown()

    def _work(self, run: Run) -> None:
        if self._has_slot(run):
            try:
                self._run(run)
            finally:
                self._free.release()

    def _has_slot(self, run: Run) -> bool:
        """Wait for locks and for a slot. False where the task has ended meanwhile."""
        while run.state == "RUNNING":
            if self._is_locked(run.task):
                run.runner = "WAITING"
                run.over.wait(_LOOK_AGAIN)
            elif self._faults.stands("no-slots"):
                run.runner = "PENDING"
                run.over.wait(_LOOK_AGAIN)
            elif self._free.acquire(timeout=_LOOK_AGAIN):
                return True
        return False

    def _is_locked(self, task: Task) -> bool:
        locked = self._faults.stands("locked", task.id)
        if locked is None or isinstance(task, Noop):
            return False
        held = [Interval.parse(each) for each in locked.intervals]
        wanted = task.intervals if isinstance(task, Ingestion) else (task.interval,)
        return any(one.overlaps(other) for one in held for other in wanted)

    def _run(self, run: Run) -> None:
        run.runner = "RUNNING"
        started = time.monotonic()
        match run.task:
            case Noop(milliseconds=pause):
                run.over.wait(pause / 1000)
                self._end(run, "SUCCESS", started=started)
            case Ingestion() | Compaction() as work:
                if fault := self._faults.strikes("fails", work.id):
                    self._end(run, "FAILED", started=started, error=fault.text, report=failure(work, fault.text))
                elif self._faults.strikes("empty-success", work.id):
                    self._end(run, "SUCCESS", started=started, report=success(work, Counts()))
                else:
                    self._write(run, work, started)

    def _write(self, run: Run, work: Ingestion | Compaction, started: float) -> None:
        try:
            if isinstance(work, Ingestion):
                self._ingest(run, work, started)
            else:
                self._compact(run, work, started)
        except (duckdb.Error, ClientError, BotoCoreError, OSError, ValueError, KeyError) as error:
            message = f"{type(error).__name__}: {error}"
            self._end(run, "FAILED", started=started, error=message, report=failure(work, message))

    def _compact(self, run: Run, task: Compaction, started: float) -> None:
        report = success(task, self._store.compact(task))
        self._end_after_publishing(run, report, started)

    def _ingest(self, run: Run, ingestion: Ingestion, started: float) -> None:
        if ingestion.unsupported:
            raise ValueError(f"this stand-in knows no {ingestion.unsupported}")
        uris = ingestion.source.get("uris", ()) if ingestion.source["type"] == "s3" else ()
        with self._fetch(uris) as files, self._store.stage(ingestion, files) as staged:
            counts = staged.counts
            if counts.unparseable > ingestion.max_parse_exceptions:
                raise ValueError(f"Max parse exceptions[{ingestion.max_parse_exceptions}] exceeded")
            self._end_after_publishing(run, success(ingestion, counts), started, staged)

    def _end_after_publishing(
        self, run: Run, report: Mapping[str, Any], started: float, staged: Staged | None = None
    ) -> None:
        if fault := self._faults.strikes("fails-late", run.task.id):
            self._end(run, "FAILED", started=started, error=fault.text, report=report, staged=staged)
        else:
            self._end(run, "SUCCESS", started=started, report=report, staged=staged)

    def _end(
        self,
        run: Run,
        state: str,
        *,
        started: float | None = None,
        error: str | None = None,
        report: Mapping[str, Any] | None = None,
        staged: Staged | None = None,
    ) -> None:
        with self._lock:
            if run.state != "RUNNING":
                return
            if staged is not None:
                self._store.publish(staged)
            run.duration = -1 if started is None else int((time.monotonic() - started) * 1000)
            run.error, run.report = error and _shortened(error), report
            run.runner = "NONE" if started is None else "WAITING"
            run.state = state
        run.over.set()


def _shortened(error: str) -> str:
    left_out = len(error) - 2 * _ERROR_HALF
    if left_out <= 0:
        return error
    return f"{error[:_ERROR_HALF]}...{left_out} characters omitted...{error[-_ERROR_HALF:]}"
