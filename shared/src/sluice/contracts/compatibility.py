"""A new version of a contract beside the old one: whom does it break?

Senders are broken where a file that was accepted may be rejected; readers of Druid where a query that worked may fail or mean something
else. Where it cannot be told, such as of two patterns, it counts as breaking.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sluice.contracts.fieldchanges import Change, field_changes
from sluice.contracts.model import Contract, Dialect, ExtraColumns, Metric, MetricKind, Policy, PolicyMode, Severity
from sluice.contracts.narrowing import narrower_threshold, same_encoding

SEVERITIES = (Severity.INFO, Severity.WARNING, Severity.ERROR)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that differs in meaning; descriptions are no difference."""

    changes: tuple[Change, ...]

    @property
    def breaking(self) -> bool:
        return any(change.breaking for change in self.changes)


def compare(old: Contract, new: Contract) -> Comparison:
    """What becomes of senders and readers when `new` takes the place of `old`."""
    return Comparison(
        (
            *_druid(old, new),
            *_columns(old, new),
            *_key(old, new),
            *_metrics(old, new),
            *_customs(old, new),
            *_dialect(old.dialect, new.dialect),
            *_policy(old.policy, new.policy),
        )
    )


def _druid(old: Contract, new: Contract) -> Iterator[Change]:
    if old.datasource != new.datasource:
        said = f"The datasource was {old.datasource} and is {new.datasource}: rows go elsewhere."
        yield Change("datasource", said, senders=True, readers=True)
    before, after = old.druid, new.druid
    if before.time_column != after.time_column:
        said = f"__time was {before.time_column} and is {after.time_column}: queries over time mean something else."
        yield Change("time-column", said, readers=True)
    if before.segment_granularity != after.segment_granularity:
        yield Change(
            "granularity", f"Segments were by {before.segment_granularity}, and are by {after.segment_granularity}."
        )


def _columns(old: Contract, new: Contract) -> Iterator[Change]:
    before, after = {each.name: each for each in old.fields}, {each.name: each for each in new.fields}
    renamed = {
        name: alias
        for name, field in after.items()
        for alias in before
        if name not in before and alias not in after and alias.casefold() in map(str.casefold, field.aliases)
    }
    for name in (each for each in before if each not in after):
        refused = new.policy.extra_columns is ExtraColumns.REFUSE and name not in renamed.values()
        said = " files that still have it are refused." if refused else " queries that use it find nothing new."
        yield Change("column-removed", f"{name} was removed:{said}", senders=refused, readers=True)
    for name in (each for each in after if each not in before):
        if name in renamed:
            yield Change("column-renamed", f"{renamed[name]} is called {name}; files may keep the old name, an alias.")
        else:
            said = f"{name} is new: each file must have the column"
            cells = ", with a value in each row." if after[name].required else "; its cells may be empty."
            yield Change("column-added", said + cells, senders=True)
    for name, field in after.items():
        if name in before:
            yield from field_changes(before[name], field)


def _key(old: Contract, new: Contract) -> Iterator[Change]:
    before, after = old.primary_key, new.primary_key
    if set(before) == set(after):
        return
    looser = not after or (before and set(before) <= set(after))
    said = f"The primary key was {', '.join(before) or 'none'} and is {', '.join(after) or 'none'}."
    yield Change("primary-key", said, senders=not looser)


def _metrics(old: Contract, new: Contract) -> Iterator[Change]:
    before, after = ({_name(each): each for each in contract.metrics} for contract in (old, new))
    for name in (each for each in before if each not in after):
        yield Change("rule-removed", f"The rule {name} was removed.")
    for name, metric in after.items():
        if name not in before:
            said = f"The rule {name} is new, with severity {metric.severity}."
            yield Change("rule-added", said, senders=metric.severity is Severity.ERROR)
        elif how := ", ".join(_narrower(before[name], metric)):
            breaks = metric.severity is Severity.ERROR
            yield Change("rule-stricter", f"The rule {name} is stricter: {how}.", senders=breaks)
        elif _meaning(before[name]) != _meaning(metric):
            yield Change("rule-looser", f"The rule {name} is less strict.")


