"""The text of a file, as UTF-8, from its start or from anywhere."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sluice.reports import Note
from sluice_engine.reading.compression import Compression, compression_of, unpacked
from sluice_engine.reading.encoding import LONGEST_MARK, Encoding, as_utf8, encoding_of, peek


@dataclass(slots=True)
class Source:
    """A file that is opened anew by each reading. Offsets are in bytes of its text in UTF-8, as the file has it or would have it."""

    path: Path
    declared: str | None
    max_unpacked: int
    piece: int
    compression: Compression | None = None
    encoding: Encoding | None = None
    _cursor: Iterator[bytes] | None = None
    _ahead: bytes = b""
    _at: int = 0

    @property
    def notes(self) -> tuple[Note, ...]:
        packed = self.compression and Note(
            code="compression", message=f"The file was unpacked with {self.compression}."
        )
        return (*([packed] if packed else []), *([self.encoding.note] if self.encoding else []))

    @property
    def mark(self) -> int:
        """Offset at which the text begins: after the byte order mark of UTF-8. Known once there is text."""
        return self.encoding.mark if self.encoding and self.encoding.is_utf8 else 0

    def text(self) -> Iterator[bytes]:
        """All of it, in pieces. Raises FileRejected where it cannot be unpacked or decoded."""
        self.compression = compression_of(self.path)
        head, pieces = peek(unpacked(self.path, self.piece, self.max_unpacked), LONGEST_MARK)
        self.encoding = encoding_of(head, self.declared)
        return as_utf8(pieces, self.encoding)

    def stretch(self, offset: int, size: int) -> bytes:
        """A part of the text; less at its end. Cheap where it comes after the one that was asked for before."""
        if self.encoding and self.encoding.is_utf8 and not self.compression:
            with self.path.open("rb") as file:
                file.seek(offset)
                return file.read(size)
        if self._cursor is None or offset < self._at:
            self._cursor, self._ahead, self._at = self.text(), b"", self.mark
        while self._at + len(self._ahead) < offset + size and (piece := next(self._cursor, b"")):
            self._ahead += piece
            passed = min(offset - self._at, len(self._ahead))
            self._ahead, self._at = self._ahead[passed:], self._at + passed
        return self._ahead[offset - self._at :][:size]
