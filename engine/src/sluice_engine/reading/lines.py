"""CSV text cut into records: places, field counts and quotes, found in one pass over bytes. Polars then splits sound ones.

Polars alone refuses a whole file for one unclosed quote and names no line; it pads short records in silence.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Bits = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
NEWLINE, RETURN = 10, 13


@dataclass(frozen=True, slots=True)
class Records:
    """Whole records of a block. `starts`, `ends` are offsets (end after the newline), `fields` the number of cells, `lines` the
    physical line of each start, counted from 0 at the block's start. `newlines` counts those of the records."""

    starts: Ints
    ends: Ints
    fields: Ints
    lines: Ints
    newlines: int


@dataclass(frozen=True, slots=True)
class StrayQuote:
    """A quote that neither opens nor closes a cell. `line` counts from 0; `opened` is the line of the quote open there."""

    line: int
    opened: int


def split(block: bytes, delimiter: int, quote: int) -> Records | StrayQuote:
    """Find the whole records of a block that begins at a record's start. What follows the last newline is left over."""
    data = np.frombuffer(block, np.uint8)
    quotes = data == quote
    quoted = bool(quotes.any())
    inside = np.bitwise_xor.accumulate(quotes) if quoted else quotes
    newlines = np.flatnonzero(data == NEWLINE)
    if quoted and (stray := _stray(data, np.flatnonzero(quotes), inside, delimiter)):
        wrong, opened = stray
        return StrayQuote(int(np.searchsorted(newlines, wrong)), int(np.searchsorted(newlines, opened)))
    ends = newlines[~inside[newlines]] + 1
    sound = int(ends[-1]) if len(ends) else 0
    starts = np.concatenate(([0], ends[:-1])) if len(ends) else ends
    delimiters = np.flatnonzero((data[:sound] == delimiter) & ~inside[:sound])
    fields = np.searchsorted(delimiters, ends) - np.searchsorted(delimiters, starts) + 1
    return Records(starts, ends, fields, np.searchsorted(newlines, starts), int(np.searchsorted(newlines, sound)))


def _stray(data: Bytes, at: Ints, inside: Bits, delimiter: int) -> tuple[int, int] | None:
    """Offset of the first quote (`at` has all) that is out of place, and of the one that opened its cell.

    An opening quote stands at the start of a cell or after a closing one (`""`); a closing one at its end or before another.
    """
    quote, last = data[at[0]], len(data) - 1
    before, after = data[np.maximum(at - 1, 0)], data[np.minimum(at + 1, last)]
    opens = inside[at]
    again = (before == quote) & (at > 0)
    starts_cell = (at == 0) | again | np.isin(before, (delimiter, NEWLINE))
    ends_line = (after == RETURN) & ((at + 1 == last) | (data[np.minimum(at + 2, last)] == NEWLINE))
    ends_cell = (at == last) | np.isin(after, (delimiter, NEWLINE, quote)) | ends_line
    wrong = np.flatnonzero(np.where(opens, ~starts_cell, ~ends_cell))
    if not len(wrong):
        return None
    first = int(wrong[0])
    openings = np.flatnonzero((opens & ~again)[: first + 1])
    return int(at[first]), int(at[openings[-1]])


def keep(block: bytes, records: Records, kept: Bits) -> bytes:
    """The kept records, in order, each still with its newline."""
    if kept.all():
        return block[: int(records.ends[-1])] if len(records.ends) else b""
    pairs = zip(records.starts[kept].tolist(), records.ends[kept].tolist(), strict=True)
    return b"".join(block[start:end] for start, end in pairs)
