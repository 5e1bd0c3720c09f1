"""Headers of tus 1.0.0, read and checked."""

import binascii
import hashlib
from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from gateway.errors import ChecksumMismatch, ChunkTooLarge, InvalidTusRequest, WrongMediaType
from sluice.multipart import PART_SIZE, Pieces

ALGORITHMS = ("sha256", "sha1", "md5")
CHUNK_TYPE = "application/offset+octet-stream"
LARGEST_CHECKED = PART_SIZE
"""Bytes of a chunk with a checksum: it is held in memory until it is known to agree."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What `Upload-Metadata` must and may say; what else stands there is only kept."""

    filename: str
    datasource: str
    corrects: UUID | None
    idempotency_key: str | None
    dry_run: bool

    @classmethod
    def parse(cls, header: str) -> Self:
        """Raises InvalidTusRequest."""
        pairs = [pair.strip().partition(" ") for pair in header.split(",")]
        said = {key: _text(value) for key, _, value in pairs if key in _KNOWN}
        if not said.get("filename") or not said.get("datasource"):
            raise InvalidTusRequest(
                "Upload-Metadata must name the file and where it goes: filename <base64>,datasource <base64>."
            )
        key = said.get("idempotency_key") or None
        if key and not (len(key) <= 200 and key.isascii() and key.isprintable()):  # noqa: PLR2004 - as the header's
            raise InvalidTusRequest("idempotency_key in Upload-Metadata may have 200 printable ASCII characters.")
        if (dry_run := said.get("dry_run", "false")) not in {"true", "false"}:
            raise InvalidTusRequest("dry_run in Upload-Metadata must be true or false.")
        return cls(said["filename"], said["datasource"], _task(said.get("corrects")), key, dry_run == "true")


_KNOWN = frozenset({"filename", "datasource", "corrects", "idempotency_key", "dry_run"})


def _text(value: str) -> str:
    try:
        return b64decode(value, validate=True).decode()
    except ValueError:
        raise InvalidTusRequest("Values in Upload-Metadata must be Base64 of UTF-8 text.") from None


def _task(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise InvalidTusRequest("corrects in Upload-Metadata must be the id of a task.") from None


def require_chunk(content_type: str | None) -> None:
    """Raises WrongMediaType."""
    if content_type != CHUNK_TYPE:
        raise WrongMediaType(f"Bytes of an upload come as Content-Type: {CHUNK_TYPE}.")


async def agreeing(body: AsyncIterator[bytes], checksum: str) -> AsyncIterator[bytes]:
    """The body once it has come whole and agrees with `Upload-Checksum`.

    Raises InvalidTusRequest, ChunkTooLarge, ChecksumMismatch, and what cuts a body short.
    """
    algorithm, _, said = checksum.partition(" ")
    if algorithm not in ALGORITHMS:
        raise InvalidTusRequest(
            f"Upload-Checksum must be one of {', '.join(ALGORITHMS)}, a space, and the digest in Base64."
        )
    digest, chunk = hashlib.new(algorithm, usedforsecurity=False), Pieces()
    async for piece in body:
        digest.update(piece)
        chunk.append(piece)
        if len(chunk) > LARGEST_CHECKED:
            raise ChunkTooLarge(f"A chunk with a checksum may have {LARGEST_CHECKED:,} bytes. Send smaller chunks.")
    if binascii.b2a_base64(digest.digest(), newline=False).decode() != said.strip():
        raise ChecksumMismatch("The chunk does not have the checksum that Upload-Checksum says. Send it again.")
    return _once(bytes(chunk))


async def _once(chunk: bytes) -> AsyncIterator[bytes]:
    yield chunk
