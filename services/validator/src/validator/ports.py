"""What validating asks of the world."""

from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from typing import Protocol
from uuid import UUID

from sluice.contracts import Contract
from sluice.events import ContractRef, Envelope, Event, FileUploaded, FileValidated, ObjectRef, Problem
from sluice_engine.judged import Judged
from validator.domain.verdicts import Crashed, Unjudged


class Contracts(Protocol):
    """Raises Transient while they cannot be read."""

    async def active(self, datasource: str) -> ContractRef | None: ...

    async def get(self, reference: ContractRef) -> Contract:
        """Raises ObjectMissing, ContractInvalid."""
        ...


class Files(Protocol):
    """The bytes that were uploaded."""

    async def fetch(self, source: ObjectRef, run: Path) -> Problem | None:
        """Bring exactly these bytes into the folder of the run; or say why they are not there. Raises Transient."""
        ...


class Corrections(Protocol):
    """Which file may bring back rejected rows of which task."""

    async def prepare(self, fact: FileUploaded, run: Path, *, claimed: bool) -> Problem | None:
        """Bring the rows that are still open into the folder of the run, where the task was accepted in part.

        Or say why this file may not correct it. Not `claimed`: nobody has claimed the task for it yet. Raises Transient.
        """
        ...


Folders = Callable[[], AbstractContextManager[Path]]
"""A folder for one run, gone at the end."""


class Reader(Protocol):
    """Reads and judges what was fetched, once, in bounded memory and time."""

    async def __call__(self, run: Path, fact: FileUploaded, contract: Contract) -> Judged | Unjudged | Crashed: ...


class Attempt(Protocol):
    """One reader at work, marked where every replica sees it."""

    async def crashed(self, reason: str) -> None:
        """It died: the mark stays, and counts. Raises Transient."""
        ...


class Attempts(Protocol):
    """How many readers a file has killed, across processes."""

    async def begin(self, fact: FileUploaded) -> AbstractAsyncContextManager[Attempt] | Problem:
        """Mark an attempt; or say why there is to be none. Leaving its block, unless after a crash, removes the mark.

        Raises Transient, also while others read the file and all marks are taken.
        """
        ...


class Results(Protocol):
    """What a run found, kept where others read it. Raises Transient."""

    async def keep_report(self, fact: FileUploaded, run: UUID, folder: Path) -> str:
        """URI of the report."""
        ...

    async def keep_files(self, fact: FileUploaded, run: UUID, folder: Path, names: Collection[str]) -> None:
        """Files for the sender, beside the report."""
        ...

    async def keep_parts(self, fact: FileUploaded, run: UUID, folder: Path, count: int) -> tuple[str, ...]:
        """URIs of the canonical parts, in order."""
        ...


class Verdicts(Protocol):
    """One verdict per task; the first that is written stands. Raises Transient."""

    async def find(self, fact: FileUploaded) -> Envelope[FileValidated] | None: ...

    async def settle(self, verdict: Envelope[FileValidated]) -> Envelope[FileValidated]:
        """Write it, or learn the one that stands already."""
        ...


class EventPublisher(Protocol):
    async def publish(self, envelope: Envelope[Event]) -> None:
        """Raises Transient."""
        ...
