"""Packed text, unpacked as a stream: what is in memory is bounded by a block, whatever a file claims to hold."""

import gzip
import zlib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

import zstandard

from sluice_engine.errors import FileRejected

ZSTD_STEP = 1_024
"""Packed bytes at a time. Four of them can become 128 KiB: one step unpacks to 32 MiB at most."""


class Compression(StrEnum):
    GZIP = "gzip"
    ZSTD = "zstd"


MAGIC = {b"\x1f\x8b": Compression.GZIP, b"\x28\xb5\x2f\xfd": Compression.ZSTD}


def compression_of(path: Path) -> Compression | None:
    """How the file is packed, by its first bytes; no text begins with these."""
    with path.open("rb") as file:
        head = file.read(4)
    return next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), None)


def unpacked(path: Path, size: int, most: int) -> Iterator[bytes]:
    """The file's bytes, unpacked where it is packed, in pieces of about `size`.

    Raises FileRejected: `resource-limit` where more than `most` bytes come out, `unreadable-file` where the packed stream is broken.
    """
    kind = compression_of(path)
    with path.open("rb") as file:
        match kind:
            case None:
                yield from iter(lambda: file.read(size), b"")
            case Compression.GZIP:
                yield from _limited(_gzip(file, size), most)
            case Compression.ZSTD:
                yield from _limited(_zstd(file, size), most)


def _gzip(file: BinaryIO, size: int) -> Iterator[bytes]:
    try:
        with gzip.GzipFile(fileobj=file) as stream:
            yield from iter(lambda: stream.read(size), b"")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _broken(Compression.GZIP) from error


def _zstd(file: BinaryIO, size: int) -> Iterator[bytes]:
    """One frame after the other. The library's own stream reader takes a truncated frame for a whole one."""
    try:
        waiting, frame, packed = b"", None, b""
        while packed := packed or file.read(ZSTD_STEP):
            frame = frame or zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
            waiting += frame.decompress(packed)
            packed = frame.unused_data if frame.eof else b""
            frame = None if frame.eof else frame
            if len(waiting) >= size:
                yield waiting
                waiting = b""
    except zstandard.ZstdError as error:
        raise _broken(Compression.ZSTD) from error
    if frame:
        raise _broken(Compression.ZSTD)
    if waiting:
        yield waiting


def _limited(pieces: Iterator[bytes], most: int) -> Iterator[bytes]:
    seen = 0
    for piece in pieces:
        seen += len(piece)
        if seen > most:
            said = f"Unpacked, the file has more than {most:,} bytes, which is the limit."
            raise FileRejected("resource-limit", f"{said} Split it into several files.")
        yield piece


def _broken(kind: Compression) -> FileRejected:
    return FileRejected(
        "unreadable-file", f"The {kind} stream is cut off or damaged. Pack the file again, and upload it whole."
    )
