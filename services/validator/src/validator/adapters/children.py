"""Judging in child processes: a few at a time, watched, and killed when one goes too far."""

import asyncio
import os
import shutil
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import structlog

from sluice.contracts import Contract
from sluice.events import FileUploaded
from sluice_engine import paths
from sluice_engine.judged import Judged
from sluice_engine.run import Submission
from validator.adapters.child import Assignment, Limits
from validator.adapters.endings import Reading
from validator.adapters.nursing import COMMAND, TUNING, Child, Nursery
from validator.domain.verdicts import Crashed, Unjudged, Usage

log = structlog.get_logger()

PULSE = 0.03
"""Seconds between two looks at a child's memory and at the disk it has filled."""


@dataclass(slots=True)
class ChildJudge:
    """Judges files in children, `slots` at once. Leaving a call, also by cancellation, leaves no child behind.

    Memory is bounded by `slots` times the limit of one child, and as many spares that wait.
    """

    limits: Limits
    wall_seconds: float
    max_unpacked: int
    command: tuple[str, ...] = COMMAND
    slots: int = 1
    scratch: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))
    _nursery: Nursery | None = None
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _free: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._free = asyncio.Semaphore(self.slots)

    async def __call__(self, run: Path, fact: FileUploaded, contract: Contract) -> Judged | Unjudged | Crashed:
        """Judge the input in the folder of the run. Raises ChildBroken for an error of ours.

        After a crash the folder holds what it held before.
        """
        job = Submission(
            task_id=fact.task_id,
            filename=fact.filename,
            format=fact.format,
            contract=contract,
            max_unpacked=self.max_unpacked,
            corrects=fact.corrects,
        )
        given = _entries(run)
        paths.job_file(run).write_text(Assignment(job=job, limits=self.limits).model_dump_json())
        async with self._free:
            ended = await self._judge(run, fact)
        if isinstance(ended, Crashed):
            _remove(_entries(run) - given)
        return ended

    async def _judge(self, run: Path, fact: FileUploaded) -> Judged | Unjudged | Crashed:
        nursery = await self._ready()
        child = await nursery.fork(run)
        began = time.monotonic()
        try:
            breach = await self._watch(nursery, child, run, began)
            ending = await child.ended
        finally:
            await nursery.end(child)
        usage = Usage(ending.memory_bytes, ending.cpu_seconds, time.monotonic() - began)
        log.info(
            "child ended",
            status=ending.status,
            breach=breach,
            peak_memory_bytes=usage.memory_bytes,
            cpu_seconds=usage.cpu_seconds,
            wall_seconds=round(usage.wall_seconds, 3),
        )
        reading = Reading(run, self.limits, fact.format, usage)
        return reading.over(breach) if breach else reading.outcome(ending.status)

    async def _ready(self) -> Nursery:
        async with self._starting:
            if self._nursery is None or not self._nursery.alive:
                self._nursery = await Nursery.start((*self.command, str(self.slots)), self._environment())
            return self._nursery

    def _environment(self) -> dict[str, str]:
        """All that a process which reads files needs to know: no secret is among it."""
        return {**TUNING, "PATH": os.environ.get("PATH", ""), "TMPDIR": str(self.scratch)}

    async def _watch(self, nursery: Nursery, child: Child, run: Path, began: float) -> str | None:
        """Wait for the child's end; kill it when it uses more than it may, and say of what."""
        while not child.ended.done():
            if excess := self._excess(child.pid.result(), run, time.monotonic() - began):
                nursery.kill(child)
                return excess
            await asyncio.wait({child.ended}, timeout=PULSE)
        return None

    def _excess(self, pid: int, run: Path, seconds: float) -> str | None:
        with suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).memory_info().rss > self.limits.memory_bytes:
                return self.limits.memory
        if _disk_bytes(run) > self.limits.disk_bytes:
            return self.limits.disk
        return f"{self.wall_seconds:g} seconds" if seconds > self.wall_seconds else None

    async def close(self) -> None:
        """End the nursery, and with it every child."""
        nursery, self._nursery = self._nursery, None
        if nursery:
            await nursery.stop()


def _entries(folder: Path) -> set[Path]:
    return set(folder.iterdir())


def _disk_bytes(folder: Path) -> int:
    """What the files take on the disk; files that come and go meanwhile do not matter."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += Path(place, name).lstat().st_blocks * 512
    return total


def _remove(left: set[Path]) -> None:
    for path in left:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
