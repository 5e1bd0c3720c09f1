"""A file that comes in several requests: what of it is there, worked out from what stands on S3.

Its parts lie on a fixed grid: part n is exactly the bytes from (n-1)·`part_size` to n·`part_size`, the last one what remains. So two
who write the same file can only write the same parts, and one that wakes up late does no harm. What does not fill a part yet is a tail.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self
from uuid import UUID

from pydantic import AwareDatetime

from gateway.domain.names import FileName
from sluice.events import ContractRef, FileFormat, Problem
from sluice.events.values import Value
from sluice.multipart import Part

TAIL = re.compile(r"([0-9]+)-([0-9]+)-([0-9a-f]{64})")


class ResumableUpload(Value):
    """What is known of an upload from its beginning; it never changes. Sizes in bytes.

    `metadata`: as the client sent it. `key`: of the object that the file becomes. `multipart`: S3's id of the upload in parts; None
    for a file that is smaller than one part, which is put whole.
    """

    upload_id: UUID
    caller: str
    contract: ContractRef
    filename: str
    format: FileFormat
    idempotency_key: str | None
    corrects: UUID | None
    dry_run: bool = False
    length: int
    part_size: int
    metadata: str
    created_at: AwareDatetime
    expires_at: AwareDatetime
    key: str
    multipart: str | None

    @property
    def name(self) -> FileName:
        """As it was checked at the beginning."""
        return FileName(self.filename, self.format)

    def whole(self, parts: Iterable[Part]) -> tuple[Part, ...]:
        """Those without a gap from the first on, each as long as it must be. `parts` in order."""
        kept: list[Part] = []
        for part in parts:
            start = len(kept) * self.part_size
            if part.number != len(kept) + 1 or part.size != min(self.part_size, self.length - start):
                break
            kept.append(part)
        return tuple(kept)


@dataclass(frozen=True, slots=True)
class Tail:
    """Bytes from `base`, where a part begins, to `end`, before that part is full. The name tells all, so its bytes never change."""

    base: int
    end: int
    sha256: str

    @classmethod
    def parse(cls, name: str) -> Self | None:
        found = TAIL.fullmatch(name)
        return cls(int(found[1]), int(found[2]), found[3]) if found else None

    @property
    def name(self) -> str:
        return f"{self.base}-{self.end}-{self.sha256}"


class Why(StrEnum):
    """Why an upload takes no more bytes."""

    COMPLETE = "complete"
    TERMINATED = "terminated"
    EXPIRED = "expired"
    REFUSED = "refused"


class Seal(Value):
    """Put once, before anything is made of the bytes or they are removed: it decides which of the two. `problem`: of a refused one."""

    why: Why
    problem: Problem | None = None


class Conclusion(Value):
    """What a complete upload came to, put once: the task that the file became, or why it became none."""

    task_id: UUID | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Arrived:
    """What S3 has of an upload: its whole parts, the tails that lie about, and whether the object `is_stored`."""

    parts: tuple[Part, ...] = ()
    tails: frozenset[Tail] = frozenset()
    is_stored: bool = False
    seal: Seal | None = None
    conclusion: Conclusion | None = None

    def tail(self, upload: ResumableUpload) -> Tail | None:
        """The longest that begins where the whole parts end."""
        fitting = (tail for tail in self.tails if tail.base == len(self.parts) * upload.part_size)
        return max(fitting, key=lambda tail: (tail.end, tail.sha256), default=None)

    def offset(self, upload: ResumableUpload) -> int:
        """The next byte that is wanted."""
        if self.is_stored:
            return upload.length
        tail = self.tail(upload)
        return tail.end if tail else min(len(self.parts) * upload.part_size, upload.length)
