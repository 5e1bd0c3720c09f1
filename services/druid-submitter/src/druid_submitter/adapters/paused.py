"""Which datasources are paused, asked of S3 every few seconds."""

import math
import time
from dataclasses import dataclass

from sluice.pauses import Pauses

GOOD_FOR = 2.0
"""Seconds."""


@dataclass(slots=True)
class PausedOnS3:
    pauses: Pauses
    _known: frozenset[str] = frozenset()
    _until: float = -math.inf

    async def __call__(self) -> frozenset[str]:
        if time.monotonic() >= self._until:
            self._known = await self.pauses.all()
            self._until = time.monotonic() + GOOD_FOR
        return self._known
