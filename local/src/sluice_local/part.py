"""A server of the stack as a process: started, asked, stopped."""

import contextlib
import signal
import subprocess
import threading
import time
from typing import Protocol

import psutil

from sluice_local.errors import SetupError
from sluice_local.processes import Launch, kill_family, kill_group, spawn
from sluice_local.site import Site

_POLL_SECONDS = 0.1
_LAST_LINES = 15


class Part(Protocol):
    """One server of the stack. It can be started again after `stop` or `kill`: same ports, same data."""

    @property
    def name(self) -> str: ...

    def start(self) -> None:
        """Start the server and return at once, before it answers."""

    def wait_ready(self, deadline: float) -> None:
        """Block until it answers; SetupError when it has died or `time.monotonic()` has passed `deadline`."""

    def stop(self) -> None:
        """End it in good order, by force if it does not end in time. Without effect when it does not run."""

    def kill(self) -> None:
        """End it with SIGKILL, and whatever it had started."""

    def alive(self) -> bool:
        """Whether its process runs; says nothing about whether it answers."""


class ProcessPart:
    """A part that is one process. A subclass says how to launch it (`launch`) and whether it answers (`answers`)."""

    stop_signal = signal.SIGTERM
    stop_seconds = 20.0

    def __init__(self, name: str, site: Site) -> None:
        self.name = name
        self.site = site
        self._process: subprocess.Popen[bytes] | None = None
        # a watch may want to start it anew while a kill is not over
        self._changing = threading.RLock()

    def launch(self) -> Launch:
        """Prepare files and folders, and say how to start the process."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Ask the server once, in less than a few seconds, whether it is ready for use."""
        raise NotImplementedError

    def start(self) -> None:
        if self.site.closing.is_set():
            raise SetupError(f"{self.name} is not started: the stack is being stopped.")
        with self._changing:
            if not self.alive():
                log, pid_file = self.site.log(self.name), self.site.pid_file(self.name)
                self._process = spawn(self.launch(), log, pid_file, self.stop_signal)

    def wait_ready(self, deadline: float) -> None:
        while not self.answers():
            if not self.alive():
                raise SetupError(f"{self.name} ended while it started: {self._why()}")
            if time.monotonic() > deadline:
                raise SetupError(f"{self.name} does not answer: {self._why()}")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        if self.alive() and self._process is not None:
            self._process.send_signal(self.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(self.stop_seconds)
        self.kill()

    def kill(self) -> None:
        with self._changing:
            if self._process is None:
                return
            if self.alive():
                kill_family(psutil.Process(self._process.pid))
            self._process.wait()
            kill_group(self._process.pid)
            self.site.pid_file(self.name).path.unlink(missing_ok=True)
            self._process = None

    def alive(self) -> bool:
        process = self._process
        return process is not None and process.poll() is None

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process is not None else None

    def _why(self) -> str:
        log = self.site.log(self.name)
        lines = log.read_text(errors="replace").splitlines()[-_LAST_LINES:] if log.exists() else []
        return "\n".join([f"the end of {log} says", *lines])
