"""Whose turn it is. Appends to a datasource run beside each other; a task that rewrites rows runs alone, in the order of acceptance."""

from dataclasses import dataclass

from druid_submitter.domain.interval import ALL_TIME, Interval
from sluice.contracts import DruidMode, PartitionsType
from sluice.events import WaitsFor


@dataclass(frozen=True, slots=True)
class Now:
    """It has its turn, and a place in Druid of so many slots: one, or those of a supervisor and its sub-tasks."""

    slots: int


@dataclass(frozen=True, slots=True)
class Later:
    waits_for: WaitsFor


@dataclass(frozen=True, slots=True)
class Superseded:
    """A later file is loaded already, and one of the two replaces the other's rows: in order, it would be gone or be there."""


Turn = Now | Later | Superseded


@dataclass(frozen=True, slots=True)
class Wish:
    """What a task is about to do to its datasource. `alone`: beside no other task. `replaces`: it takes the place of rows in `span`.

    One that runs alone and replaces nothing takes out rows of its own choice: nobody overtakes it.
    `slots`: that it can make use of; `needs`: without which it does nothing but wait.
    """

    alone: bool
    replaces: bool
    span: Interval
    slots: int = 1
    needs: int = 1


def to_load(
    mode: DruidMode, interval: Interval, parts: int = 1, layout: PartitionsType = PartitionsType.DYNAMIC
) -> Wish:
    """`interval`: of the file's rows; `parts`: objects that can be read beside each other."""
    replaces = mode is not DruidMode.APPEND
    needs = 2 if layout is PartitionsType.RANGE else 1  # Druid makes them in sub-tasks only, under a supervisor
    slots = 1 if parts == needs == 1 else 1 + parts  # a supervisor, and a sub-task for each
    return Wish(replaces, replaces, ALL_TIME if mode is DruidMode.REPLACE_ALL else interval, slots, needs)


def kind_of(*, alone: bool | None, replaces: bool | None) -> WaitsFor:
    """What stands before a task, by its wish; None where that is not known yet."""
    if not alone:
        return WaitsFor.EARLIER_LOAD
    return WaitsFor.EARLIER_REPLACE if replaces else WaitsFor.EARLIER_RETRACTION


def to_take_out(interval: Interval) -> Wish:
    return Wish(alone=True, replaces=False, span=interval)
