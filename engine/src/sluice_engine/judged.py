"""What one run of the engine says about a file, in short; `report.json` beside it says it in full."""

from dataclasses import dataclass

from sluice.events import Problem, TimeRange


@dataclass(frozen=True, slots=True)
class Judged:
    """The file was read. `problem` is None where rows of it are accepted; then there are parts and a time range.

    `source` is the number of its data rows, None where they could not be counted; `accepted` and `rejected` add up to it.
    `errors` counts broken rules, cell by cell. `files` names what stands in the run's folder for the sender, beside the report.
    """

    source: int | None
    errors: int
    problem: Problem | None
    time_range: TimeRange | None
    parts: int
    accepted: int = 0
    rejected: int | None = None
    files: tuple[str, ...] = ()
