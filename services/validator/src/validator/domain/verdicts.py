"""What a run says about a file, before it is an event."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sluice.events import ContractRef, FileUploaded, Problem, TimeRange


@dataclass(frozen=True, slots=True)
class Order:
    """One file to judge. `run` is the folder of the run: what a child writes stays in there."""

    run: Path
    fact: FileUploaded
    contract: ContractRef


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
