"""How often a file may kill its reader. Pure: marks and time in, decision out."""

from collections.abc import Collection
from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict

from sluice.events import Problem

MOST = 3
"""Readers that one file may kill."""

SILENT_AFTER = timedelta(seconds=40)
"""A reader that has not said for so long that it lives is dead. Far above the pause between two signs of life, and the
difference of two machines' clocks."""


class Mark(BaseModel):
    """A reader that has begun and not come to an end: it is at work, or it died. `crashed` says why, where that is known."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    seen_at: AwareDatetime
    crashed: str | None = None

    def dead(self, now: datetime) -> bool:
        return self.crashed is not None or now - self.seen_at > SILENT_AFTER


def spent(marks: Collection[Mark | None], now: datetime) -> Problem | None:
    """Why the file is not read again, when all its attempts are marked; None while one of them may still come to an end.

    None among the marks: that one has just ended.
    """
    if not all(mark and mark.dead(now) for mark in marks):
        return None
    if reasons := [mark.crashed for mark in marks if mark and mark.crashed]:
        message = f"The reader crashed on this file {MOST} times, at last by {reasons[-1]}. Write the file anew with another program."
        return Problem(code="parser-crashed", message=message)
    message = f"{MOST} attempts to read this file ended with the death of the reader. Write the file anew with another program."
    return Problem(code="too-many-attempts", message=message)
