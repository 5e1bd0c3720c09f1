"""Callers that show an API key."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from sluice.auth.grants import Caller
from sluice.auth.keyfile import KeysUnreadable, read_keys
from sluice.auth.keys import FORM, ApiKey, Standing, genuine
from sluice.auth.refusals import expired, unauthenticated
from sluice.clock import Clock

log = structlog.get_logger()

LOOK_EVERY = 1.0
"""Seconds."""

Stamp = tuple[int, int, int] | None
"""Time of the last change, of its permissions included, size and inode of a file; None where there is none."""


@dataclass(slots=True)
class KeyRing:
    """The keys of a file, read again when it has changed. While it is missing or broken, those read last stay good.

    Raises KeysUnreadable where there never were any.
    """

    path: Path
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic
    _keys: dict[str, ApiKey] = field(init=False, repr=False)
    _stamp: Stamp = field(init=False)
    _looked: float = field(init=False)

    def __post_init__(self) -> None:
        self._stamp, self._looked = _stamp(self.path), self.monotonic()
        self._keys = {key.id: key for key in read_keys(self.path)}

    async def __call__(self, secret: str) -> Caller:
        """Raises Refusal."""
        self._look()
        form = FORM.fullmatch(secret)
        key = self._keys.get(form[1]) if form else None
        standing = key.standing(self.clock()) if key else Standing.REVOKED
        if not genuine(secret, key) or key is None or standing is Standing.REVOKED:
            raise unauthenticated(given=True)
        if standing is Standing.EXPIRED:
            raise expired()
        return Caller(key.name, frozenset(key.scopes))

    def _look(self) -> None:
        if self.monotonic() - self._looked < LOOK_EVERY:
            return
        self._looked, stamp = self.monotonic(), _stamp(self.path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._keys = {key.id: key for key in read_keys(self.path)}
        except KeysUnreadable:
            log.exception("the keys read before stay good", keys=len(self._keys))
        else:
            log.info("keys read", keys=len(self._keys))


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ctime_ns, found.st_size, found.st_ino
