"""What the gateway needs of the world, by role."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from gateway.domain.resumable import Arrived, Conclusion, ResumableUpload, Seal, Tail
from sluice.claims import Held
from sluice.contracts import Activation, Comparison, Contract, SameContent, Version
from sluice.corrections import Basis
from sluice.events import (
    ContractRef,
    Envelope,
    Event,
    FileUploaded,
    ObjectRef,
    Problem,
    TaskCommand,
    TaskCompleted,
    TaskFact,
)
from sluice.multipart import Part, PartWriter, Pieces
from sluice.pauses import Pause

Acceptance = Envelope[FileUploaded]
Command = Envelope[TaskCommand]


class Sink(Protocol):
    """Takes the bytes of one file, in order."""

    async def write(self, chunk: bytes) -> None: ...


class FileStore(Protocol):
    """Keeps bytes. Every method raises Transient while it does not answer."""

    def upload(self, key: str) -> AbstractAsyncContextManager[Sink]:
        """Bytes become visible when the block ends; leaving it by an exception leaves nothing behind."""

    async def delete(self, key: str) -> None:
        """What is not there is fine."""

    def uri(self, key: str) -> str: ...


@dataclass(frozen=True, slots=True)
class RawObject:
    """Bytes of an upload as they lie on S3. `size` in bytes."""

    key: str
    uri: str
    task_id: UUID
    upload_id: UUID
    size: int
    written_at: datetime


class RawObjects(Protocol):
    """What was uploaded, whether accepted or not. Every method raises Transient while it cannot be told."""

    def of_day(self, day: str) -> AsyncIterator[RawObject]:
        """Those whose upload began on that day (`yyyy-mm-dd`); objects of one task come one after the other."""

    async def remove(self, key: str) -> None: ...


class Objects(Protocol):
    """Objects of others on S3. Every method raises ObjectMissing, ObjectDenied, and Transient while S3 does not answer."""

    async def look(self, uri: str) -> ObjectRef:
        """The object as it lies there now, with size and ETag."""

    async def read(self, content: ObjectRef, first: int, last: int) -> bytes:
        """Its bytes `first` to `last`, counted from 0. Raises ObjectChanged where another object lies there by now."""


class Contracts(Protocol):
    async def active(self, datasource: str) -> ContractRef | None:
        """The version that new files are held against; None where the datasource is unknown."""


class ContractReader(Contracts, Protocol):
    """Raises Transient while the storage does not answer."""

    async def get(self, reference: ContractRef) -> Contract:
        """Raises ObjectMissing, ContractInvalid."""

    async def compared(self, before: ContractRef | None, new: Contract) -> Comparison | None:
        """What `new` changes; None where there is nothing before, or nothing that can be read any more."""

    def changed(self, active: ContractRef) -> None:
        """It was put in force just now."""


class Versions(Protocol):
    """Every version of every contract. A version never changes. Every method raises Transient, and may be repeated."""

    async def put(self, reference: ContractRef, body: bytes) -> bool:
        """Once; False: it is there already. Raises VersionExists where it is there with other content."""

    async def is_new(self, reference: ContractRef, body: bytes) -> bool:
        """What `put` would say."""

    async def read(self, reference: ContractRef) -> bytes:
        """Raises ObjectMissing."""

    def of(self, datasource: str, after: str = "") -> AsyncIterator[Version]:
        """Those behind the version `after`."""

    def datasources(self, after: str = "") -> AsyncIterator[str]:
        """Names of those that have a contract, behind the name `after`."""

    async def activate(self, new: ContractRef, by: str, expected: str | None = None) -> Activation:
        """Of many at once each has its turn. Raises ActiveChanged where another was in force than `expected`; `""` stands for none."""

    async def history(self, datasource: str, most: int) -> list[Activation]:
        """The last activations, the latest first."""


class AcceptanceLedger(Protocol):
    """The durable record of what was accepted. Every method raises Transient while it does not answer."""

    async def claimed(self, task_id: UUID) -> Acceptance | None:
        """The acceptance that holds this task's idempotency key, if any does."""

    async def claim(self, acceptance: Acceptance) -> Acceptance:
        """Claim the task for this acceptance, or learn whose it is. Of many at once exactly one wins."""

    async def record(self, acceptance: Acceptance) -> bool:
        """Write down, once. False if it is written already. From now on the file is accepted."""

    async def has(self, acceptance: Acceptance) -> bool:
        """Is it written down?"""

    async def read(self, day: str, task_id: UUID) -> Acceptance:
        """Raises Permanent where the record is missing or broken."""

    def recorded(self, day: str) -> AsyncIterator[UUID]:
        """Tasks accepted on that day (`yyyy-mm-dd`)."""

    def without_outcome(self, day: str) -> AsyncIterator[UUID]:
        """Those of `recorded` that have no outcome yet."""


