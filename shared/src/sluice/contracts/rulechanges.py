"""Quality rules before and after: metrics, and installed Pandera schemas."""

from collections.abc import Iterator

from sluice.contracts.change import Change
from sluice.contracts.model import Contract, Custom, Metric, MetricKind, PolicyMode, Severity
from sluice.contracts.narrowing import at_most, narrower_threshold

SEVERITIES = (Severity.INFO, Severity.WARNING, Severity.ERROR)


def metric_changes(old: Contract, new: Contract) -> Iterator[Change]:
    """A rule is the same where its metric, its columns and its id are; or, under another id, where its meaning is."""
    before, after = ({_name(each): each for each in contract.metrics} for contract in (old, new))
    meant, means = ({_meaning(each) for each in each.metrics} for each in (old, new))
    for name, metric in before.items():
        if name not in after and _meaning(metric) not in means:
            yield Change("rule-removed", f"The rule {name} was removed.")
    for name, metric in after.items():
        breaks = metric.severity is Severity.ERROR
        if name not in before:
            if _meaning(metric) not in meant:
                said = f"The rule {name} is new, with severity {metric.severity}."
                yield Change("rule-added", said, senders=breaks)
        elif how := ", ".join(_stricter(before[name], metric, old, new)):
            yield Change("rule-stricter", f"The rule {name} is stricter: {how}.", senders=breaks)
        elif _meaning(before[name]) != _meaning(metric):
            yield Change("rule-looser", f"The rule {name} is less strict.")


def custom_changes(old: tuple[Custom, ...], new: tuple[Custom, ...]) -> Iterator[Change]:
    before, after = ({each.name: each.severity for each in customs} for customs in (old, new))
    for name in (each for each in before if each not in after):
        yield Change("rule-removed", f"The Pandera schema {name} was removed.")
    for name, severity in after.items():
        was, breaks = before.get(name), severity is Severity.ERROR
        if was is None:
            said = f"The Pandera schema {name} is new, with severity {severity}."
            yield Change("rule-added", said, senders=breaks)
        elif was is not severity:
            said = f"The Pandera schema {name} had severity {was}, and has {severity}."
            yield Change("severity", said, senders=breaks)


def _name(metric: Metric) -> str:
    parts = (metric.kind, f"of {', '.join(sorted(metric.columns))}" if metric.columns else "", metric.id)
    return " ".join(part for part in parts if part)


def _meaning(metric: Metric) -> tuple[object, ...]:
    values = frozenset(metric.values) if metric.values is not None else None
    return metric.kind, frozenset(metric.columns), metric.threshold, values, metric.pattern, metric.severity


def _stricter(before: Metric, after: Metric, old: Contract, new: Contract) -> Iterator[str]:
    if SEVERITIES.index(after.severity) > SEVERITIES.index(before.severity):
        yield f"its severity was {before.severity} and is {after.severity}"
    if narrower_threshold(before.threshold, after.threshold):
        yield "its threshold allows less, or something else"
    if before.strict and not after.strict and old.policy.mode is PolicyMode.ACCEPT_GOOD_ROWS:
        yield "it rejected rows, and rejects the whole file now"
    more, less = list(_more(before, after)), _less(before, after)
    yield from more
    if (more or less) and not at_most(after.threshold):
        yield "it counts otherwise, and its threshold is not a most"
    if any(old.field(each).type is not new.field(each).type for each in after.columns):
        yield "its column has another type"


def _more(before: Metric, after: Metric) -> Iterator[str]:
    """Why it may count what it did not count before."""
    if after.pattern is not None and after.pattern != before.pattern:
        yield "its pattern is another"
    if after.kind is MetricKind.MISSING_VALUES and set(after.values or ()) - set(before.values or ()):
        yield "more words count as missing"
    if after.kind is MetricKind.INVALID_VALUES and after.values is not None:
        if before.values is None:
            yield "values are listed now"
        elif gone := len(set(before.values) - set(after.values)):
            yield f"{gone} of its values are valid no more"


def _less(before: Metric, after: Metric) -> bool:
    """May it leave out what it counted before?"""
    known, now = set(before.values or ()), set(after.values or ())
    if after.kind is MetricKind.MISSING_VALUES:
        return bool(known - now)
    removed = (before.values is not None and after.values is None) or (after.values is not None and now - known)
    return bool(removed) or (before.pattern is not None and before.pattern != after.pattern)
