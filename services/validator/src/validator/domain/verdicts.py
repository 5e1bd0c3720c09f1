"""What a run says about a file, before it is an event."""

from dataclasses import dataclass
from typing import Literal

from sluice.events import Problem, TimeRange


@dataclass(frozen=True, slots=True)
class Judged:
    """The file was read. `problem` is None where it keeps its contract; then there are parts and a time range.

    `source` is the number of its data rows, None where they could not be counted.
    """

    source: int | None
    errors: int
    problem: Problem | None
    time_range: TimeRange | None
    parts: int


@dataclass(frozen=True, slots=True)
class Unjudged:
    """The file could not be read to its end, and there is no report."""

    kind: Literal["rejected", "failed"]
    problem: Problem
