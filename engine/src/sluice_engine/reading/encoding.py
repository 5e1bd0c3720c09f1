"""Bytes of a text in any encoding, as UTF-8: found by a byte order mark, declared by the contract, or else UTF-8 itself."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from sluice.reports import Note
from sluice_engine.errors import Fault, FileRejected

C1 = re.compile(rb"[\x80-\x9f]")
"""Control characters in ISO-8859-1, but letters and quotation marks in Windows-1252."""

MARKS = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32 (little endian)"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32 (big endian)"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16 (little endian)"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16 (big endian)"),
)
LONGEST_MARK = 4
WITHOUT_MARK = {"utf-16": "utf-16-le", "utf-32": "utf-32-le", "utf-8-sig": "utf-8"}
"""What a declared encoding means where its byte order mark is missing: Excel and Windows write little endian."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """`codec` by Python's name; `mark` is the length of the byte order mark in bytes, `name` and `source` are for people."""

    codec: str
    mark: int
    name: str
    source: str

    @property
    def is_utf8(self) -> bool:
        return self.codec == "utf-8"

    @property
    def note(self) -> Note:
        return Note(code="encoding", message=f"The text was read as {self.name}, {self.source}.")


def encoding_of(head: bytes, declared: str | None) -> Encoding:
    """The encoding of a text that begins with `head` (LONGEST_MARK bytes). A mark is the file's own word and goes before the contract's."""
    for mark, codec, name in MARKS:
        if head.startswith(mark):
            return Encoding(codec, len(mark), name, "as its byte order mark says")
    if declared is None:
        return Encoding("utf-8", 0, "UTF-8", "for it has no byte order mark and the contract declares no encoding")
    codec = codecs.lookup(declared).name
    return Encoding(WITHOUT_MARK.get(codec, codec), 0, declared, "as the contract declares")


def peek(pieces: Iterator[bytes], size: int) -> tuple[bytes, Iterator[bytes]]:
    """The first `size` bytes, and all pieces as if nobody had looked."""
    head = b""
    while len(head) < size and (piece := next(pieces, b"")):
        head += piece
    return head[:size], chain([head], pieces) if head else pieces


def as_utf8(pieces: Iterator[bytes], encoding: Encoding) -> Iterator[bytes]:
    """The same text in UTF-8, without a mark. Raises FileRejected where bytes are not of the encoding; UTF-8 is passed on unchecked."""
    _, pieces = peek(pieces, encoding.mark)
    first = next(pieces, b"")[encoding.mark :]
    rest = chain([first] if first else [], pieces)
    return rest if encoding.is_utf8 else _transcoded(rest, encoding)


def _transcoded(pieces: Iterator[bytes], encoding: Encoding) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding.codec)()
    line, taken, last = 1, encoding.mark, b""
    for piece in chain(pieces, [b""]):
        before = len(decoder.getstate()[0])
        try:
            text = decoder.decode(piece, final=not piece).encode()
        except UnicodeDecodeError as error:
            sound = error.object[: error.start].decode(encoding.codec, "replace")
            raise _not_of(encoding, line + _line_ends(sound.encode(), last), taken - before + error.start) from error
        except UnicodeError as error:
            raise _not_of(encoding, line, taken) from error
        line, taken, last = line + _line_ends(text, last), taken + len(piece), text[-1:] or last
        if text:
            yield text


def _line_ends(text: bytes, last: bytes = b"") -> int:
    """LF, CRLF, or a CR alone; `last` is the byte before the text, counted already."""
    begun = last == b"\r" and text.startswith(b"\n")
    return text.count(b"\n") + text.count(b"\r") - text.count(b"\r\n") - begun


def _not_of(encoding: Encoding, line: int, offset: int) -> FileRejected:
    said = f"Line {line}, byte {offset}: not {encoding.name}, {encoding.source}."
    return _invalid(f"{said} Save the file in that encoding, or in UTF-8 with a byte order mark.", encoding.name, line)


def check_utf8(block: bytes, line: int, offset: int) -> None:
    """`block` begins in physical line `line` and at byte `offset` of the file. Raises FileRejected with both, and with the remedy."""
    if block.isascii():
        return
    try:
        block.decode()
    except UnicodeDecodeError as error:
        where = line + _line_ends(block[: error.start])
        # some bytes beyond, for a letter common to both encodings may come first
        windows = C1.search(block, error.start, error.start + 4096)
        probable, name = ("Windows-1252", "windows-1252") if windows else ("ISO-8859-1 (latin-1)", "iso-8859-1")
        said = f"Line {where}, byte {offset + error.start}: not UTF-8, probably {probable}."
        remedy = f"Save the file as UTF-8, or set `encoding: {name}` in the contract's dialect."
        raise _invalid(f"{said} {remedy}", "UTF-8", where) from error


def no_text(line: int) -> FileRejected:
    """For a header with a NUL byte: no such file is a text."""
    said = f"Line {line} holds a NUL byte: this is no text, or UTF-16 without a byte order mark."
    return _invalid(f"{said} Save the file as text, in UTF-8.", "text", line)


def _invalid(said: str, expected: str, line: int) -> FileRejected:
    return FileRejected("invalid-encoding", said, Fault("encoding", expected, said, line=line))
