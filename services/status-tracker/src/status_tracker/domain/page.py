"""Lists in pages: which tasks, how many, and after which one."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from status_tracker.domain.task import State, Task


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last task of a page. Tasks that come in meanwhile move nothing behind it."""

    accepted_at: datetime
    task_id: UUID

    def encode(self) -> str:
        return urlsafe_b64encode(f"{self.accepted_at.isoformat()} {self.task_id}".encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> "Cursor":
        """Raises ValueError."""
        try:
            at, _, task_id = urlsafe_b64decode(text.encode() + b"==").decode().partition(" ")
        except binascii.Error as error:
            raise ValueError("not a cursor") from error
        accepted_at = datetime.fromisoformat(at)
        if accepted_at.tzinfo is None:
            raise ValueError("not a cursor")
        return cls(accepted_at, UUID(task_id))


@dataclass(frozen=True, slots=True)
class Selection:
    """Which tasks to list, newest first. None selects all."""

    datasources: frozenset[str] | None = None
    state: State | None = None
    after: Cursor | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Page:
    """`next` is where the next page starts; None on the last."""

    tasks: tuple[Task, ...]
    next: Cursor | None
