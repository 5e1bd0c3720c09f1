"""What stands before the rows of a text: lines to skip, the header, records to skip."""

import json
from itertools import pairwise

import numpy as np

from sluice.contracts import Dialect
from sluice_engine.errors import Fault, FileRejected
from sluice_engine.reading.blocks import Window, too_long
from sluice_engine.reading.encoding import check_utf8, no_text
from sluice_engine.reading.lines import SOUND, Signs, contents, delimiters, line_ends, split

GLANCE = 65_536
"""Bytes among which the end of a single record is looked for first."""

DELIMITERS = {";": "semicolons", ",": "commas", "\t": "tabs", "|": "vertical bars"}


def read_header(window: Window, dialect: Dialect, signs: Signs, fields: int) -> list[str]:
    """Names in the header, as they stand there; the window then begins with the first row. The contract has so many `fields`.

    Raises FileRejected where there is no header, or none that is text, or one with another delimiter.
    """
    _skip_lines(window, (dialect.header_row or 1) - 1)
    line, offset = window.line, window.offset
    record = _next_record(window, signs)
    if record is None:
        raise FileRejected("empty-file", "The file is empty. Send a file with a header and rows.")
    if b"\0" in record:
        raise no_text(line)
    check_utf8(record, line, offset)
    names = _names(record, signs)
    if names is None or len(names) == 1 < fields:
        _check_delimiter(record, signs, line)
    if names is None:
        said = f"The header in line {line} has a quote that is not closed, or stands amid a name."
        fault = Fault("unclosed-quote", "quotes in pairs", said, line=line)
        raise FileRejected("unclosed-quote", f"{said} Correct it.", fault)
    for _ in range(dialect.skip_after_header):
        _next_record(window, signs)
    return names


def _skip_lines(window: Window, count: int) -> None:
    while count:
        ends = line_ends(window.data, final=window.ended)
        taken = min(count, len(ends))
        if taken:
            window.drop(int(ends[taken - 1]) + 1, taken)
            count -= taken
        elif window.ended:
            return
        elif window.overfull:
            raise too_long(window.line)
        else:
            window.grow()


def _next_record(window: Window, signs: Signs) -> bytes | None:
    """The next record that is not blank, with its line end and the blank lines before it; None at the end of the text."""
    glance = GLANCE
    while True:
        text = window.data[:glance]
        whole = len(text) == len(window.data)
        records = split(text, signs, final=whole and (window.ended or window.overfull))
        filled = np.flatnonzero(contents(np.frombuffer(text, np.uint8), records) > records.starts)
        if len(filled):
            at = filled[0]
            end = int(records.ends[at])
            after = records.lines[at + 1] if at + 1 < len(records.lines) else records.newlines
            window.drop(end, int(after))
            return text[:end]
        if not whole:
            glance = len(window.data)
        elif window.ended:
            return None
        elif window.overfull:
            raise too_long(window.line)
        else:
            window.grow()


def _check_delimiter(record: bytes, signs: Signs, line: int) -> None:
    """Raises FileRejected where another delimiter splits the record into several names."""
    for sign, others in DELIMITERS.items():
        names = _names(record, Signs(ord(sign), signs.quote)) if ord(sign) != signs.delimiter else None
        if names and len(names) > 1:
            own = DELIMITERS.get(chr(signs.delimiter), f"the character {chr(signs.delimiter)!r}")
            said = f"The names in line {line} are separated by {others}, and the contract has {own}."
            remedy = f"Save the file with {own}, or set `delimiter: {json.dumps(sign)}` in the contract's dialect."
            fault = Fault("delimiter", f"names separated by {own}", remedy, line=line)
            raise FileRejected("wrong-columns", f"{said} {remedy}", fault)


def _names(text: bytes, signs: Signs) -> list[str] | None:
    """Cells of the last record of a text; None where one of its quotes is out of place."""
    records = split(text, signs, final=True)
    if records.kinds[-1] != SOUND:
        return None
    between, _ = delimiters(np.frombuffer(text, np.uint8), records, signs)
    start, stop = int(records.starts[-1]), int(contents(np.frombuffer(text, np.uint8), records)[-1])
    edges = [start - 1, *between.tolist(), stop]
    return [_unquoted(text[a + 1 : b].decode(), chr(signs.quote)) for a, b in pairwise(edges)]


def _unquoted(cell: str, quote: str) -> str:
    return cell[1:-1].replace(quote * 2, quote) if cell.startswith(quote) else cell
