"""Which rows Druid's retention rules would let nobody query. Pure; as the Coordinator decides, the first rule that applies wins."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from druid_submitter.domain.interval import ALL_TIME, Interval, covering, parsed
from sluice.contracts import Granularity
from sluice.events import Problem, TimeRange

PERIOD = re.compile(
    r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)
MONTHS = 12
RETENTION_DROPS = "retention-drops"


@dataclass(frozen=True, slots=True)
class Drop:
    """A segment of this span would not be loaded. `rule`: the one by which; None where none applies."""

    span: Interval
    rule: Mapping[str, Any] | None

    @property
    def problem(self) -> Problem:
        by = f"the rule {_named(self.rule)} drops it" if self.rule else "no rule applies to it"
        return Problem(
            code=RETENTION_DROPS,
            message=f"Druid's retention rules of the datasource do not keep all of the file's time range: of the segment "
            f"{self.span.iso()}, {by}. Have the rules changed, or leave out the rows that are not to be kept. None is loaded.",
        )


def ends_of(rows: TimeRange, granularity: Granularity) -> list[Interval]:
    """The first and the last segment of a file's rows: those of which it is certain that rows are in them."""
    return list(dict.fromkeys(covering(end, end, granularity) for end in (rows.first, rows.last)))


def first_drop(rules: Sequence[Mapping[str, Any]], segments: Iterable[Interval], now: datetime) -> Drop | None:
    """Nothing is said where there are no rules, or where one is met that is not known here."""
    if not rules:
        return None
    for segment in segments:
        try:
            rule = next((each for each in rules if _applies(each, segment, now)), None)
            kept = rule is not None and _loads(rule)
        except (AttributeError, KeyError, TypeError, ValueError):
            continue
        if not kept:
            return Drop(segment, rule)
    return None


def _applies(rule: Mapping[str, Any], segment: Interval, now: datetime) -> bool:
    """Raises ValueError for a rule that is not known."""
    match re.fullmatch(r"(load|drop|dropBefore|broadcast)(Forever|ByInterval|ByPeriod)", str(rule["type"])):
        case None:
            raise ValueError(rule["type"])
        case found:
            does, when = found.groups()
    match when:
        case "Forever":
            return True
        case "ByInterval":
            named = parsed(rule["interval"])
            return named.holds(segment) if does == "drop" else named.overlaps(segment)
        case _:
            return _applies_by_period(does, rule, segment, now)


def _applies_by_period(does: str, rule: Mapping[str, Any], segment: Interval, now: datetime) -> bool:
    since, future = before(now, rule["period"]), rule.get("includeFuture", True)
    if does == "dropBefore":
        return segment.end <= since
    if does == "drop":
        return segment.start >= since and (future or segment.end <= now)
    return segment.end > since and (future or segment.start < now)


def _loads(rule: Mapping[str, Any]) -> bool:
    """A rule that asks for no replica keeps segments where no query comes."""
    if rule["type"].startswith("drop"):
        return False
    replicas = rule.get("tieredReplicants")
    return replicas is None or rule["type"].startswith("broadcast") or sum(replicas.values()) > 0


def before(now: datetime, period: str) -> datetime:
    """`now` less an ISO 8601 period. Raises ValueError."""
    found = PERIOD.fullmatch(period)
    if not found or period in {"P", "PT"}:
        raise ValueError(f"{period} is no period")
    of = {unit: int(count or 0) for unit, count in found.groupdict().items()}
    months = now.year * MONTHS + now.month - 1 - of["years"] * MONTHS - of["months"]
    year, month = divmod(months, MONTHS)
    rest = {unit: of[unit] for unit in ("weeks", "days", "hours", "minutes", "seconds")}
    try:
        following = datetime(year + (month + 1) // MONTHS, (month + 1) % MONTHS + 1, 1, tzinfo=UTC)
        last_day = (following - timedelta(days=1)).day
        return now.replace(year=year, month=month + 1, day=min(now.day, last_day)) - timedelta(**rest)
    except (OverflowError, ValueError):
        return ALL_TIME.start


def _named(rule: Mapping[str, Any]) -> str:
    """As an operator knows it from the console."""
    more = " ".join(str(rule[key])[:100] for key in ("period", "interval") if key in rule)
    return f"{rule['type']} {more}".strip()
