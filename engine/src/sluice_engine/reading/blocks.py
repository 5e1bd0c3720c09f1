"""A text as blocks of whole records: what is in memory is a small multiple of a block, unless one record is longer."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sluice_engine.errors import Fault, FileRejected
from sluice_engine.reading.lines import (
    NEWLINE,
    Bytes,
    Ints,
    Records,
    Signs,
    has_lone_return,
    last_end,
    positions,
    split,
    well_placed,
)

LONGEST_RECORD = 33_554_432
"""A quote that does not close within so many bytes is taken for one that never closes."""


@dataclass(frozen=True, slots=True)
class Block:
    """Whole records of a text that begin in physical line `line`, `offset` bytes after its start: the first `size` bytes of `text`.

    `records` is None where every quote is well placed and no CR stands alone: records then end with each LF outside the `quotes`.
    """

    text: bytes
    size: int
    line: int
    offset: int
    newlines: int
    quotes: Ints
    records: Records | None

    @property
    def view(self) -> memoryview:
        return memoryview(self.text)[: self.size]

    @property
    def array(self) -> Bytes:
        return np.frombuffer(self.view, np.uint8)


@dataclass(slots=True)
class Window:
    """What was read of a text and not yet passed on, and where it begins."""

    pieces: Iterator[bytes]
    data: bytes = b""
    line: int = 1
    offset: int = 0
    ended: bool = False

    def grow(self) -> None:
        """One piece more. At the end of the text, a last line without a line end gets one."""
        piece = next(self.pieces, b"")
        self.ended = not piece
        if piece:
            self.data += piece
        elif self.data and not self.data.endswith((b"\n", b"\r")):
            self.data += b"\n"

    def drop(self, size: int, lines: int) -> None:
        self.data = self.data[size:]
        self.offset += size
        self.line += lines

    @property
    def overfull(self) -> bool:
        return len(self.data) > LONGEST_RECORD


def too_long(line: int) -> FileRejected:
    said = f"Line {line} has more than {LONGEST_RECORD:,} bytes, which is the limit for a line."
    return FileRejected("resource-limit", said, Fault("resource-limit", "shorter lines", said, line=line))


def blocks(window: Window, signs: Signs) -> Iterator[Block]:
    """The rest of the text. Raises FileRejected where a line is longer than a record may be."""
    while True:
        block = cut(window.data, window.line, window.offset, signs, final=window.ended or window.overfull)
        if block:
            yield block
            window.drop(block.size, block.newlines)
        elif window.overfull:
            raise too_long(window.line)
        if window.ended and not window.data:
            return
        window.grow()


def cut(text: bytes, line: int, offset: int, signs: Signs, *, final: bool) -> Block | None:
    """The whole records of a text that begins with one. The work is in proportion to its quotes, unless something is odd."""
    data = np.frombuffer(text, np.uint8)
    quotes = positions(data, signs.quote) if signs.quote in text else np.empty(0, np.int64)
    if not has_lone_return(text) and well_placed(data, quotes, signs):
        end = last_end(data, quotes) if len(quotes) else text.rfind(b"\n") + 1
        if end and not (final and (end < len(text) or text.endswith(b"\r"))):
            newlines = int(np.count_nonzero(data[:end] == NEWLINE))
            return Block(text, end, line, offset, newlines, quotes[: np.searchsorted(quotes, end)], None)
    records = split(text, signs, final=final)
    return Block(text, records.end, line, offset, records.newlines, quotes, records) if records.end else None
