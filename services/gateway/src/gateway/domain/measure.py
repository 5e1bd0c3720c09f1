"""Bytes are measured as they pass: how many, their SHA-256, and whether they begin as their format does."""

import hashlib
from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.domain.zipdirectory import TAIL, unpacked_size
from gateway.errors import EmptyFile, FileTooLarge, FormatMismatch
from sluice.events import FileFormat
from sluice.signatures import HEAD, mismatch

if TYPE_CHECKING:
    from hashlib import _Hash


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of bytes that have all passed. `size` in bytes, digests of SHA-256."""

    size: int
    sha256: str
    digest: str
    """The same as `sha256` in base64, as HTTP writes it."""


@dataclass(slots=True)
class Measure:
    """Takes a file's chunks in order. Holds a hash and the ends of the file, whatever its size. Limits in bytes; `unpacked` of XLSX."""

    format: FileFormat
    limit: int
    unpacked: int
    size: int = 0
    _head: bytes = b""
    _tail: bytes = b""
    _hash: "_Hash" = field(default_factory=hashlib.sha256)

    def take(self, chunk: bytes) -> None:
        """Raises FileTooLarge with the byte that crosses the limit, FormatMismatch once the beginning is known."""
        self.size += len(chunk)
        if self.size > self.limit:
            raise too_large(self.limit)
        self._hash.update(chunk)
        if len(self._head) < HEAD:
            self._head += chunk[: HEAD - len(self._head)]
            if len(self._head) == HEAD:
                check_head(self.format, self._head)
        if self.format is FileFormat.XLSX:
            self._tail = (self._tail + chunk)[-TAIL:]

    def finish(self) -> Measured:
        """Raises EmptyFile, FormatMismatch for a file shorter than HEAD, FileTooLarge for one that unpacks to too much."""
        if not self.size:
            raise EmptyFile("The file is empty. Send a file with a header and rows.")
        check_head(self.format, self._head)
        if self.format is FileFormat.XLSX:
            check_unpacked(self._tail, self.unpacked)
        digest = self._hash.digest()
        return Measured(self.size, digest.hex(), b64encode(digest).decode())


def check_unpacked(tail: bytes, limit: int) -> None:
    """Hold what the end of an XLSX file says of its parts against `limit` bytes. Raises FileTooLarge."""
    if (unpacked_size(tail) or 0) > limit:
        said = f"The workbook would unpack to more than {limit:,} bytes"
        raise FileTooLarge(f"{said}. Split it into several files, or send CSV.")


def check_head(promised: FileFormat, head: bytes) -> None:
    """Hold the first bytes of a file against the format that its name promises. Raises FormatMismatch."""
    if said := mismatch(promised, head):
        raise FormatMismatch(said)


def too_large(limit: int) -> FileTooLarge:
    """The refusal of a file above `limit` bytes."""
    return FileTooLarge(f"A file may have {limit:,} bytes at most. Split it into several files.")
