"""What runs in the process that reads one file: it warms up, waits for its run, limits itself, judges, and ends.

It has no secrets in its environment, nothing of the service's memory, and dies with the nursery that forked it
(`validator.adapters.nursery`).
"""

import ctypes
import errno
import os
import resource
import signal
import tempfile
import traceback
from collections.abc import Callable, Iterable
from math import ceil
from pathlib import Path
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from sluice.errors import ContractInvalid
from sluice.events import FileFormat
from sluice_engine import paths
from sluice_engine.judged import Judged
from sluice_engine.run import Submission
from validator.adapters.sample import BAD, LENIENT
from validator.domain.verdicts import MB

PR_SET_PDEATHSIG = 1
ADDRESS_HEADROOM = 4_000_000_000
"""Bytes of address space beside what may be resident: a preloaded process shows far more than it uses."""

DISK_HEADROOM = 256_000_000
"""Bytes of one file beside what the folder may hold: the service, which says so plainly, is to come first."""


class Limits(BaseModel):
    """What one child may use: resident memory, processor time, and disk in the folder of its run."""

    model_config = ConfigDict(frozen=True)

    memory_bytes: int
    cpu_seconds: int
    disk_bytes: int = 8_000_000_000

    @property
    def memory(self) -> str:
        return f"{self.memory_bytes // MB} MB of memory"

    @property
    def disk(self) -> str:
        return f"{self.disk_bytes // MB} MB of disk"


class Assignment(BaseModel):
    """`job.json`."""

    model_config = ConfigDict(frozen=True)

    job: Submission
    limits: Limits


class Result(BaseModel):
    """`result.json`. `error` names a type or a fault of the contract, never a cell's value."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["judged", "contract-invalid", "out-of-memory", "out-of-disk", "error"]
    judged: Judged | None = None
    error: str = ""


JudgeRun = Callable[[Path, Submission], Judged]


def stderr_file(run: Path) -> Path:
    """Where libraries say why they end the process. May hold cell values: never logged."""
    return run / "stderr"


def die_with_parent() -> None:
    """Linux kills this process when its parent ends, however it ends."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def live(orders: int, unwanted: Iterable[int], judge_run: JudgeRun) -> None:
    """The life of a child, from the fork on. Reads the folder of its run from `orders`. Never returns."""
    status = 1
    try:
        die_with_parent()
        for descriptor in unwanted:
            os.close(descriptor)
        warm_up(judge_run)
        with os.fdopen(orders) as lines:
            run = lines.readline().rstrip("\n")
        if run:  # else nobody needs it any more
            work(Path(run), judge_run)
        status = 0
    except BaseException:  # noqa: BLE001 - the last frame of a process; nothing of the file's has been read, or stderr is a file
        traceback.print_exc()
    finally:
        # nothing of the nursery may be flushed, closed or run twice
        os._exit(status)


def warm_up(judge_run: JudgeRun) -> None:
    """Judge a sample with a good row and a bad one: what libraries do at their first use is done before a file waits for it."""
    with tempfile.TemporaryDirectory() as name:
        paths.input_file(Path(name)).write_bytes(BAD)
        sample = Submission(
            task_id=UUID(int=0), filename="a.csv", format=FileFormat.CSV, contract=LENIENT, max_unpacked=len(BAD)
        )
        limits = Limits(memory_bytes=0, cpu_seconds=0)
        told = Assignment(job=sample, limits=limits).model_dump_json()
        judge_run(Path(name), Assignment.model_validate_json(told).job)


def work(run: Path, judge_run: JudgeRun) -> None:
    """Judge the run in its folder, within its limits; `result.json` says how it went."""
    _settle_in(run)
    assignment = Assignment.model_validate_json(paths.job_file(run).read_bytes())
    _limit(assignment.limits)
    result = _result(run, assignment.job, judge_run)
    paths.result_file(run).write_text(result.model_dump_json())


def _settle_in(run: Path) -> None:
    """stdin and stdout are the nursery's; on stderr a panic would show values. What is spilled is the run's own."""
    null = os.open(os.devnull, os.O_RDWR)
    said = os.open(stderr_file(run), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream, instead in ((0, null), (1, null), (2, said)):
        os.dup2(instead, stream)
    os.chdir(run)
    os.environ["TMPDIR"] = tempfile.tempdir = str(run)


def _limit(limits: Limits) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = limits.cpu_seconds + ceil(used.ru_utime + used.ru_stime)
    # at the soft limit the kernel sends SIGXCPU, which can be told from other ends; at the hard one SIGKILL
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    address, file = limits.memory_bytes + ADDRESS_HEADROOM, limits.disk_bytes + DISK_HEADROOM
    for what, most in ((resource.RLIMIT_AS, address), (resource.RLIMIT_FSIZE, file), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(what, (most, most))


def _result(run: Path, job: Submission, judge_run: JudgeRun) -> Result:
    try:
        return Result(kind="judged", judged=judge_run(run, job))
    except ContractInvalid as error:
        return Result(kind="contract-invalid", error=str(error)[:900])
    except MemoryError:
        return Result(kind="out-of-memory")
    except BaseException as error:  # noqa: BLE001 - also a panic of Polars, which is no Exception; the service decides
        if isinstance(error, OSError) and error.errno == errno.EFBIG:
            return Result(kind="out-of-disk")
        return Result(kind="error", error=_described(error))


def _described(error: BaseException) -> str:
    """Type and place; a message could hold a cell's value."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    return type(error).__name__ + place
