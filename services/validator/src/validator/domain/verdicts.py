"""What a run says about a file, before it is an event."""

from dataclasses import dataclass
from typing import Literal

from sluice.events import Problem


@dataclass(frozen=True, slots=True)
class Unjudged:
    """The file could not be read to its end, and there is no report."""

    kind: Literal["rejected", "failed"]
    problem: Problem
