"""Folders of runs on the local disk. Each process has its own; what a killed one left is swept by the next."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import getpid
from pathlib import Path
from uuid import uuid4

import psutil
import structlog

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Workshop:
    """Hands out folders under `root/<pid>-<start of the process>/`, and removes them."""

    root: Path

    @property
    def mine(self) -> Path:
        return self.root / _owner(getpid())

    def open(self) -> None:
        """What this process and its children write is under `mine`."""
        self.mine.mkdir(parents=True, mode=0o700, exist_ok=True)

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """An empty folder with a name of our own; gone at the end, whatever happens."""
        path = self.mine / str(uuid4())
        path.mkdir(parents=True, mode=0o700)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def sweep(self) -> None:
        """Remove what processes left that are no more."""
        if not self.root.is_dir():
            return
        for folder in self.root.iterdir():
            pid = folder.name.partition("-")[0]
            if pid.isdecimal() and not _lives(folder.name, int(pid)):
                log.info("removed what a killed validator left", folder=folder.name)
                shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        shutil.rmtree(self.mine, ignore_errors=True)


def _owner(pid: int) -> str:
    return f"{pid}-{int(psutil.Process(pid).create_time())}"


def _lives(name: str, pid: int) -> bool:
    try:
        return _owner(pid) == name
    except psutil.NoSuchProcess:
        return False