class ResumableUploads(Protocol):
    """Uploads that come in several requests, and all that any replica needs to go on with them.

    Every method raises Transient while it does not answer; those that write may be repeated.
    """

    def locked(self, upload_id: UUID, patience: float, wanted: Callable[[], None]) -> AbstractAsyncContextManager[None]:
        """One request at a time, as far as clocks agree. Whoever is at it is asked to let go, and waited for `patience` seconds.

        `wanted` is called when another asks the same of us. Raises UploadLocked.
        """

    async def begin(self, key: str) -> str:
        """Begin an object in parts; its id."""

    async def create(self, upload: ResumableUpload) -> None: ...

    async def find(self, upload_id: UUID) -> ResumableUpload | None: ...

    async def arrived(self, upload: ResumableUpload) -> Arrived: ...

    async def writer(self, upload: ResumableUpload, arrived: Arrived) -> PartWriter:
        """Goes on where the bytes end that have arrived."""

    async def keep(self, upload: ResumableUpload, tail: Pieces, base: int) -> Tail: ...

    async def drop(self, upload: ResumableUpload, tails: Iterable[Tail]) -> None: ...

    async def put_whole(self, upload: ResumableUpload, content: bytes) -> None:
        """The object of an upload that has no parts, once. Raises OffsetConflict where it is there."""

    async def join(self, upload: ResumableUpload, parts: tuple[Part, ...]) -> None:
        """Make the object of these very parts. Raises UploadGone."""

    def read(self, upload: ResumableUpload) -> AsyncIterator[bytes]:
        """The object's bytes."""

    def uri(self, upload: ResumableUpload) -> str: ...

    async def seal(self, upload: ResumableUpload, seal: Seal) -> Seal:
        """Put the seal, or learn which stands. Of many at once exactly one wins."""

    async def conclude(self, upload: ResumableUpload, conclusion: Conclusion) -> Conclusion:
        """The same for the conclusion."""

    async def discard(self, upload: ResumableUpload) -> None:
        """Remove its bytes."""

    async def remove(self, upload_id: UUID) -> None:
        """Remove everything but bytes that have become an object."""

    def oldest(self) -> AsyncIterator[UUID]:
        """All of them, in the order in which they were created."""

    async def abort_unfinished(self, before: Callable[[UUID], bool]) -> int:
        """Throw away objects in parts that nobody knows of any more and for whose id `before` holds. How many there were."""


class Corrections(Protocol):
    """Which task may correct which. Both say a Problem where it may not; they raise Transient while it cannot be told."""

    async def check(self, datasource: str, parent: UUID, child: UUID) -> Basis | Problem:
        """Could this child be claimed now? Changes nothing."""

    async def claim(self, child: FileUploaded) -> Basis | Problem:
        """Claim its parent for this child, once. Of many at once exactly one wins."""


class EventPublisher(Protocol):
    async def publish(self, envelope: Envelope[Event]) -> None:
        """Returning means that it is durable. Raises Transient; it may have landed all the same."""


class Contents(Protocol):
    """Which task holds which bytes. Raises Transient while it cannot be told."""

    async def rule(self, contract: ContractRef) -> SameContent:
        """What the contract says of bytes that are held already."""

    async def holder(self, task: FileUploaded) -> Held | None:
        """Who holds the bytes of this task; changes nothing."""

    async def claim(self, task: FileUploaded) -> Held | None:
        """Claim its bytes for this task; None: they are its own, else whose they are. Of many at once exactly one wins."""


class Tasks(Protocol):
    """What the ledger knows of tasks. Raises Transient while it does not answer."""

    async def accepted(self, task_id: UUID) -> FileUploaded | None: ...

    async def find(self, task_id: UUID) -> TaskFact | None:
        """Whatever tells of it; a FileUploaded where its acceptance is kept."""

    async def outcome(self, accepted_at: datetime, task_id: UUID) -> TaskCompleted | None: ...


class CommandLedger(Protocol):
    """The durable record of what was asked of tasks. Every method raises Transient while it does not answer."""

    async def record(self, command: Command) -> Command:
        """Write down, or learn what stands there: the same command is asked once, however often it comes."""

    async def retraction(self, task_id: UUID, number: int) -> Command | None:
        """The n-th attempt to retract a task, n = 1, 2, …"""

    async def claim_retraction(self, command: Command, number: int) -> Command:
        """Claim the n-th attempt, or learn whose it is. Of many at once exactly one wins."""

    async def is_recorded(self, command_id: UUID, since: datetime, until: datetime) -> bool:
        """On one of the days from the one to the other."""

    def of_day(self, day: str) -> AsyncIterator[UUID]:
        """Event ids of the commands recorded on that day (`yyyy-mm-dd`)."""

    async def read(self, day: str, command_id: UUID) -> Command:
        """Raises Permanent where the record is missing or broken."""


class Pauses(Protocol):
    """Which datasources are paused. Every method raises Transient, and may be repeated."""

    async def find(self, datasource: str) -> Pause | None: ...

    async def begin(self, datasource: str, pause: Pause) -> Pause:
        """Of many, the first one stands until it is ended."""

    async def end(self, datasource: str) -> None: ...


class Outbound(Protocol):
    """Where events wait to be published."""

    def hand_over(self, envelope: Envelope[Event]) -> bool:
        """Never waits. False if there is no room: the sweep brings it again."""
