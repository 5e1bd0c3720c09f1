"""Room in Druid: how many tasks of ours it may have, and how many slots each gets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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

    def reach(self, unknown: int) -> int:
        """Slots that one of ours can have at all while others use theirs: one in any case, if it waits for it in Druid's queue.

        `unknown`: in all, where Druid does not say.
        """
        return max(unknown if self.slots is None else self.most - self.others, 1)

    def holds(self, needs: int, unknown: int) -> bool:
        """Are so many free for a supervisor and its sub-tasks, so that it cannot wait for them for ever?

        Where workers must be started first, a task that waits in Druid is what starts them: one at a time.
        """
        if self.slots is None:
            return needs <= unknown - self.taken
        grows = self.slots - self.others < needs <= self.most - self.others
        return needs <= self.free or (grows and self.taken == 0)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Slots that a task can make use of, and without which it does nothing but wait."""

    slots: int
    needs: int = 1


def grant(wanted: Sequence[Wanted], room: Room, per_slot: float, unknown: int) -> list[int]:
    """Slots for each of those whose turn it is, in their order, while there are places. Nobody needs more than are in reach.

    A parallel task gets slots only that are free, so that supervisors can never hold all of them and wait for their own
    sub-tasks. Else it does its work in one, or, if it cannot, waits for those it needs: nobody behind it gets any meanwhile.
    """
    given: list[int] = []
    for each in wanted:
        if room.places(per_slot, unknown) <= 0:
            break
        if each.needs > 1 and not room.holds(each.needs, unknown):
            break
        slots = min(each.slots, room.free)
        given.append(slots if slots >= SUPERVISED else each.needs)
        room = replace(room, taken=room.taken + given[-1])
    return given
