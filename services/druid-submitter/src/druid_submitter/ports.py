"""What the use cases need of the world."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from druid_submitter.domain.admission import Capacity
from druid_submitter.domain.failure import Words
from druid_submitter.domain.ingestion import Cause, Ingestion, Phase
from druid_submitter.domain.interval import Interval
from druid_submitter.domain.turn import Turn, Wish
from druid_submitter.domain.watch import Presence, RowStats, TaskStatus
from sluice.contracts import Contract
from sluice.events import (
    ContractRef,
    DruidSubmitted,
    Envelope,
    Event,
    FileValidated,
    Problem,
    TaskCommand,
    TaskCompleted,
    WaitsFor,
)


class Contracts(Protocol):
    async def get(self, reference: ContractRef) -> Contract: ...


class Verdicts(Protocol):
    async def verdict(self, datasource: str, task_id: UUID) -> FileValidated | None:
        """As the validator has written it down. Raises Transient."""


class Outcomes(Protocol):
    async def outcome(self, accepted_at: datetime, task_id: UUID) -> TaskCompleted | None:
        """As it stands on S3, where it is known before this. Raises Transient."""


class Evidence(Protocol):
    async def keep(self, datasource: str, task_id: UUID, attempt: int, words: Words) -> str:
        """Keep what Druid said of an attempt, once; where it lies. Raises Transient."""


class EventPublisher(Protocol):
    """For what may be lost; what may not leaves through the outbox."""

    async def publish(self, envelope: Envelope[Event]) -> None:
        """Raises Transient."""


class DruidTasks(Protocol):
    """Druid, asked. Every method raises Transient while it does not answer."""

    async def submit(self, spec: dict[str, Any]) -> None:
        """Hand a task over; one that stands there already under this id is the same one.

        Raises SpecRefused; IdBurnt when another kind of task holds the id; QueueFull.
        """

    async def burn(self, task_id: str, datasource: str) -> bool:
        """See to it that no ingestion can run under the id any more. False where one stands there already."""

    async def stop(self, task_id: str) -> None:
        """Ask for a running task to be stopped; it ends as FAILED. Of one that has ended, or is not known, nothing comes."""

    async def statuses(self, task_ids: Sequence[str]) -> dict[str, TaskStatus]:
        """Of those that Druid does not name at once, a few are asked for one by one, in this order: UNKNOWN where there is no such
        task. The others are left out.
        """

    async def capacity(self) -> Capacity | None:
        """Its task slots; None where it does not say."""

    async def segment_types(self, datasource: str, interval: Interval) -> Sequence[Mapping[str, str]]:
        """Of each segment that a query reads in the interval: its dimensions, and their types in Druid's capitals.

        Raises SegmentsUnknown while the Broker does not name each that has rows.
        """

    async def locked(self, datasource: str) -> Sequence[Interval]:
        """Held by tasks of at least this priority, so that one which replaces rows there would wait; none where Druid does not say."""

    async def words(self, datasource: str, task_id: str) -> Words:
        """What it says of a task that has failed."""

    async def rules(self, datasource: str) -> Sequence[Mapping[str, Any]]:
        """Retention rules of the datasource, in their order, with those of all; none where they are not told."""

    async def row_stats(self, task_id: str) -> RowStats | None:
        """Counts of a finished task's report; None while there is none."""

    async def extent(self, datasource: str) -> Interval | None:
        """From the first to the last of its segments; None where there are none."""

    async def rows(self, datasource: str, interval: Interval) -> int | None:
        """Rows of the interval that a query counts; None while a segment of it is not loaded."""

    async def columns(self, datasource: str) -> Collection[str]:
        """Their names; none where there is no such datasource."""

    async def count(self, datasource: str, task_id: UUID) -> int:
        """Rows of the task that a query counts, whatever is loaded."""

    async def presence(
        self, datasource: str, task_id: UUID, interval: Interval | None, *, rolled_up: bool = False
    ) -> Presence:
        """Rows of the task that a query counts, anywhere or in the interval, and as many as were accepted. `rolled_up`: several
        may have become one."""


