"""A new version of a contract beside the old one: whom does it break?

Senders are broken where a file, or a row, that was accepted may be rejected; readers of Druid where a query that worked may fail or mean
something else. Where it cannot be told, such as of two patterns, it counts as breaking.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from sluice.contracts.change import Change
from sluice.contracts.fieldchanges import field_changes
from sluice.contracts.model import Contract, DruidTarget, ExtraColumns, Field
from sluice.contracts.rulechanges import custom_changes, metric_changes
from sluice.contracts.settingchanges import dialect_changes, policy_changes, same_content_changes, time_limit_changes
from sluice.contracts.targetchanges import target_changes


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that differs in meaning; descriptions are no difference."""

    changes: tuple[Change, ...]

    @property
    def breaking(self) -> bool:
        return any(change.breaking for change in self.changes)


def compare(old: Contract, new: Contract) -> Comparison:
    """What becomes of senders and readers when `new` takes the place of `old`."""
    origins = _origins(old, new)
    before = _renamed(old, {origin.name: name for name, origin in origins.items()})
    return Comparison(
        (
            *target_changes(before, new),
            *_columns(old, new, origins),
            *_key(before, new),
            *metric_changes(before, new),
            *custom_changes(old.customs, new.customs),
            *dialect_changes(old.dialect, new.dialect),
            *policy_changes(before.policy, new.policy),
            *time_limit_changes(before.druid, new.druid),
            *same_content_changes(old.same_content, new.same_content),
        )
    )


def _origins(old: Contract, new: Contract) -> dict[str, Field]:
    """By names of the new contract: the column of the old one of that name, or one that is an alias now."""
    gone = {each.name.casefold(): each for each in old.fields if each.name not in new.columns}
    origins = {}
    for field in new.fields:
        if field.name in old.columns:
            origins[field.name] = old.field(field.name)
        elif alias := next((each.casefold() for each in field.aliases if each.casefold() in gone), None):
            origins[field.name] = gone.pop(alias)
    return origins


def _renamed(contract: Contract, names: dict[str, str]) -> Contract:
    """The contract with its columns called as they are now."""

    def now(columns: Iterable[str]) -> tuple[str, ...]:
        return tuple(names.get(each, each) for each in columns)

    limits = contract.policy.rule_limits
    return replace(
        contract,
        fields=tuple(replace(each, name=names.get(each.name, each.name)) for each in contract.fields),
        druid=_target_renamed(contract.druid, now),
        primary_key=now(contract.primary_key),
        metrics=tuple(replace(each, columns=now(each.columns)) for each in contract.metrics),
        policy=replace(
            contract.policy,
            rule_limits=tuple(replace(each, column=each.column and now([each.column])[0]) for each in limits),
        ),
    )


def _target_renamed(target: DruidTarget, now: Callable[[Iterable[str]], tuple[str, ...]]) -> DruidTarget:
    rollup = target.rollup
    return replace(
        target,
        time_column=now([target.time_column])[0],
        partitions=replace(target.partitions, columns=now(target.partitions.columns)),
        rollup=rollup
        and replace(
            rollup,
            aggregators=tuple(replace(each, column=now([each.column])[0]) for each in rollup.aggregators),
        ),
    )


def _columns(old: Contract, new: Contract, origins: dict[str, Field]) -> Iterator[Change]:
    kept = {origin.name for origin in origins.values()}
    aliases = {alias.casefold() for each in new.fields for alias in each.aliases}
    for name in (each for each in old.columns if each not in kept):
        refused = new.policy.extra_columns is ExtraColumns.REFUSE or name.casefold() in aliases
        said = "files that still have it are refused." if refused else "queries that use it find nothing new."
        yield Change("column-removed", f"{name} was removed: {said}", senders=refused, readers=True)
    for field in new.fields:
        origin = origins.get(field.name)
        if origin is None:
            said = f"{field.name} is new: each file must have the column"
            cells = ", with a value in each row." if field.required else "; its cells may be empty."
            yield Change("column-added", said + cells, senders=True)
            continue
        if origin.name != field.name:
            said = f"{origin.name} is called {field.name}: files may keep the old name, queries may not."
            yield Change("column-renamed", said, readers=True)
        yield from field_changes(origin, field)
        yield from _new_aliases(origin, field, old)


def _new_aliases(before: Field, after: Field, old: Contract) -> Iterator[Change]:
    known = {each.casefold() for each in (before.name, *before.aliases)}
    if gained := sorted({each for each in after.aliases if each.casefold() not in known}):
        # a file that had both columns, one of them extra, would have the column twice
        clash = old.policy.extra_columns is not ExtraColumns.REFUSE
        yield Change("aliases", f"{after.name} may also be called {', '.join(gained)}.", senders=clash)


def _key(old: Contract, new: Contract) -> Iterator[Change]:
    before, after = old.primary_key, new.primary_key
    if set(before) == set(after):
        return
    looser = not after or (bool(before) and set(before) <= set(after))
    said = f"The primary key was {', '.join(before) or 'none'} and is {', '.join(after) or 'none'}."
    yield Change("primary-key", said, senders=not looser)
