"""Files that are read again when they change, while a service runs."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from sluice.errors import Permanent

log = structlog.get_logger()

LOOK_EVERY = 1.0
"""Seconds."""

T = TypeVar("T")
Stamp = tuple[int, int, int] | None
"""Time of the last change, of its permissions included, size and inode of a file; None where there is none."""


@dataclass(slots=True)
class Watched(Generic[T]):
    """What some files say together. While they are missing or broken, what was read last stays good.

    `read` returns that, and the files on which it stands. Raises what `read` raises (Permanent) where nothing was read yet.
    """

    what: str
    read: Callable[[], tuple[T, Collection[Path]]]
    monotonic: Callable[[], float] = time.monotonic
    _value: T = field(init=False, repr=False)
    _stamps: dict[Path, Stamp] = field(init=False)
    _looked: float = field(init=False)
    _fault: str | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._looked, self._stamps = self.monotonic(), {}
        self._value, files = self.read()
        self._stamps = dict.fromkeys(files)

    def __call__(self) -> T:
        if self.monotonic() - self._looked >= LOOK_EVERY:
            self._looked = self.monotonic()
            stamps = {path: stamp(path) for path in self._stamps}
            # what is broken may stand on files that nobody knows of yet, so it is read until it is not
            if self._fault or stamps != self._stamps:
                self._read_again(stamps)
        return self._value

    def _read_again(self, stamps: dict[Path, Stamp]) -> None:
        self._stamps = stamps
        try:
            value, files = self.read()
        except Permanent as error:
            if str(error) != self._fault:
                log.error("what was read before stays good", what=self.what, fault=str(error))  # noqa: TRY400 - the sentence says all
            self._fault = str(error)
            return
        # a file that is new among them may have changed since it was read: it is once more
        self._stamps = {path: stamps.get(path) for path in files}
        if value != self._value or self._fault:
            log.info("read again", what=self.what)
        self._value, self._fault = value, None


def stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ctime_ns, found.st_size, found.st_ino
