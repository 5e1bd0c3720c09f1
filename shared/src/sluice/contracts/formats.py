"""Date formats and dates as contracts write them: JDK letters to strptime, ISO 8601 to the units of a Bound."""

import datetime as dt
import re
from typing import Literal

JDK: dict[str, str] = {
    "yyyy": "%Y",
    "uuuu": "%Y",
    "MM": "%m",
    "M": "%m",
    "MMM": "%b",
    "MMMM": "%B",
    "dd": "%d",
    "d": "%d",
    "HH": "%H",
    "H": "%H",
    "hh": "%I",
    "h": "%I",
    "a": "%p",
    "mm": "%M",
    "ss": "%S",
    "SSS": "%3f",
    "SSSSSS": "%6f",
    "XXX": "%:z",
}
"""Letters of the JDK's DateTimeFormatter that have a counterpart. Reading is as lenient as strptime: `dd` takes one digit too.

Month names are English. Two-digit years are not among them: the century would be a guess.
"""

TOKENS = re.compile(r"'((?:[^']|'')*)'|(([A-Za-z])\3*)|([^A-Za-z'\[\]{}#]+)")
DATE_PARTS = ({"%Y"}, {"%m", "%b", "%B"}, {"%d"})
TIME_PARTS = {"%H", "%I", "%p", "%M", "%S", "%3f", "%6f", "%:z"}

Kind = Literal["date", "timestamp"]


class FormatUnknown(ValueError):
    """Says why a format or a date cannot be understood, and what can."""


def strptime_of(pattern: str, kind: Kind) -> str:
    """The JDK format of a date or timestamp column, for strptime. Raises FormatUnknown."""
    translated, parts, end = "", set[str](), 0
    for match in TOKENS.finditer(pattern):
        if match.start() != end:
            break
        quoted, run, _, other = match.groups()
        if run and run not in JDK:
            raise FormatUnknown(f"{run} cannot be honoured; possible are {', '.join(JDK)}")
        if run:
            parts.add(JDK[run])
            translated += JDK[run]
        else:
            literal = (quoted.replace("''", "'") or "'") if quoted is not None else other
            translated += literal.replace("%", "%%")
        end = match.end()
    if end != len(pattern) or not pattern:
        raise FormatUnknown(
            f"{pattern[end : end + 10]!r} cannot be honoured; write letters, signs and 'words in quotes'"
        )
    _check_parts(parts, kind)
    return translated


def _check_parts(parts: set[str], kind: Kind) -> None:
    if not all(parts & choice for choice in DATE_PARTS):
        raise FormatUnknown("year, month and day must all be there, such as dd.MM.yyyy")
    if kind == "date" and parts & TIME_PARTS:
        raise FormatUnknown("a date has no time of day; use logicalType timestamp, or leave the hours out")
    if kind == "timestamp" and not parts & {"%H", "%I"}:
        raise FormatUnknown("the time of day is missing; use logicalType date, or add HH:mm:ss")
    if kind == "timestamp" and "%M" not in parts:
        raise FormatUnknown("hours stand without minutes; add mm, or keep the column as a string")
    if parts & {"%3f", "%6f"} and "%S" not in parts:
        raise FormatUnknown("fractions of a second stand without seconds; add ss")
    if ("%I" in parts) != ("%p" in parts):
        raise FormatUnknown("hh counts to twelve and needs a (AM or PM); for 24 hours write HH")


ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?) ?(Z|[+-]\d{2}:\d{2})?)?",
    re.ASCII | re.IGNORECASE,
)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def moment(text: str, kind: Kind) -> int:
    """An ISO 8601 date in days, or timestamp in microseconds (none but an offset = UTC), since 1970. Raises FormatUnknown."""
    match = ISO.fullmatch(text.strip())
    day, time, offset = match.groups() if match else ("", None, None)
    zone = "+00:00" if offset is None or offset in "Zz" else offset
    try:
        instant = dt.datetime.fromisoformat(f"{day}T{time or '00:00'}{zone}")
    except ValueError as error:
        example = "2024-01-31" if kind == "date" else "2024-01-31T12:00:00Z"
        raise FormatUnknown(f"{text[:40]!r} is no {kind} in ISO 8601; write it as {example}") from error
    if kind == "timestamp":
        return (instant - EPOCH) // dt.timedelta(microseconds=1)
    if time is not None:
        raise FormatUnknown(f"{text[:40]!r} has a time of day, which a date has not; leave it out")
    return (instant - EPOCH).days
