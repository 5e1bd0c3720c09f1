"""CSV text cut into records: places, field counts and quotes, found in one pass over bytes. Polars then splits sound ones.

Polars alone refuses a whole file for one unclosed quote and names no line; it pads short records in silence.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

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
    inside = np.bitwise_xor.accumulate(quotes) if quotes.any() else quotes
    every = np.flatnonzero(data == NEWLINE)
    ends = every[~inside[every]] + 1
    sound = int(ends[-1]) if len(ends) else 0
    if quotes.any() and (stray := _stray(data, quotes, inside, delimiter, every, quote)) is not None:
        return stray
    starts = np.concatenate(([0], ends[:-1])) if len(ends) else ends
    delimiters = np.flatnonzero((data[:sound] == delimiter) & ~inside[:sound])
    fields = np.searchsorted(delimiters, ends) - np.searchsorted(delimiters, starts) + 1
    return Records(starts, ends, fields, np.searchsorted(every, starts), int(np.searchsorted(every, sound)))


def _stray(
    data: npt.NDArray[np.uint8], quotes: Bits, inside: Bits, delimiter: int, every: Ints, quote: int
) -> StrayQuote | None:
    """An opening quote stands at the start of a cell or after a closing one (`""`); a closing one at its end or before another."""
    at = np.flatnonzero(quotes)
    before = data[np.maximum(at - 1, 0)]
    after = data[np.minimum(at + 1, len(data) - 1)]
    opens = inside[at]
    starts_cell = (at == 0) | (before == delimiter) | (before == NEWLINE) | (before == quote)
    ends_cell = (at == len(data) - 1) | np.isin(after, (delimiter, NEWLINE, RETURN, quote))
    wrong = np.flatnonzero(np.where(opens, ~starts_cell, ~ends_cell))
    if not len(wrong):
        return None
    first = int(wrong[0])
    line = int(np.searchsorted(every, at[first]))
    opened = line if opens[first] else int(np.searchsorted(every, _cell_start(at, opens, before, quote, first)))
    return StrayQuote(line, opened)


def _cell_start(at: Ints, opens: Bits, before: npt.NDArray[np.uint8], quote: int, index: int) -> int:
    """Offset of the quote that opened the cell in which the quote number `index` stands."""
    openings = np.flatnonzero(opens[: index + 1] & ((before[: index + 1] != quote) | (at[: index + 1] == 0)))
    return int(at[openings[-1]]) if len(openings) else 0


def keep(block: bytes, records: Records, kept: Bits) -> bytes:
    """The kept records, in order, each still with its newline."""
    if kept.all():
        return block[: int(records.ends[-1])] if len(records.ends) else b""
    pairs = zip(records.starts[kept].tolist(), records.ends[kept].tolist(), strict=True)
    return b"".join(block[start:end] for start, end in pairs)
