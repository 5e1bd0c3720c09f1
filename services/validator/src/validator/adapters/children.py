"""The service's side of the child processes: one at a time, watched, and killed when it goes too far."""

import asyncio
import os
import signal
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import structlog
from pydantic import ValidationError

from sluice.contracts import Contract
from sluice.events import FileUploaded, Problem
from sluice_engine import paths
from sluice_engine.judged import Judged
from sluice_engine.run import Submission
from validator.adapters.child import Assignment, Limits, Result
from validator.domain.verdicts import Unjudged
from validator.errors import ChildBroken

log = structlog.get_logger()

PULSE = 0.03
"""Seconds between two looks at a child's memory."""

START_SECONDS = 120.0
"""Importing takes one or two; on a machine that is out of breath, longer."""

TOO_MUCH = "Reading the file needs more than {}. Split it into smaller files, or send it as CSV or Parquet."
CRASHED = Unjudged(
    "failed",
    Problem(code="parser-crashed", message="The reader crashed on this file. Write it anew with another program."),
)


@dataclass(slots=True)
class Nursery:
    """A process that forks children (`validator.adapters.child`)."""

    process: asyncio.subprocess.Process
    orders: asyncio.StreamWriter
    answers: asyncio.StreamReader

    @classmethod
    async def start(cls, command: tuple[str, ...]) -> "Nursery":
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "POLARS_MAX_THREADS": "2",
            "OPENBLAS_NUM_THREADS": "1",
            "LC_ALL": "C.UTF-8",
            "TMPDIR": tempfile.gettempdir(),
        }
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, env=environment)
        if process.stdin is None or process.stdout is None:
            raise ChildBroken("pipes were asked for")
        return cls(process, process.stdin, process.stdout)

    async def fork(self, run: Path) -> int:
        """A child that judges the run; its process id."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.orders.write(f"{run}\n".encode())
            await self.orders.drain()
        try:
            async with asyncio.timeout(START_SECONDS):
                return await self._said("pid")
        except TimeoutError as error:
            raise ChildBroken("the process that forks children does not start") from error

    async def exited(self) -> int:
        """The wait status of the child, when it has ended."""
        return await self._said("exit")

    async def _said(self, word: str) -> int:
        line = (await self.answers.readline()).decode().split()
        if len(line) != 2 or line[0] != word:  # noqa: PLR2004 - word and number
            raise ChildBroken("the process that forks children has ended")
        return int(line[1])

    async def stop(self) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()


@dataclass(slots=True)
class ChildJudge:
    """Judges files in children. Leaving a call, also by cancellation, leaves no child behind."""

    limits: Limits
    wall_seconds: float
    max_unpacked: int
    command: tuple[str, ...] = (sys.executable, "-m", "validator.adapters.child")
    _nursery: Nursery | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def __call__(self, run: Path, fact: FileUploaded, contract: Contract) -> Judged | Unjudged:
        """Judge the input in the folder of the run. Raises ChildBroken for an error of ours."""
        job = Submission(
            task_id=fact.task_id,
            filename=fact.filename,
            format=fact.format,
            contract=contract,
            max_unpacked=self.max_unpacked,
        )
        paths.job_file(run).write_text(Assignment(job=job, limits=self.limits).model_dump_json())
        async with self._turn:
            try:
                return await self._judge(run)
            except BaseException:
                # its answers would be taken for those of the next child
                await self.close()
                raise

    async def _judge(self, run: Path) -> Judged | Unjudged:
        nursery = await self._ready()
        pid = await nursery.fork(run)
        ending = asyncio.create_task(nursery.exited())
        try:
            breach = await self._watch(pid, ending)
            return breach or _outcome(run, await ending)
        finally:
            ending.cancel()
            await asyncio.gather(ending, return_exceptions=True)

    async def _ready(self) -> Nursery:
        if self._nursery is None or self._nursery.process.returncode is not None:
            self._nursery = await Nursery.start(self.command)
        return self._nursery

    async def _watch(self, pid: int, ending: "asyncio.Task[int]") -> Unjudged | None:
        """Wait for the child's end; kill it when it uses more than it may."""
        began = time.monotonic()
        while not ending.done():
            with suppress(psutil.NoSuchProcess):
                child = psutil.Process(pid)
                if excess := self._excess(child, time.monotonic() - began):
                    log.warning("child killed", limit=excess)
                    child.kill()
                    await ending
                    return _over_limit(excess)
            await asyncio.wait({ending}, timeout=PULSE)
        return None

    def _excess(self, child: psutil.Process, seconds: float) -> str | None:
        if child.memory_info().rss > self.limits.memory_bytes:
            return f"{self.limits.memory_bytes // 1_000_000} MB of memory"
        return f"{self.wall_seconds:g} seconds" if seconds > self.wall_seconds else None

    async def close(self) -> None:
        """End the nursery, and with it a child."""
        nursery, self._nursery = self._nursery, None
        if nursery:
            await nursery.stop()


def _outcome(run: Path, status: int) -> Judged | Unjudged:
    if os.WIFSIGNALED(status):
        cpu = os.WTERMSIG(status) == signal.SIGXCPU
        log.warning("child ended by signal", signal=os.WTERMSIG(status))
        return _over_limit("its share of CPU time") if cpu else CRASHED
    try:
        result = Result.model_validate_json(paths.result_file(run).read_bytes())
    except (OSError, ValidationError) as error:
        raise ChildBroken(f"a child ended with status {status} and no result") from error
    match result:
        case Result(judged=Judged() as judged):
            return judged
        case Result(kind="contract-invalid", error=said):
            return Unjudged(
                "failed", Problem(code="contract-invalid", message=f"The contract cannot be honoured: {said}")
            )
        case Result(kind="out-of-memory"):
            return _over_limit("the memory it may have")
        case Result(error=said) if said.startswith("PanicException"):
            return CRASHED
        case _:
            raise ChildBroken(f"judging failed: {result.error}")


def _over_limit(what: str) -> Unjudged:
    return Unjudged("rejected", Problem(code="resource-limit", message=TOO_MUCH.format(what)))
