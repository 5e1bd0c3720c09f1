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
    Kinds,
    Signs,
    contents,
    delimiters,
    split,
    without,
)
from sluice_engine.reading.table import FAULTS, no_faults

RULES = {SOUND: "ragged-row", STRAY: "stray-quote", UNCLOSED: "unclosed-quote", NUL: "nul-byte"}
REPLACEMENT = "\ufffd"
"""Stands for a NUL byte."""

MARKS = (0x1F, 0x1E, 0x1D, 0x1C, *range(1, 9), *range(14, 28))
"""Characters that hardly any text has; one that this one has not stands for the delimiters between cells while quotes are taken off."""


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
    if b"\0" in block.data or (width == 1 and _may_have_blanks(block.data)):
        return None
    try:
        cells = _parse(block.data, width, signs, quoted=bool(len(block.quotes)))
    except pl.exceptions.ComputeError:  # a record with too many cells, or no UTF-8
        return None
    height = cells.height
    if height != block.newlines - (_newlines_within(block) if height < block.newlines else 0):
        return None
    if not _complete(cells, block, signs):
        return None
    lines = None if height == block.newlines else lines_of(block.data, signs)
    return Split(cells, np.ones(height, np.bool_), no_faults(), lines)


def _newlines_within(block: Block) -> int:
    """How many LFs stand within quotes."""
    newlines = np.flatnonzero(block.bytes == ord("\n"))
    return int((np.searchsorted(block.quotes, newlines) & 1).sum())


def _may_have_blanks(text: bytes) -> bool:
    return text.startswith((b"\n", b"\r")) or b"\n\n" in text or b"\n\r" in text


def _complete(cells: pl.DataFrame, block: Block, signs: Signs) -> bool:
    """Is no record short? None is long, so that the delimiters need only be counted; a short one lacks at least its last cell."""
    if len(block.quotes) and not (cells.to_series(-1) == "").any():
        return True
    found = int(np.count_nonzero(block.bytes == signs.delimiter))
    if len(block.quotes):
        within = pl.all().str.count_matches(chr(signs.delimiter), literal=True).sum()
        found -= sum(cells.select(within).row(0))
    return found == cells.height * (cells.width - 1)


def _parse(text: bytes, width: int, signs: Signs, *, quoted: bool) -> pl.DataFrame:
    """Raises ComputeError for a record with more than `width` cells, and for bytes that are not UTF-8. Short ones get empty cells."""
    # the first line tells Polars the width, and keeps it from taking the first bytes for a BOM or for a packed stream
    first = bytes([signs.delimiter]) * (width - 1) + b"\n"
    return pl.read_csv(
        first + text,
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
    check_utf8(block.data, block.line, block.offset)
    records = block.records or split(block.data, signs, final=True)
    stop = contents(block.bytes, records)
    filled = stop > records.starts
    between, counts = delimiters(block.bytes, records, signs)
    sound = filled & (records.kinds == SOUND) & (counts == width)
    text = without(block.data, records, sound)
    cells = _parse(text, width, signs, quoted=signs.quote in text)
    if cells.height != int(sound.sum()):
        raise RuntimeError(f"{int(sound.sum())} records became {cells.height} rows")
    torn = np.flatnonzero(filled & ~sound)
    numbers = np.cumsum(filled) - 1
    faults = pl.DataFrame(
        {
            "row": numbers[torn],
            "rule": pl.Series(records.kinds[torn]).replace_strict(RULES, return_dtype=pl.String),
            "found": counts[torn],
            "cells": _tear(
                block.data, Torn(records.kinds[torn], records.starts[torn], stop[torn]), between, width, signs
            ),
        },
        schema=FAULTS,
    )
    return Split(cells, sound[filled], faults, records.lines[filled])


@dataclass(frozen=True, slots=True)
class Torn:
    """Records that are no rows: their kinds, and offsets of their text without its line end."""

    kinds: Kinds
    starts: Ints
    stops: Ints


def _tear(text: bytes, torn: Torn, between: Ints, width: int, signs: Signs) -> pl.Series:
    """Cells of the torn records, at most `width` of each; what is beyond stands in the last one as it is in the file.

    Quotes are taken off only where none is out of place.
    """
    mark = next((each for each in MARKS if each not in text), signs.delimiter)
    marked = np.frombuffer(text, np.uint8).copy()
    marked[between] = mark
    raw = marked.tobytes()
    pairs = zip(torn.starts.tolist(), torn.stops.tolist(), strict=True)
    whole = pl.Series([raw[start:end] for start, end in pairs], dtype=pl.Binary).cast(pl.String)
    cells = whole.str.splitn(chr(mark), width).struct.unnest()
    if signs.quote in text:
        placed = pl.Series(np.isin(torn.kinds, (SOUND, NUL)))
        cells = cells.select(_unquoted(pl.col(name), placed, mark, signs) for name in cells.columns)
    if b"\0" in text:
        cells = cells.with_columns(pl.all().str.replace_all("\0", REPLACEMENT, literal=True))
    last = pl.col(cells.columns[-1]).str.replace_all(chr(mark), chr(signs.delimiter), literal=True)
    return cells.with_columns(last).select(pl.concat_list(pl.all()).list.drop_nulls()).to_series()


def _unquoted(cell: pl.Expr, placed: pl.Series, mark: int, signs: Signs) -> pl.Expr:
    quote = chr(signs.quote)
    alone = placed & cell.str.starts_with(quote) & ~cell.str.contains(chr(mark), literal=True)
    inner = cell.str.slice(1).str.head(-1).str.replace_all(quote * 2, quote, literal=True)
    return pl.when(alone).then(inner).otherwise(cell)
