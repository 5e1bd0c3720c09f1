"""The state folder of one stack."""

import fcntl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from sluice_local.errors import SetupError
from sluice_local.ports import Ports
from sluice_local.processes import PidFile, end_all


@dataclass(frozen=True, slots=True)
class Site:
    """The place of one stack: its folder, its ports, and where to tell a person what goes on."""

    root: Path
    ports: Ports
    progress: Callable[[str], None]
    lock: IO[str]
    closing: threading.Event = field(default_factory=threading.Event)

    def data(self, name: str) -> Path:
        folder = self.root / "data" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def log(self, name: str) -> Path:
        return self.root / "logs" / f"{name}.log"

    @property
    def pids(self) -> Path:
        return self.root / "pids"

    def pid_file(self, name: str) -> PidFile:
        return PidFile(self.pids / f"{name}.pid")

    def close(self) -> None:
        self.ports.release()
        self.lock.close()


def open_site(root: Path, progress: Callable[[str], None]) -> Site:
    """Lock a state folder for this process and end what an earlier, killed run left; SetupError if it is in use."""
    root = root.resolve()
    for folder in (root, root / "logs", root / "pids"):
        folder.mkdir(parents=True, exist_ok=True)
    lock = (root / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise SetupError(
            f"Another stack is running in {root}: stop that one, or choose another state folder."
        ) from None
    end_all(root / "pids")
    return Site(root, Ports(root / "ports.json"), progress, lock)
