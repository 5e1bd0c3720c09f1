"""Room in Druid: how many tasks of ours it may have, and how many slots each gets."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

SUPERVISED = 3
"""Slots from which a parallel task is faster than a sequential one: the supervisor's, and two for sub-tasks."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """Task slots as Druid counts them. `most`: with all workers that it may start by itself."""

    slots: int
    most: int
    used: int


@dataclass(frozen=True, slots=True)
class Room:
    """`slots` is None where Druid does not say how many it has. `others`: used by tasks that are not ours; `taken`: given to ours."""

    slots: int | None
    most: int
    others: int
    taken: int

    def places(self, per_slot: float, unknown: int) -> int:
        """How many slots more may be given. `per_slot`: of ours for each slot that others leave, so that Druid's queue never
        runs dry between two looks. `unknown`: in all, where Druid does not say.

        Where others use everything, one of ours stands in Druid's queue: who only waits for a free slot never gets one.
        """
        if self.slots is None:
            return max(unknown - self.taken, 0)
        if self.most == 0:
            return 0
        return max(ceil(per_slot * (self.most - self.others)), 1) - self.taken

    @property
    def free(self) -> int:
        """Slots that nobody uses, and none of ours is on its way to."""
        return (self.slots or 0) - self.others - self.taken


def grant(wished: Sequence[int], places: int, free: int) -> list[int]:
    """Slots for each of those whose turn it is, in their order, while there are places.

    A parallel task gets slots only that are free, so that supervisors can never hold all of them and wait for their own
    sub-tasks. Else it does its work in one.
    """
    given: list[int] = []
    for wish in wished:
        if places <= 0:
            break
        slots = min(wish, free)
        given.append(slots if slots >= SUPERVISED else 1)
        places -= given[-1]
        free -= given[-1]
    return given
