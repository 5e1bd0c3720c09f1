"""The way into Druid."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from druid_submitter.domain.pace import back_off
from druid_submitter.errors import DruidSilent, QueueFull
from sluice.errors import Transient


@dataclass(slots=True)
class Door:
    """Shut while Druid does not answer, or its queue is full. Then one task knocks, after ever longer pauses, for all of the process.

    `monotonic`: seconds as they pass, whatever a clock shows.
    """

    monotonic: Callable[[], float]
    failures: int = 0
    knocking: bool = False
    shut_until: float = 0.0
    because: type[Transient] = DruidSilent

    @asynccontextmanager
    async def way_in(self) -> AsyncIterator[None]:
        """Raises DruidSilent or QueueFull: at once while it is shut, else where the block raises Transient."""
        if self.failures and (self.knocking or self.monotonic() < self.shut_until):
            raise self.because("Druid takes nothing at the moment")
        self.knocking = True
        try:
            yield
        except Transient as error:
            self._shut(QueueFull if isinstance(error, QueueFull) else DruidSilent)
            raise self.because(str(error)) from error
        finally:
            self.knocking = False
        self.failures = 0

    def _shut(self, because: type[Transient]) -> None:
        if self.monotonic() < self.shut_until:
            return  # others were on their way in, too
        self.failures, self.because = self.failures + 1, because
        pause = back_off(self.failures, random.random())  # noqa: S311 - spreads, hides nothing
        self.shut_until = self.monotonic() + pause.total_seconds()
