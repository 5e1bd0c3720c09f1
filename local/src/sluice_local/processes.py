"""Processes that never outlive the run that started them."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_POLL_SECONDS = 0.05
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start one process."""

    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    cwd: Path | None = None


@dataclass(frozen=True, slots=True)
class PidFile:
    """The note on a running process by which a later run, or the guard of this one, can end it."""

    path: Path

    def write(self, pid: int, stop_signal: int) -> None:
        note = {"pid": pid, "created": psutil.Process(pid).create_time(), "signal": stop_signal}
        draft = self.path.with_suffix(".draft")
        draft.write_text(json.dumps(note))
        draft.rename(self.path)

    def end(self, patience: float) -> None:
        """Stop the noted process with all it started, if it is still that very process, and drop the note."""
        with contextlib.suppress(FileNotFoundError, psutil.NoSuchProcess, ValueError, KeyError):
            note = json.loads(self.path.read_text())
            process = psutil.Process(note["pid"])
            if abs(process.create_time() - note["created"]) < 1:
                process.send_signal(note["signal"])
                with contextlib.suppress(psutil.TimeoutExpired):
                    process.wait(patience)
                kill_family(process)
                kill_group(note["pid"])
        self.path.unlink(missing_ok=True)


def spawn(launch: Launch, log: Path, pid_file: PidFile, stop_signal: int) -> subprocess.Popen[bytes]:
    """Start a process that leads a group of its own, its output appended to `log`."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            launch.argv,
            env=launch.env,
            cwd=launch.cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    with contextlib.suppress(psutil.NoSuchProcess):
        pid_file.write(process.pid, stop_signal)
    return process


def kill_family(process: psutil.Process) -> None:
    """SIGKILL a process and all that it has started, and wait until that is gone; itself it is its parent's to wait for.

    Its children may lead groups of their own, as the backends of PostgreSQL do: until they are gone, their folder is taken.
    """
    with contextlib.suppress(psutil.NoSuchProcess):
        process.suspend()  # so that it starts no more
        started = process.children(recursive=True)
        for each in (process, *started):
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        _await_end(started)


def _await_end(processes: Sequence[psutil.Process]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while any(_lives(each) for each in processes) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _lives(process: psutil.Process) -> bool:
    """One that has ended, and that nobody has asked for, lives no more."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def kill_group(leader: int) -> None:
    """SIGKILL what is left of a process group, and wait until it is gone."""
    deadline = time.monotonic() + 2
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(leader, signal.SIGKILL)
            time.sleep(_POLL_SECONDS)


def end_all(pids: Path, patience: float = 5) -> None:
    """Stop every process noted in a folder: what a run that was killed has left."""
    for path in sorted(pids.glob("*.pid")):
        PidFile(path).end(patience)


def start_guard(pids: Path) -> subprocess.Popen[bytes]:
    """Start the guard: when this process dies, however it dies, the pipe closes and the guard ends all the others."""
    return subprocess.Popen(
        [sys.executable, "-m", "sluice_local.guard", str(pids)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
