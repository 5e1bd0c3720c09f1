"""Whose turn it is. Appends to a datasource run beside each other; a task that rewrites rows runs alone, in the order of acceptance."""

from dataclasses import dataclass
from enum import StrEnum

from druid_submitter.domain.interval import ALL_TIME, Interval
from sluice.contracts import DruidMode


class Turn(StrEnum):
    NOW = "now"
    LATER = "later"
    """What was accepted before, or is running, must be concluded first."""
    OVERTAKEN = "overtaken"
    """A later file is loaded already, and one of the two replaces the other's rows: in order, it would be gone or be there."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a task is about to do to its datasource. `alone`: beside no other task. `replaces`: it takes the place of rows in `span`.

    One that runs alone and replaces nothing takes out rows of its own choice: nobody overtakes it.
    """

    alone: bool
    replaces: bool
    span: Interval


def to_load(mode: DruidMode, interval: Interval) -> Wish:
    """`interval`: of the file's rows."""
    replaces = mode is not DruidMode.APPEND
    return Wish(replaces, replaces, ALL_TIME if mode is DruidMode.REPLACE_ALL else interval)


def to_take_out(interval: Interval) -> Wish:
    return Wish(alone=True, replaces=False, span=interval)
