"""A column before and after."""

from collections.abc import Iterator
from dataclasses import dataclass

from sluice.contracts.model import Bound, Field, FieldType
from sluice.contracts.narrowing import coarser_step, higher, lower

WIDER: set[tuple[FieldType, FieldType]] = {
    (FieldType.INTEGER, FieldType.NUMBER),
    (FieldType.DATE, FieldType.TIMESTAMP),
    *((kind, FieldType.STRING) for kind in FieldType if kind is not FieldType.STRING),
}
"""From, to: whatever could be read before can be read still."""


@dataclass(frozen=True, slots=True)
class Change:
    """`code` is stable, `message` a sentence. `senders`, `readers`: whom it breaks."""

    code: str
    message: str
    senders: bool = False
    readers: bool = False

    @property
    def breaking(self) -> bool:
        return self.senders or self.readers


def field_changes(old: Field, new: Field) -> Iterator[Change]:
    """Of two fields of one name."""
    name = new.name
    if old.type is not new.type:
        wider = (old.type, new.type) in WIDER and old.format is None
        said = f"{name} was {old.type} and is {new.type}: queries may fail or compare otherwise."
        yield Change("type", said, senders=not wider, readers=True)
    else:
        yield from _ranges(old, new)
        yield from _formats(old, new)
    yield from _flags(old, new)
    yield from _texts(old, new)
    if lost := {each.casefold() for each in old.aliases} - {each.casefold() for each in (*new.aliases, name)}:
        yield Change("aliases", f"{name} may be called otherwise no more: {', '.join(sorted(lost))}.", senders=True)


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
        if _end(before) != _end(after):
            breaks = stricter(before, after)
            yield Change(
                code, f"The {code} of {new.name} is {'stricter' if breaks else 'less strict'}.", senders=breaks
            )
    if old.multiple_of != new.multiple_of:
        breaks = coarser_step(old.multiple_of, new.multiple_of)
        said = f"{new.name} must be a multiple of {new.multiple_of:g}." if new.multiple_of else "need be no multiple."
        yield Change("multiple-of", said if new.multiple_of else f"{new.name} {said}", senders=breaks)


def _end(bound: Bound | None) -> tuple[float, bool] | None:
    return None if bound is None else (bound.value, bound.exclusive)


def _formats(old: Field, new: Field) -> Iterator[Change]:
    if old.format != new.format:
        said = f"The date format of {new.name} is another; ISO 8601 is understood as ever."
        yield Change("date-format", said, senders=old.format is not None)


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
            what = f"The rule {code} of {new.name}"
            how = "was removed" if after is None else "is new" if before is None else "is another"
            yield Change(code, f"{what} {how}.", senders=breaks)
