"""CSV text cut into records by numpy: where each begins and ends, and which are broken.

Polars splits sound records faster than anything here could, but it refuses a whole file for one unclosed quote, names no line and
pads short records in silence. So only a block of which it is proved that it is sound is left to Polars alone.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Bits = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Kinds = npt.NDArray[np.uint8]
NEWLINE, RETURN = 10, 13
SOUND, STRAY, UNCLOSED, NUL = range(4)
"""Kinds of records: broken by a quote amid a cell, by one that never closes, by a NUL byte."""

TAIL = 65_536
"""Bytes at a block's end among which the end of its last record is looked for first."""


@dataclass(frozen=True, slots=True)
class Signs:
    """The two characters that structure a text, as bytes."""

    delimiter: int
    quote: int


@dataclass(frozen=True, slots=True)
class Records:
    """Whole records of a block, in order, blank lines among them.

    `starts` and `ends` are offsets (an end is after the line end), `kinds` says which are SOUND, `lines` is the physical line of each
    start, counted from 0 at the block's start. `newlines` counts the line ends of all; a lone CR is one.
    """

    starts: Ints
    ends: Ints
    kinds: Kinds
    lines: Ints
    newlines: int

    @property
    def placed(self) -> Bits:
        """Whose quotes are all in place."""
        return np.isin(self.kinds, (SOUND, NUL))

    @property
    def end(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0


def positions(data: Bytes, sign: int) -> Ints:
    return np.flatnonzero(data == sign)


def has_lone_return(block: bytes) -> bool:
    """A CR before anything but LF, and not at the very end, where nobody knows what follows."""
    if b"\r" not in block:
        return False
    data = np.frombuffer(block, np.uint8)
    return bool(((data[:-1] == RETURN) & (data[1:] != NEWLINE)).any())


def well_placed(data: Bytes, quotes: Ints, signs: Signs) -> bool:
    """Does each quote open a cell at its start or close it at its end? What is beyond the data is taken to be fitting."""
    opens, closes = _placed(data, quotes[0::2], quotes[1::2], signs)
    return bool(opens.all() and closes.all())


def _placed(data: Bytes, opening: Ints, closing: Ints, signs: Signs) -> tuple[Bits, Bits]:
    """Which quotes may open a cell, and which may close one. A doubled quote closes and opens again."""
    fitting = np.zeros(256, np.bool_)
    fitting[[signs.delimiter, signs.quote, NEWLINE, RETURN]] = True
    # clipped at both ends of the data, the neighbour is the quote itself, which fits
    before, after = data.take(opening - 1, mode="clip"), data.take(closing + 1, mode="clip")
    return fitting.take(before), fitting.take(after)


def last_end(data: Bytes, quotes: Ints) -> int:
    """Offset after the last line end outside quotes, all of which are well placed; 0 where there is none."""
    for begin in (max(0, len(data) - TAIL), 0):
        newlines = positions(data[begin:], NEWLINE) + begin
        outside = newlines[np.searchsorted(quotes, newlines) & 1 == 0]
        if len(outside):
            return int(outside[-1]) + 1
    return 0


def line_ends(block: bytes, *, final: bool) -> Ints:
    """Offsets of the last byte of each line end: LF, CRLF, or a CR alone. A CR that ends the block is one only if nothing follows."""
    data = np.frombuffer(block, np.uint8)
    newlines = positions(data, NEWLINE)
    if b"\r" not in block:
        return newlines
    returns = positions(data, RETURN)
    if not final:
        returns = returns[returns < len(data) - 1]
    following = data[np.minimum(returns + 1, len(data) - 1)]
    return np.sort(np.concatenate((newlines, returns[following != NEWLINE])), kind="stable")


def split(block: bytes, signs: Signs, *, final: bool) -> Records:
    """The whole records of a block that begins at a record's start.

    A record whose quote is out of place, or does not close before the end of a `final` block, ends with its first physical line; the
    next line begins a record. What follows the last whole record is left over; of a final block that ends with a line end, nothing is.
    """
    data = np.frombuffer(block, np.uint8)
    eols = line_ends(block, final=final)
    quotes = positions(data, signs.quote)
    quotes = quotes[: np.searchsorted(quotes, eols[-1])] if len(eols) else quotes[:0]
    if len(quotes):
        kinds, closed = _follow(data, quotes, eols, signs, final=final)
    else:
        kinds, closed = np.zeros(len(eols), np.uint8), np.ones(len(eols), np.bool_)
    ending = np.flatnonzero(closed)
    ends = eols[ending] + 1
    lines = np.concatenate(([0], ending[:-1] + 1)) if len(ending) else ending
    starts = np.concatenate(([0], ends[:-1])) if len(ends) else ends
    kinds = kinds[lines]
    holding = np.searchsorted(ends, _nuls(block, ends), side="right")
    kinds[holding[kinds[holding] == SOUND]] = NUL
    return Records(starts, ends, kinds, lines, int(ending[-1]) + 1 if len(ending) else 0)


def _nuls(block: bytes, ends: Ints) -> Ints:
    found = positions(np.frombuffer(block, np.uint8), 0) if b"\0" in block else np.empty(0, np.int64)
    return found[: np.searchsorted(found, ends[-1])] if len(ends) else found[:0]


def _follow(data: Bytes, quotes: Ints, eols: Ints, signs: Signs, *, final: bool) -> tuple[Kinds, Bits]:
    """For each physical line: what a record that begins there is, and whether a record ends with it."""
    inside = np.searchsorted(quotes, eols) & 1 == 1
    if well_placed(data[: eols[-1] + 1], quotes, signs) and not (final and inside[-1]):
        return np.zeros(len(eols), np.uint8), ~inside
    outer, inner = _passages(data, quotes, eols, signs)
    kinds = np.where(outer == STRAY, STRAY, SOUND).astype(np.uint8)
    closed = np.ones(len(eols), np.bool_)
    opening = np.flatnonzero(outer == INSIDE)
    stops = np.flatnonzero(inner != INSIDE)
    nearest = np.append(stops, len(eols))[np.searchsorted(stops, opening, side="right")]
    passed = -1
    for line, stop in zip(opening.tolist(), nearest.tolist(), strict=True):
        if line <= passed:
            continue
        if stop < len(eols) and inner[stop] == OUTSIDE:
            closed[line:stop] = False
            passed = stop
        elif stop < len(eols) or final:
            kinds[line] = UNCLOSED
        else:
            closed[line:] = False
            break
    return kinds, closed


OUTSIDE, INSIDE = 0, 2
"""How a line is left, beside STRAY."""


def _passages(data: Bytes, quotes: Ints, eols: Ints, signs: Signs) -> tuple[Kinds, Kinds]:
    """How each physical line is left if it is entered outside a quoted cell, and if it is entered inside one."""
    until = np.searchsorted(quotes, eols)
    counts = np.diff(until, prepend=0)
    line = np.repeat(np.arange(len(eols)), counts)
    odd = (np.arange(len(quotes)) - (until - counts)[line]) & 1 == 1
    opens, closes = _placed(data, quotes, quotes, signs)
    left = []
    for entered, wrong in ((0, ~np.where(odd, closes, opens)), (1, ~np.where(odd, opens, closes))):
        passage = np.where((counts + entered) & 1 == 1, INSIDE, OUTSIDE).astype(np.uint8)
        passage[line[wrong]] = STRAY
        left.append(passage)
    return left[0], left[1]


def contents(data: Bytes, records: Records) -> Ints:
    """Offset of each record's line end."""
    ends = records.ends - 1
    crlf = (data[ends] == NEWLINE) & (ends > records.starts) & (data[np.maximum(ends - 1, 0)] == RETURN)
    found: Ints = ends - crlf
    return found


def delimiters(data: Bytes, records: Records, signs: Signs) -> tuple[Ints, Ints]:
    """Offsets of the delimiters between cells (not of those within quotes), and the number of cells of each record."""
    found = positions(data[: records.end], signs.delimiter)
    counts = _each(found, records)
    quotes = positions(data[: records.end], signs.quote)
    if len(quotes):
        record = np.repeat(np.arange(len(counts)), counts)
        before = np.searchsorted(quotes, records.starts)
        inside = (np.searchsorted(quotes, found) - before[record]) & 1 == 1
        # quotes that are out of place say nothing: all delimiters beside them count
        outside = ~inside | ~records.placed[record]
        found = found[outside]
        counts = _each(found, records)
    return found, counts + 1


def _each(found: Ints, records: Records) -> Ints:
    """How many of the offsets stand in each record."""
    return np.diff(np.searchsorted(found, records.ends), prepend=0)


def pick(block: bytes, records: Records, kept: Bits) -> tuple[bytes, Records]:
    """The kept records, in order, each ended by LF or CRLF, as a text of their own."""
    data = np.frombuffer(block, np.uint8)
    lone = records.ends[kept & (data[records.ends - 1] == RETURN)] - 1
    if len(lone):
        data = data.copy()
        data[lone] = NEWLINE
        block = data.tobytes()
    sizes = records.ends - records.starts
    text = block[: records.end] if kept.all() else data[: records.end][np.repeat(kept, sizes)].tobytes()
    ends = np.cumsum(sizes[kept])
    return text, Records(ends - sizes[kept], ends, records.kinds[kept], records.lines[kept], records.newlines)
