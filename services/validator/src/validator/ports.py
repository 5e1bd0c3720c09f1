"""What validating asks of the world."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol
from uuid import UUID

from sluice.contracts import Contract
from sluice.events import ContractRef, Envelope, Event, FileUploaded, FileValidated, ObjectRef, Problem
from sluice_engine.judged import Judged
from validator.domain.verdicts import Unjudged


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


Folders = Callable[[], AbstractContextManager[Path]]
"""A folder for one run, gone at the end."""


class Judge(Protocol):
    """Reads and judges what was fetched, in bounded memory and time."""

    async def __call__(self, run: Path, fact: FileUploaded, contract: Contract) -> Judged | Unjudged: ...


class Results(Protocol):
    """What a run found, kept where others read it. Raises Transient."""

    async def keep_report(self, fact: FileUploaded, run: UUID, folder: Path) -> str:
        """URI of the report."""
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