def _name(metric: Metric) -> str:
    parts = (metric.kind, f"of {', '.join(metric.columns)}" if metric.columns else "", metric.id)
    return " ".join(part for part in parts if part)


def _meaning(metric: Metric) -> tuple[object, ...]:
    values = frozenset(metric.values) if metric.values is not None else None
    return metric.threshold, values, metric.pattern, metric.severity


def _narrower(old: Metric, new: Metric) -> Iterator[str]:
    if SEVERITIES.index(new.severity) > SEVERITIES.index(old.severity):
        yield f"its severity was {old.severity} and is {new.severity}"
    if narrower_threshold(old.threshold, new.threshold):
        yield "its threshold allows less, or something else"
    if new.pattern is not None and new.pattern != old.pattern:
        yield "its pattern is another"
    if new.kind is MetricKind.MISSING_VALUES and set(new.values or ()) - set(old.values or ()):
        yield "more words count as missing"
    if new.kind is MetricKind.INVALID_VALUES and new.values is not None:
        gone = len(set(old.values) - set(new.values)) if old.values is not None else None
        if gone is None or gone:
            yield "values are listed now" if gone is None else f"{gone} of its values are valid no more"


def _customs(old: Contract, new: Contract) -> Iterator[Change]:
    before, after = ({each.name: each.severity for each in contract.customs} for contract in (old, new))
    for name in (each for each in before if each not in after):
        yield Change("rule-removed", f"The Pandera schema {name} was removed.")
    for name, severity in after.items():
        was = before.get(name)
        if was is None:
            said = f"The Pandera schema {name} is new, with severity {severity}."
            yield Change("rule-added", said, senders=severity is Severity.ERROR)
        elif was is not severity:
            breaks = severity is Severity.ERROR
            yield Change(
                "severity", f"The Pandera schema {name} had severity {was}, and has {severity}.", senders=breaks
            )


def _dialect(old: Dialect, new: Dialect) -> Iterator[Change]:
    if not same_encoding(old.encoding, new.encoding):
        said = f"The encoding was {old.encoding or 'utf-8'} and is {new.encoding or 'utf-8'}."
        yield Change("dialect", said, senders=True)
    for name in ("delimiter", "quote", "decimal", "sheet", "header_row", "skip_after_header", "footer_rows"):
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            said = (
                f"In the dialect, {name.replace('_', ' ')} was {before!r} and is {after!r}: files are read otherwise."
            )
            yield Change("dialect", said, senders=True)
    for name in ("true_words", "false_words"):
        lost = {word.lower() for word in getattr(old, name)} - {word.lower() for word in getattr(new, name)}
        if lost:
            said = f"In the dialect, {len(lost)} of the {name.replace('_', ' ')} mean that no more."
            yield Change("dialect", said, senders=True)
    if old.null_words != new.null_words:
        said = "Other null words: cells that were values may be empty now, or the other way round."
        yield Change("dialect", said, senders=True)


def _policy(old: Policy, new: Policy) -> Iterator[Change]:
    if old.mode is not new.mode:
        said = f"The policy was {old.mode} and is {new.mode}."
        yield Change("policy", said, senders=new.mode is PolicyMode.ALL_OR_NOTHING)
    before, after = (
        {
            ("of rejected rows", None): each.most_rejected,
            **{(f"of rule {limit.rule}", limit.column): limit.most for limit in each.rule_limits},
        }
        for each in (old, new)
    )
    for key in {**before, **after}:
        was, now = before.get(key), after.get(key)
        if was != now:
            stricter = now is not None and (was is None or narrower_threshold(was, now))
            of = f"{key[0]} on {key[1]}" if key[1] else key[0]
            yield Change(
                "limit", f"The limit {of} {'is stricter' if stricter else 'is less strict'}.", senders=stricter
            )
    if old.extra_columns is not new.extra_columns:
        said = f"Columns that the contract does not know: {old.extra_columns} before, {new.extra_columns} now."
        refused, kept = new.extra_columns is ExtraColumns.REFUSE, old.extra_columns is ExtraColumns.KEEP
        yield Change("extra-columns", said, senders=refused, readers=kept)
