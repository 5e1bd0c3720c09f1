"""What a file holds, column by column: nulls, extremes, distinct and frequent values; its time range, and rows of each day."""

import dataclasses
import datetime as dt
from collections import Counter
from dataclasses import dataclass

import polars as pl

from sluice.contracts import Contract, Field
from sluice.events import TimeRange
from sluice.reports import MASK, ColumnQuality, DayCount, Quality, TopValue
from sluice.safetext import shown
from sluice_engine.judging.distinct import DistinctCount, TopCount
from sluice_engine.judging.findings import VALUE_LENGTH

MOST_DAYS = 400
MOST_DAYS_HELD = 100_000
"""Days that are counted one by one; a file with more has times that are no times of events."""
ONE_DAY = dt.timedelta(days=1)
EPOCH = dt.date(1970, 1, 1)


@dataclass(slots=True)
class ColumnTally:
    """One column, so far."""

    field: Field
    times: bool = False
    """It is the time column: its extremes are the file's time range."""
    nulls: int = 0
    low: object = None
    high: object = None
    distinct: DistinctCount = dataclasses.field(default_factory=DistinctCount)
    top: TopCount = dataclasses.field(default_factory=TopCount)

    def add(self, values: pl.Series, nulls: int) -> None:
        """Typed values; of those that are null, `nulls` were empty, and the others no such value."""
        self.nulls += nulls
        self._widen(values)
        self.distinct.add(values)
        if not self.field.classified:
            self.top.add(values)

    def _widen(self, values: pl.Series) -> None:
        if self.field.classified and not self.times:
            # its extremes are never shown, only that there are some
            values = values.drop_nulls().head(1)
        for value in (values.min(), values.max()):
            if value is not None:
                self.low = value if self.low is None else min(self.low, value)  # type: ignore[call-overload]  # one type
                self.high = value if self.high is None else max(self.high, value)  # type: ignore[call-overload]  # the same

    def quality(self) -> ColumnQuality:
        low, high = (
            None if end is None else MASK if self.field.classified else shown(str(end), VALUE_LENGTH)
            for end in (self.low, self.high)
        )
        top = tuple(TopValue(value=shown(str(value), VALUE_LENGTH), count=count) for value, count in self.top.found())
        return ColumnQuality(
            name=self.field.name,
            type=self.field.type,
            nulls=self.nulls,
            min=low,
            max=high,
            distinct=self.distinct.found(),
            top=top,
            top_of=self.top.rows,
        )


@dataclass(slots=True)
class Tallies:
    """All columns of a file."""

    contract: Contract
    _columns: dict[str, ColumnTally] = dataclasses.field(init=False)
    _days: Counter[int] = dataclasses.field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._columns = {
            each.name: ColumnTally(each, times=each.name == self.contract.druid.time_column)
            for each in self.contract.fields
        }

    def add(self, name: str, values: pl.Series, nulls: int) -> None:
        """A column of a batch, see ColumnTally."""
        self._columns[name].add(values, nulls)
        if name == self.contract.druid.time_column and len(self._days) < MOST_DAYS_HELD:
            days, rows = values.dt.date().cast(pl.Int64).alias("day").value_counts(name="rows")
            counted = dict(zip(days.to_list(), rows.to_list(), strict=True))
            counted.pop(None, None)
            self._days.update(counted)

    def quality(self, rows: int | None) -> Quality:
        """`rows` None: the file could not be read to its end."""
        columns = tuple(tally.quality() for tally in self._columns.values())
        days = tuple(
            DayCount(day=EPOCH + day * ONE_DAY, rows=count) for day, count in sorted(self._days.items())[:MOST_DAYS]
        )
        return Quality(rows=rows, columns=columns, time_range=self._times(), rows_per_day=days, days=len(self._days))

    def _times(self) -> TimeRange | None:
        tally = self._columns[self.contract.druid.time_column]
        return time_range(tally.low, tally.high)


def time_range(first: object, last: object) -> TimeRange | None:
    """Of two dates or instants."""
    ends = [_instant(end) for end in (first, last)]
    return None if ends[0] is None or ends[1] is None else TimeRange(first=ends[0], last=ends[1])


def _instant(end: object) -> dt.datetime | None:
    if isinstance(end, dt.datetime):
        return end.astimezone(dt.UTC)
    return dt.datetime(end.year, end.month, end.day, tzinfo=dt.UTC) if isinstance(end, dt.date) else None
