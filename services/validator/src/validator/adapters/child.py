"""The process in which files are parsed: `python -m validator.adapters.child`.

A nursery imports Polars and Pandera once, then forks one child per line on stdin (the folder of a run), and says
`pid <pid>` and `exit <wait status>` on stdout. The child limits itself, judges, and leaves `result.json`. It has no secrets
in its environment, and dies with the nursery, as the nursery dies with the service.
"""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from sluice.errors import ContractInvalid
from sluice_engine import paths
from sluice_engine.judged import Judged
from sluice_engine.run import Submission, judge

PR_SET_PDEATHSIG = 1
ADDRESS_HEADROOM = 4_000_000_000
"""Bytes of address space beside what may be resident: a preloaded process shows far more than it uses."""

LARGEST_FILE = 8_000_000_000


class Limits(BaseModel):
    """What one child may use."""

    model_config = ConfigDict(frozen=True)

    memory_bytes: int
    cpu_seconds: int


class Assignment(BaseModel):
    """`job.json`."""

    model_config = ConfigDict(frozen=True)

    job: Submission
    limits: Limits


class Result(BaseModel):
    """`result.json`. `error` names a type or a fault of the contract, never a cell's value."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["judged", "contract-invalid", "out-of-memory", "error"]
    judged: Judged | None = None
    error: str = ""


JudgeRun = Callable[[Path, Submission], Judged]


def main(judge_run: JudgeRun = judge) -> None:
    """Serve until stdin ends."""
    die_with_parent()
    for line in sys.stdin:
        run = Path(line.rstrip("\n"))
        pid = os.fork()
        if pid == 0:
            _work(run, judge_run)
        print(f"pid {pid}", flush=True)  # noqa: T201 - the protocol
        _, status = os.waitpid(pid, 0)
        print(f"exit {status}", flush=True)  # noqa: T201 - the protocol


def die_with_parent() -> None:
    """Linux kills this process when its parent ends, however it ends."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _work(run: Path, judge_run: JudgeRun) -> None:
    """Never returns."""
    try:
        die_with_parent()
        _silence()
        assignment = Assignment.model_validate_json(paths.job_file(run).read_bytes())
        _limit(assignment.limits)
        result = _result(run, assignment.job, judge_run)
        paths.result_file(run).write_text(result.model_dump_json())
    finally:
        # nothing of the nursery may be flushed, closed or run twice
        os._exit(0)


def _result(run: Path, job: Submission, judge_run: JudgeRun) -> Result:
    try:
        return Result(kind="judged", judged=judge_run(run, job))
    except ContractInvalid as error:
        return Result(kind="contract-invalid", error=str(error)[:900])
    except MemoryError:
        return Result(kind="out-of-memory")
    except BaseException as error:  # noqa: BLE001 - also a panic of Polars, which is no Exception; the service decides
        return Result(kind="error", error=_described(error))


def _described(error: BaseException) -> str:
    """Type and place; a message could hold a cell's value."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    return type(error).__name__ + place


def _silence() -> None:
    """stdin and stdout are the nursery's; on stderr a panic would show values."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)


def _limit(limits: Limits) -> None:
    # at the soft limit the kernel sends SIGXCPU, which can be told from other ends; at the hard one SIGKILL
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 5))
    address = limits.memory_bytes + ADDRESS_HEADROOM
    for what, most in ((resource.RLIMIT_AS, address), (resource.RLIMIT_FSIZE, LARGEST_FILE), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    main()
