"""Dialect and policy before and after."""

from collections.abc import Iterator

from sluice.contracts.change import Change
from sluice.contracts.model import Dialect, DruidTarget, ExtraColumns, Policy, PolicyMode, SameContent, Threshold
from sluice.contracts.narrowing import narrower_threshold, same_encoding


def dialect_changes(old: Dialect, new: Dialect) -> Iterator[Change]:
    """Whatever is read otherwise breaks senders."""
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
        before, after = ({word.lower() for word in getattr(dialect, name)} for dialect in (old, new))
        if before != after:
            lost = f"{len(before - after)} mean that no more." if before - after else "there are more of them."
            yield Change("dialect", f"Other {name.replace('_', ' ')}: {lost}", senders=bool(before - after))
    if set(old.null_words) != set(new.null_words):
        said = "Other null words: cells that were values may be empty now, or the other way round."
        yield Change("dialect", said, senders=True)


def policy_changes(old: Policy, new: Policy) -> Iterator[Change]:
    if old.mode is not new.mode:
        said = f"The policy was {old.mode} and is {new.mode}."
        yield Change("policy", said, senders=new.mode is PolicyMode.ALL_OR_NOTHING)
    elif new.mode is PolicyMode.ACCEPT_GOOD_ROWS:
        yield from _limits(old, new)
    if old.extra_columns is not new.extra_columns:
        said = f"Columns that the contract does not know: {old.extra_columns} before, {new.extra_columns} now."
        refused, kept = new.extra_columns is ExtraColumns.REFUSE, old.extra_columns is ExtraColumns.KEEP
        yield Change("extra-columns", said, senders=refused, readers=kept)


def same_content_changes(old: SameContent, new: SameContent) -> Iterator[Change]:
    if old is not new:
        said = f"A file with the bytes of an earlier one: {old} before, {new} now."
        yield Change("same-content", said, senders=new is SameContent.REFUSE)


def time_limit_changes(old: DruidTarget, new: DruidTarget) -> Iterator[Change]:
    """A file that took its time may fail now: but that is for a size of files and of Druid to say, not for the contract."""
    before, after = (
        f"{each.time_limit_minutes} minutes" if each.time_limit_minutes else "what the installation allows"
        for each in (old, new)
    )
    if before != after:
        yield Change("time-limit", f"Druid's time for a file was {before} and is {after}.")


def _limits(old: Policy, new: Policy) -> Iterator[Change]:
    before, after = _named(old), _named(new)
    for name in {**before, **after}:
        was, now = before.get(name), after.get(name)
        if was != now:
            stricter = now is not None and (was is None or narrower_threshold(was, now))
            said = f"The limit of {name} is {'stricter' if stricter else 'less strict'}."
            yield Change("limit", said, senders=stricter)


def _named(policy: Policy) -> dict[str, Threshold]:
    limits = {
        f"rule {each.rule}{f' on {each.column}' if each.column else ''}": each.most for each in policy.rule_limits
    }
    return limits | ({"rejected rows": policy.most_rejected} if policy.most_rejected else {})
