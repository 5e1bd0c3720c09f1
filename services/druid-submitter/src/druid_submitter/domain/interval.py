"""Druid intervals: half-open spans of time, cut where segments are cut."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sluice.contracts import Granularity


@dataclass(frozen=True, slots=True)
class Interval:
    """[start, end), UTC."""

    start: datetime
    end: datetime

    def overlaps(self, other: "Interval") -> bool:
        """Is there an instant in both?"""
        return self.start < other.end and other.start < self.end

    def holds(self, other: "Interval") -> bool:
        """Is every instant of the other in this one?"""
        return self.start <= other.start and other.end <= self.end

    def iso(self) -> str:
        """As Druid writes it: `start/end`."""
        return f"{_iso(self.start)}/{_iso(self.end)}"

    def told(self) -> str:
        """The same for people: days as days."""
        return self.iso().replace("T00:00:00.000Z", "")

    def in_path(self) -> str:
        """As Druid wants it inside a URL: `start_end`."""
        return f"{_iso(self.start)}_{_iso(self.end)}"


def covering(first: datetime, last: datetime, granularity: Granularity) -> Interval:
    """The smallest whole number of segments' spans that holds both instants. Druid throws rows outside it away."""
    floor = FLOORS[granularity]
    return Interval(floor(first.astimezone(UTC)), _next(floor(last.astimezone(UTC)), granularity))


def _midnight(instant: datetime) -> datetime:
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)


FLOORS: dict[Granularity, Callable[[datetime], datetime]] = {
    Granularity.HOUR: lambda t: t.replace(minute=0, second=0, microsecond=0),
    Granularity.DAY: _midnight,
    Granularity.WEEK: lambda t: _midnight(t) - timedelta(days=t.weekday()),
    Granularity.MONTH: lambda t: _midnight(t).replace(day=1),
    Granularity.YEAR: lambda t: _midnight(t).replace(month=1, day=1),
}

LONGER_THAN_ONE = {
    Granularity.HOUR: timedelta(hours=1),
    Granularity.DAY: timedelta(days=1),
    Granularity.WEEK: timedelta(weeks=1),
    Granularity.MONTH: timedelta(days=31),
    Granularity.YEAR: timedelta(days=366),
}


END_OF_TIME = datetime.max.replace(tzinfo=UTC)
"""Stands for the year 10000, which Druid knows and `datetime` does not: 9999-12-31 is a favourite of many programs."""


YEAR_DIGITS = 4
ALL_TIME = Interval(datetime.min.replace(tzinfo=UTC), END_OF_TIME)


def spanning(one: Interval, other: Interval | None) -> Interval:
    """Both, and what lies between."""
    return one if other is None else Interval(min(one.start, other.start), max(one.end, other.end))


def parsed(text: str) -> Interval:
    """`start/end`, as Druid writes it. Raises ValueError."""
    start, _, end = text.partition("/")
    return Interval(_instant(start), _instant(end))


def _instant(text: str) -> datetime:
    """Times beyond our calendar are its ends."""
    if text.startswith("-"):
        return ALL_TIME.start
    return END_OF_TIME if text.index("-") > YEAR_DIGITS else datetime.fromisoformat(text)


def _next(start: datetime, granularity: Granularity) -> datetime:
    """Start of the following span: far enough into it, then down to its floor."""
    try:
        return FLOORS[granularity](start + LONGER_THAN_ONE[granularity])
    except OverflowError:
        return END_OF_TIME


def _iso(instant: datetime) -> str:
    if instant == END_OF_TIME:
        return "10000-01-01T00:00:00.000Z"
    return instant.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
