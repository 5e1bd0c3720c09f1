"""The encoding of a text that is not UTF-8. Single bytes do not say which alphabet they are of; whole words do."""

import codecs
from collections.abc import Iterator
from itertools import chain

from charset_normalizer import from_bytes

from sluice_engine.reading.encoding import LONGEST_MARK, encoding_of, peek

SCRIPTS = ("cp1252", "cp1251", "koi8_r", "cp1253", "cp932", "gb18030", "big5", "euc_kr", "euc_jp")
"""Encodings that can be told apart by what they make of a text. Among those of Latin letters nobody can: cp1252 stands for all."""

NAMES = {"cp1252": "windows-1252", "cp1251": "windows-1251", "cp1253": "windows-1253", "koi8_r": "koi8-r"}
SAMPLE = 65_536
"""Bytes, from the first that is not UTF-8 on, that are looked at."""


def encoding_found(pieces: Iterator[bytes]) -> str | None:
    """Of a whole text; None where it is UTF-8, or says by a byte order mark what it is. All of it is looked at, a piece at a time."""
    head, pieces = peek(pieces, LONGEST_MARK)
    if encoding_of(head, None).mark:
        return None
    sample = _from_first_odd(pieces)
    if not sample:
        return None
    likely = [each.encoding for each in from_bytes(sample, cp_isolation=list(SCRIPTS))]
    codec = next((each for each in likely if each in SCRIPTS), "cp1252")
    return NAMES.get(codec, codec)


def _from_first_odd(pieces: Iterator[bytes]) -> bytes:
    """A part of the text that begins with the line of the first byte that is not UTF-8; empty where there is none."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for piece in chain(pieces, [b""]):
        waiting = decoder.getstate()[0]
        try:
            decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            text = waiting + piece
            start = text.rfind(b"\n", 0, error.start) + 1
            return text[max(start, error.start - SAMPLE // 2) :][:SAMPLE]
    return b""
