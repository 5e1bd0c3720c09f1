"""A column before and after."""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import replace

from sluice.contracts.change import Change
from sluice.contracts.formats import EPOCH
from sluice.contracts.model import Bound, Field, FieldType
from sluice.contracts.narrowing import coarser_step, higher, lower, whole_maximum, whole_minimum

WIDER: set[tuple[FieldType, FieldType]] = {
    (FieldType.INTEGER, FieldType.NUMBER),
    (FieldType.DATE, FieldType.TIMESTAMP),
    *((kind, FieldType.STRING) for kind in FieldType if kind is not FieldType.STRING),
}
"""From, to: whatever could be read before can be read still."""
MICROSECONDS = 86_400_000_000
"""Of a day."""


def field_changes(old: Field, new: Field) -> Iterator[Change]:
    """`old` is what `new` was; it may have had another name."""
    wider = (old.type, new.type) in WIDER and old.format is None
    if old.type is not new.type:
        said = f"{new.name} was {old.type} and is {new.type}: queries may fail or compare otherwise."
        yield Change("type", said, senders=not wider, readers=True)
    if old.type is new.type or wider:
        yield from _ranges(_whole(old, new.type), _whole(new, new.type))
        yield from _formats(old, new)
    yield from _flags(old, new)
    yield from _texts(old, new)
    if lost := {each.casefold() for each in old.aliases} - {each.casefold() for each in (*new.aliases, new.name)}:
        said = f"{new.name} may be called otherwise no more: {', '.join(sorted(lost))}."
        yield Change("aliases", said, senders=True)


def _whole(field: Field, kind: FieldType) -> Field:
    """Its ends included, where its values are whole; in the unit of `kind`."""
    if field.type is FieldType.NUMBER:
        return field
    low, high = field.minimum and whole_minimum(field.minimum), field.maximum and whole_maximum(field.maximum)
    if field.type is FieldType.DATE and kind is FieldType.TIMESTAMP:
        low, high = low and Bound(low.value * MICROSECONDS), high and Bound(high.value * MICROSECONDS)
    return replace(field, type=kind, minimum=low, maximum=high)


def _flags(old: Field, new: Field) -> Iterator[Change]:
    for code, before, after in (("required", old.required, new.required), ("unique", old.unique, new.unique)):
        if before != after:
            yield Change(code, f"{new.name} {'is' if after else 'need not be'} {code} now.", senders=after)
    if old.classified != new.classified:
        shown = "masked" if new.classified else "shown"
        yield Change("classification", f"Values of {new.name} are {shown} in reports now.")


def _ranges(old: Field, new: Field) -> Iterator[Change]:
    bounds = (("minimum", old.minimum, new.minimum, higher), ("maximum", old.maximum, new.maximum, lower))
    for code, before, after, stricter in bounds:
        if before != after:
            said = f"The {code} of {new.name} was {_end(before, new.type)} and is {_end(after, new.type)}."
            yield Change(code, said, senders=stricter(before, after))
    if old.multiple_of != new.multiple_of:
        was, now = (f"{each:g}" if each else "none" for each in (old.multiple_of, new.multiple_of))
        said = f"The step of {new.name} was {was} and is {now}."
        yield Change("multiple-of", said, senders=coarser_step(old.multiple_of, new.multiple_of))


def _end(bound: Bound | None, kind: FieldType) -> str:
    if bound is None:
        return "none"
    match kind:
        case FieldType.DATE:
            said = (EPOCH + dt.timedelta(days=bound.value)).date().isoformat()
        case FieldType.TIMESTAMP:
            said = (EPOCH + dt.timedelta(microseconds=bound.value)).isoformat().replace("+00:00", "Z")
        case _:
            said = str(bound.value)
    return f"{said} exclusive" if bound.exclusive else said


def _formats(old: Field, new: Field) -> Iterator[Change]:
    if old.format == new.format:
        return
    own = old.format is not None
    said = f"The date format of {new.name} is another; ISO 8601 is understood as ever."
    if new.format and _misreads(new.format):
        own, said = True, f"The date format of {new.name} is another, and takes ISO 8601 for something else."
    yield Change("date-format", said, senders=own)


def _misreads(pattern: str) -> bool:
    """Begins as ISO 8601 does, and goes on in another order, such as year, day, month."""
    parts = ["YmdHMS".index(part) for part in re.findall("%([YmdHMS])", pattern.replace("%I", "%H"))]
    return pattern.startswith("%Y") and parts != sorted(parts)


def _texts(old: Field, new: Field) -> Iterator[Change]:
    longer = (new.min_length or 0) > (old.min_length or 0)
    shorter = new.max_length is not None and (old.max_length is None or new.max_length < old.max_length)
    for code, before, after, breaks in (
        ("min-length", old.min_length, new.min_length, longer),
        ("max-length", old.max_length, new.max_length, shorter),
        ("pattern", old.pattern, new.pattern, new.pattern is not None),
        ("format", old.string_format, new.string_format, new.string_format is not None),
    ):
        if before != after:
            was, now = ("none" if each is None else str(each)[:100] for each in (before, after))
            yield Change(code, f"The {code} of {new.name} was {was} and is {now}.", senders=breaks)
