"""What a run says about a file, before it is an event."""

from dataclasses import dataclass
from typing import Literal

from sluice.events import FileFormat, Problem

MB = 1_000_000
SPREADSHEETS = {FileFormat.XLSX, FileFormat.XLS}


@dataclass(frozen=True, slots=True)
class Usage:
    """What one child took: peak of resident memory in bytes, processor and wall time in seconds."""

    memory_bytes: int
    cpu_seconds: float
    wall_seconds: float

    def __str__(self) -> str:
        memory, cpu, wall = self.memory_bytes // MB, self.cpu_seconds, self.wall_seconds
        return f"{memory} MB of memory and {cpu:.3g} s of CPU time in {wall:.3g} s"


@dataclass(frozen=True, slots=True)
class Unjudged:
    """The file could not be read to its end, and there is no report."""

    kind: Literal["rejected", "failed"]
    problem: Problem


@dataclass(frozen=True, slots=True)
class Crashed:
    """The reader died on the file, and nobody knows whether it would again. `reason` is ours: it holds nothing of the file."""

    reason: str


def over_limit(limit: str, usage: Usage, file_format: FileFormat) -> Unjudged:
    """The file took more than it may have; to read it again would take as much."""
    remedy = ", or send it as CSV or Parquet" if file_format in SPREADSHEETS else ""
    message = (
        f"Reading the file needs more than {limit}. It was stopped when it had taken {usage}. "
        f"Split it into smaller files{remedy}."
    )
    return Unjudged("rejected", Problem(code="resource-limit", message=message))
