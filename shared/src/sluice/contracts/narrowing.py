"""Does a new setting allow less than the old one?"""

import codecs
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

from sluice.contracts.model import Bound, Operator, Threshold, Unit

ALL = 100.0
"""Percent."""


def narrower_threshold(old: Threshold, new: Threshold) -> bool:
    """Is there an amount that the old one allowed and the new one does not? Of different units it cannot be told: yes."""
    if old.unit is not new.unit:
        return True
    ends = sorted({0.0, *old.values, *new.values})
    if old.unit is Unit.ROWS:
        # both are constant between their ends, and counts are whole
        amounts = {count for end in ends for count in (floor(end) - 1, floor(end), ceil(end), ceil(end) + 1)}
        return any(old.allows(amount) and not new.allows(amount) for amount in amounts if amount >= 0)
    ends = sorted({*ends, ALL})
    between = [(low + high) / 2 for low, high in pairwise(ends)]
    return any(old.allows(each) and not new.allows(each) for each in (*ends, *between) if 0 <= each <= ALL)


def at_most(threshold: Threshold) -> bool:
    """Does a smaller count hold wherever a greater one does?"""
    match threshold.operator:
        case Operator.LESS | Operator.LESS_OR_EQUAL:
            return True
        case Operator.EQUAL | Operator.BETWEEN:
            return threshold.values[0] <= 0
        case _:
            return False


def whole_minimum(bound: Bound) -> Bound:
    """The same end for whole numbers, itself included."""
    return Bound(floor(bound.value) + 1 if bound.exclusive else ceil(bound.value))


def whole_maximum(bound: Bound) -> Bound:
    """The same end for whole numbers, itself included."""
    return Bound(ceil(bound.value) - 1 if bound.exclusive else floor(bound.value))


def higher(old: Bound | None, new: Bound | None) -> bool:
    """Does a minimum leave less room?"""
    if new is None or old is None:
        return new is not None
    return (new.value, new.exclusive) > (old.value, old.exclusive)


def lower(old: Bound | None, new: Bound | None) -> bool:
    """Does a maximum leave less room?"""
    if new is None or old is None:
        return new is not None
    return (new.value, not new.exclusive) < (old.value, not old.exclusive)


def coarser_step(old: float | None, new: float | None) -> bool:
    """Is there a multiple of the old that is none of the new?"""
    if new is None or old is None:
        return new is not None
    return (Fraction(repr(old)) / Fraction(repr(new))).denominator != 1


def same_encoding(old: str | None, new: str | None) -> bool:
    """A byte order mark goes before the contract's word, so UTF-8 with a mark is no other encoding than without."""
    before, after = (codecs.lookup(each or "utf-8").name.removesuffix("-sig") for each in (old, new))
    return before == after
