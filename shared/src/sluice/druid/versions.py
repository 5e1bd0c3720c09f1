"""What differs between the versions of Druid, from OLDEST to the newest, and nowhere else.

Answers are read in each of their shapes, whatever the version: while a cluster is upgraded its servers differ.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from sluice.druid.answer import Answer

OLDEST = 30
"""All tests run on 33. Since this one tasks beside each other take locks that let both in (`useConcurrentLocks`)."""
NEWEST = 37
"""The newest whose calls have been read."""

UNUSABLE = ("processedWithError", "thrownAway", "unparseable")
"""Counters of rows that are not loaded. `thrownAwayByReason` (since 36) parts one of them and is not added."""
ALREADY_EXISTS = ("entryAlreadyExists", "already exists")
NO_SEGMENTS = "No used segment found"
NO_TABLE = "' not found"
NO_COLUMN = "not found in any table"
"""The words of the Broker where it does not know the datasource, or the datasource has no column of ours."""
BAD_REQUEST, NO_CONTENT, NOT_FOUND = 400, 204, 404


@dataclass(frozen=True, slots=True)
class Version:
    """As `/status` says it. `major`: None where it is no number of Apache Druid's, as in other distributions."""

    text: str
    major: int | None

    @classmethod
    def of(cls, text: str) -> Self:
        found = re.match(r"(\d{1,3})\.\d+\.\d+", text)
        return cls(text, int(found[1]) if found else None)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`concurrent_locks`: tasks of one datasource run beside each other. `overlord_marks`: the Overlord marks segments unused."""

    concurrent_locks: bool
    overlord_marks: bool


def capabilities(version: Version) -> Capabilities:
    """Of a version that has no number: those of the newest."""
    major = NEWEST if version.major is None else version.major
    return Capabilities(concurrent_locks=major >= OLDEST, overlord_marks=major >= 32)  # noqa: PLR2004 - a version


def already_exists(answer: Answer) -> bool:
    """Has the Overlord seen a task of this id? `errorCode` since 28, before a sentence alone."""
    return answer.status == BAD_REQUEST and any(words in answer.text for words in ALREADY_EXISTS)


def percent_loaded(answer: Answer, datasource: str) -> float | None:
    """Of the used segments, by `loadstatus`; None where there is none.

    That is said by 204 or, where older segments exist, by 200 and plain text; a 404 is of somebody else who answers there.
    Raises Transient.
    """
    if answer.status == NO_CONTENT or (answer.good and NO_SEGMENTS in answer.text):
        return None
    return answer.read(lambda percents: float(percents[datasource]))


def row_counts(report: Mapping[str, Any]) -> tuple[int, int] | None:
    """Rows that a task's report says are processed, and not usable; None where it does not say.

    With sub-tasks the counters lie under `totals`, without not.
    """
    stats = report.get("ingestionStatsAndErrors", {}).get("payload", {}).get("rowStats") or {}
    counts = stats.get("totals", stats).get("buildSegments")
    if counts is None:
        return None
    return int(counts["processed"]), sum(int(counts.get(name) or 0) for name in UNUSABLE)


def knows_no_column(answer: Answer) -> bool:
    return answer.status == BAD_REQUEST and NO_COLUMN in answer.said


def knows_no_table(answer: Answer) -> bool:
    return answer.status == BAD_REQUEST and NO_TABLE in answer.said
