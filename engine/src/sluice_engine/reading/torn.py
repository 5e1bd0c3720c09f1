"""Records that are no rows, split as far as their cells can be told apart: by bytes, for a file may consist of such records."""

import numpy as np
import polars as pl

from sluice_engine.reading.lines import Bytes, Ints, Records, Signs, contents, delimiters, positions

REPLACEMENT = "\ufffd"
"""Stands for a NUL byte."""

MARKS = (0x1E, 0x1F, 0x1C, 0x1D, *range(1, 9), *range(14, 28))
"""Characters that hardly any text has: two that a text has not stand for the ends of records and of cells while it is split."""


def tear(text: bytes, records: Records, width: int, signs: Signs) -> pl.Series:
    """Lists of String, one for each record of a text that consists of these: at most `width` cells, the last one with all that follows.

    Quotes are taken off where all are in place, but not in what follows the last cell. A NUL byte becomes REPLACEMENT.
    """
    data = np.frombuffer(text, np.uint8).copy()
    between, counts = delimiters(data, records, signs)
    first = np.cumsum(counts - 1) - (counts - 1)
    kept = np.arange(len(between)) - np.repeat(first, counts - 1) < width - 1
    end, mark = _marks(text, data)
    dropped = _quotes(data, records, signs, _rest(between, counts, first, width))
    stops = contents(data, records)
    dropped = np.concatenate((dropped, stops[stops < records.ends - 1]))
    data[records.ends - 1] = end
    data[between[kept]] = mark
    whole = pl.Series([np.delete(data, dropped).tobytes()]).cast(pl.String).str.split(chr(end)).explode()
    if b"\0" in text:
        whole = whole.str.replace_all("\0", REPLACEMENT, literal=True)
    return whole.head(len(counts)).str.split(chr(mark))


def _marks(text: bytes, data: Bytes) -> tuple[int, int]:
    """Two characters that are not in the text. One that has them all loses two of them."""
    free = [each for each in MARKS if each not in text]
    end, mark = free[:2] if len(free) > 1 else MARKS[:2]
    if len(free) <= 1:
        data[(data == end) | (data == mark)] = ord(" ")
    return end, mark


def _rest(between: Ints, counts: Ints, first: Ints, width: int) -> Ints:
    """Offset at which what follows the last cell of each record begins; for most, beyond all."""
    rest = np.full(len(counts), np.iinfo(np.int64).max)
    long = counts > width
    rest[long] = between[first[long] + width - 2] if width > 1 else -1
    return rest


def _quotes(data: Bytes, records: Records, signs: Signs, rest: Ints) -> Ints:
    """Offsets of the quotes that are no text: all that are in place, but the second of a doubled one."""
    quotes = positions(data, signs.quote)
    until = np.searchsorted(quotes, records.ends)
    counts = np.diff(until, prepend=0)
    record = np.repeat(np.arange(len(counts)), counts)
    opening = (np.arange(len(quotes)) - (until - counts)[record]) & 1 == 0
    doubled = opening & (data[quotes - 1] == signs.quote) & (quotes > 0)
    found: Ints = quotes[records.placed[record] & ~doubled & (quotes < rest[record])]
    return found
