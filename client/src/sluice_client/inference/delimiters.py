"""Delimiter and header line of a text: those that make most of its first records one table."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from sluice.contracts import Dialect
from sluice.contracts.settings import encoding_fault
from sluice_client.errors import Refused
from sluice_client.inference.encodings import encoding_found
from sluice_client.intake import GivenFile
from sluice_engine.reading.compression import unpacked
from sluice_engine.reading.lines import SOUND, Signs, contents, delimiters, split
from sluice_engine.reading.source import Source

SIGNS = ",;\t|"
"""In this order where nothing tells them apart."""
GLANCE = 262_144
"""Bytes at the beginning in which records are counted."""
HEADERS = 20
"""Records among which the header is looked for."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The first records of a text, cut by one delimiter: most have `width` cells, and `lines` are the physical lines of these."""

    delimiter: str
    width: int
    lines: tuple[int, ...]
    first: int
    """Line of the first record that is not blank."""
    first_width: int
    torn: bool
    """A quote of that record is out of place."""

    @property
    def explained(self) -> int:
        """Delimiters that stand where they would in a table."""
        return len(self.lines) * (self.width - 1)

    @property
    def rank(self) -> tuple[bool, int]:
        """A table begins with the first record, unless none does."""
        return self.explained > 0 and self.first == self.lines[0], self.explained

    @property
    def headers(self) -> tuple[int, ...]:
        """Lines in which the header may stand, the likeliest first. No title is wider than the table: such a record has names."""
        return ((self.first,) if self.torn or self.first_width > self.width else ()) + self.lines[:HEADERS]


def text_dialects(file: GivenFile, asked: Dialect) -> Iterator[Dialect]:
    """The likeliest first; the header is sought among the first records that are as wide as most. Raises FileRejected, Refused."""
    if asked.encoding and (fault := encoding_fault(asked.encoding)):
        raise Refused("invalid-encoding", f"{fault}.")
    encoding = asked.encoding or encoding_found(unpacked(file.path, GLANCE, file.max_unpacked))
    text = next(Source(file.path, encoding, file.max_unpacked, GLANCE).text(), b"")
    cuts = [cut for sign in SIGNS if (cut := _cut(_whole_lines(text), sign))]
    if not cuts:
        raise Refused("empty-file", f"{file.path}: no line holds text. Send a file with a header and rows.")
    best = max(cuts, key=lambda cut: cut.rank)
    for line in [asked.header_row] if asked.header_row else best.headers:
        header_row = None if line == best.first else line
        yield replace(asked, encoding=encoding, delimiter=best.delimiter, header_row=header_row)
    if best.first_width != best.width and not asked.header_row:
        # whoever asks for more has found no header
        said = f"line {best.first} has {best.first_width} cells, and most rows have {best.width}"
        way = "Give the header a name for each column, or say with --header-row where it stands."
        raise Refused("wrong-columns", f"{file.path}: {said}. {way}")


def _whole_lines(text: bytes) -> bytes:
    """Without the line that the glance cuts off."""
    end = text.rfind(b"\n") + 1
    return text[:end] if end and len(text) >= GLANCE else text + b"\n"


def _cut(text: bytes, delimiter: str) -> Cut | None:
    """None where no record is whole."""
    signs = Signs(ord(delimiter), ord('"'))
    data = np.frombuffer(text, np.uint8)
    records = split(text, signs, final=True)
    _, counts = delimiters(data, records, signs)
    filled = contents(data, records) > records.starts
    sound = filled & (records.kinds == SOUND)
    if not sound.any():
        return None
    widths, often = np.unique(counts[sound], return_counts=True)
    width = int(widths[np.argmax(often)])
    lines = records.lines + 1
    first = int(np.flatnonzero(filled)[0])
    return Cut(
        delimiter,
        width,
        tuple(lines[sound & (counts == width)].tolist()),
        int(lines[first]),
        int(counts[first]),
        not sound[first],
    )
