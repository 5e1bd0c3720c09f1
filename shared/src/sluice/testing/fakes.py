"""Fakes at ports that several services have."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sluice.errors import SluiceError
from sluice.events import Envelope, Event
from sluice.testing.builders import NOW


@dataclass(slots=True)
class RecordingPublisher:
    """Keeps what was published, in order. Raises `failing` instead while that is set."""

    published: list[Envelope[Any]] = field(default_factory=list)
    failing: SluiceError | None = None

    async def publish(self, envelope: Envelope[Event]) -> None:
        if self.failing is not None:
            raise self.failing
        self.published.append(envelope)


@dataclass(slots=True)
class ManualClock:
    """Stands still until moved."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