class Ingestions(Protocol):
    """The row per task where verdict and Druid's answer meet. Changes of a lost lease have no effect.

    Pauses are counted from when they are kept, by the one clock that all replicas share.
    """

    async def record(self, cause: Cause) -> bool:
        """Keep the first cause of a task. False where there was one."""

    async def cancel(self, command: Envelope[TaskCommand]) -> None:
        """Keep that a task is to be cancelled, also before it is recorded; an open one is due at once."""

    async def repeat_outcome(self, task_id: UUID) -> None:
        """Have the outcome of a concluded task delivered once more; nothing where it is still open."""

    async def lease(self, phases: Collection[Phase], limit: int) -> list[Ingestion]:
        """Take over ingestions of these phases that are due and that nobody holds."""

    async def renew(self, held: Collection[Ingestion]) -> None:
        """Hold those for as long again that are held still; what was given back or taken over is left as it is."""

    async def turn(self, ingestion: Ingestion, wish: Wish) -> Turn:
        """Keep what it wishes, and say whether it was admitted."""

    async def step_back(self, ingestion: Ingestion, pause: timedelta, waits_for: WaitsFor) -> None:
        """Leave the place in Druid to others for a while. Its turn it keeps."""

    async def superseded(self, ingestion: Ingestion, wish: Wish) -> bool:
        """Would it be superseded, had it this wish? Changes nothing."""

    async def replaced(self, ingestion: Ingestion) -> bool:
        """Has a later file taken the place of its rows, as far as is known here?"""

    async def submitted(self, ingestion: Ingestion, fact: Envelope[DruidSubmitted], deadline: datetime) -> None: ...

    async def ingesting(self, ingestion: Ingestion) -> None: ...

    async def proving(self, ingestion: Ingestion) -> None:
        """Druid is done with it: its place is free."""

    async def look_again(self, ingestion: Ingestion) -> None:
        """Back to where Druid is asked for its state."""

    async def resubmit(self, ingestion: Ingestion, attempt: int, problem: Problem | None) -> None:
        """`problem`: of what Druid was given before, where that may have left rows."""

    async def try_again(self, ingestion: Ingestion, pause: timedelta) -> None:
        """With the next attempt, after a pause. Until then its place in Druid is for others; its turn it keeps."""

    async def clearing(self, ingestion: Ingestion, problem: Problem) -> None: ...

    async def conclude(self, ingestion: Ingestion, fact: Envelope[TaskCompleted]) -> None: ...

    async def wait(
        self,
        ingestion: Ingestion,
        pause: timedelta,
        *,
        unknown: bool = False,
        missing: bool = False,
        waits_for: WaitsFor | None = None,
    ) -> None:
        """Give it back, to be looked at again; at once where somebody has woken it meanwhile.

        `unknown`, `missing`: Druid did not know the task, or a query did not count all of its rows.
        """

    async def wait_all(self, held: Sequence[tuple[Ingestion, timedelta]]) -> None:
        """The same for many, of whom nothing new is known."""


class Paused(Protocol):
    async def __call__(self) -> Collection[str]:
        """Datasources of which nothing new may go to Druid, as of a few seconds ago. Raises Transient."""


class Admission(Protocol):
    """Who goes to Druid next, decided for all replicas."""

    async def capacity_is_due(self) -> bool:
        """True for one caller, where something waits and what is known of Druid's slots is old."""

    async def keep(self, capacity: Capacity | None) -> None: ...

    async def admit(self) -> None:
        """Give the places there are to those whose turn it is, but for paused datasources, and wake them.

        First to the datasource that has the fewest, then in the order of acceptance. Of tasks that may not run beside each
        other, exactly one has its turn until it is concluded.
        """


class Pace(Protocol):
    """When Druid may be asked for states: all replicas together are one asker."""

    async def may_ask(self) -> bool:
        """True for one caller at a time, where something is due."""

    async def heard(self) -> None:
        """Druid has answered."""

    async def silent(self) -> None:
        """It has not: the next question comes later, and ever later."""
