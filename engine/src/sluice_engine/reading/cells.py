"""Records split into cells, by Polars. Nothing here is guessed: what Polars made is held against counts of the bytes."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from sluice_engine.reading.blocks import Block
from sluice_engine.reading.encoding import check_utf8
from sluice_engine.reading.lines import (
    NUL,
    SOUND,
    STRAY,
    UNCLOSED,
    Bits,
    Ints,
    Signs,
    contents,
    delimiters,
    pick,
    split,
)
from sluice_engine.reading.table import FAULTS, no_faults
from sluice_engine.reading.torn import tear

RULES = {SOUND: "ragged-row", STRAY: "stray-quote", UNCLOSED: "unclosed-quote", NUL: "nul-byte"}


@dataclass(frozen=True, slots=True)
class Split:
    """The records of a block, blank lines left out: `sound` says which of them are rows of `cells`; the others are rows of `faults`, whose
    `row` counts from 0 in the block. `lines` is the physical line of each, from 0; None where each record is one line."""

    cells: pl.DataFrame
    sound: Bits
    faults: pl.DataFrame
    lines: Ints | None

    @property
    def height(self) -> int:
        return len(self.sound)


def to_cells(block: Block, width: int, signs: Signs) -> Split:
    """`cells` has the columns `0`, `1`, …, all String. Raises FileRejected where the text is not UTF-8."""
    return (quick(block, width, signs) if block.records is None else None) or exact(block, width, signs)


def quick(block: Block, width: int, signs: Signs) -> Split | None:
    """None unless it is proved that each record has `width` cells, and is neither blank nor broken."""
    # what comes after the block may have a NUL, too: then the block is read record by record, which is never wrong
    if b"\0" in block.text or (width == 1 and _may_have_blanks(block.text)):
        return None
    if not len(block.quotes) and _delimiters(block, signs) != block.newlines * (width - 1):
        return None
    try:
        cells = _parse(block.view, width, signs, quoted=bool(len(block.quotes)))
    except pl.exceptions.ComputeError:  # a record with too many cells, or no UTF-8
        return None
    height = cells.height
    if height != block.newlines - (_newlines_within(block) if height < block.newlines else 0):
        return None
    if not _complete(cells, block, signs):
        return None
    lines = None if height == block.newlines else lines_of(bytes(block.view), signs)
    return Split(cells, np.ones(height, np.bool_), no_faults(), lines)


def _newlines_within(block: Block) -> int:
    """How many LFs stand within quotes."""
    newlines = np.flatnonzero(block.array == ord("\n"))
    return int((np.searchsorted(block.quotes, newlines) & 1).sum())


def _may_have_blanks(text: bytes) -> bool:
    return text.startswith((b"\n", b"\r")) or b"\n\n" in text or b"\n\r" in text


def _complete(cells: pl.DataFrame, block: Block, signs: Signs) -> bool:
    """Is no record short? None is long, so that the delimiters need only be counted; a short one lacks at least its last cell."""
    if not len(block.quotes) or not (cells.to_series(-1) == "").any():
        return True
    within = pl.all().str.count_matches(chr(signs.delimiter), literal=True).sum()
    between = _delimiters(block, signs) - int(sum(cells.select(within).row(0)))
    return between == cells.height * (cells.width - 1)


def _delimiters(block: Block, signs: Signs) -> int:
    """How many there are, those within quotes among them."""
    return int(np.count_nonzero(block.array == signs.delimiter))


def _parse(text: bytes | memoryview, width: int, signs: Signs, *, quoted: bool) -> pl.DataFrame:
    """Raises ComputeError for a record with more than `width` cells, and for bytes that are not UTF-8. Short ones get empty cells."""
    # the first line tells Polars the width, and keeps it from taking the first bytes for a BOM or for a packed stream
    first = bytes([signs.delimiter]) * (width - 1) + b"\n"
    return pl.read_csv(
        b"".join((first, text)),
        has_header=False,
        schema={str(at): pl.String() for at in range(width)},
        separator=chr(signs.delimiter),
        quote_char=chr(signs.quote) if quoted else None,
        empty_string_is_null=False,
    ).slice(1)


def lines_of(text: bytes, signs: Signs) -> Ints:
    """Physical line, from 0, of each record of a block that is not blank."""
    records = split(text, signs, final=True)
    return records.lines[contents(np.frombuffer(text, np.uint8), records) > records.starts]


def exact(block: Block, width: int, signs: Signs) -> Split:
    """Record by record, whatever is in the block."""
    data = bytes(block.view)
    check_utf8(data, block.line, block.offset)
    records = block.records or split(data, signs, final=True)
    stop = contents(block.array, records)
    filled = stop > records.starts
    _, counts = delimiters(block.array, records, signs)
    sound = filled & (records.kinds == SOUND) & (counts == width)
    text, _ = pick(data, records, sound)
    cells = _parse(text, width, signs, quoted=signs.quote in text)
    if cells.height != int(sound.sum()):
        raise RuntimeError(f"{int(sound.sum())} records became {cells.height} rows")
    torn = filled & ~sound
    faults = pl.DataFrame(
        {
            "row": (np.cumsum(filled) - 1)[torn],
            "rule": pl.Series(records.kinds[torn]).replace_strict(RULES, return_dtype=pl.String),
            "found": counts[torn],
            "cells": tear(*pick(data, records, torn), width, signs),
        },
        schema=FAULTS,
    )
    return Split(cells, sound[filled], faults, records.lines[filled])
