"""How files of each format begin: what is claimed by a name, held against the first bytes."""

from sluice.events import FileFormat

HEAD = 512
"""Bytes at the beginning that are looked at."""

SIGNATURES = {
    FileFormat.XLSX: b"PK\x03\x04",
    FileFormat.XLS: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    FileFormat.PARQUET: b"PAR1",
}
TEXT_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
"""Byte order marks of UTF-16 and UTF-32: text in which NUL bytes are no sign of anything else."""

PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
"""gzip and zstd: CSV may come packed."""


def mismatch(promised: FileFormat, head: bytes) -> str | None:
    """Why a file that begins with `head` (HEAD bytes, or all of it) is not of the format that its name promises, and what to do."""
    if promised is not FileFormat.CSV:
        if head.startswith(SIGNATURES[promised]):
            return None
        return f"The file is named .{promised} but does not begin as such a file does. {_seen(head)}"
    if head.startswith((*TEXT_MARKS, *PACKED)):
        return None
    # binary formats all have a NUL early on; their letters alone do not count, for a header may begin with PAR1
    if b"\0" in head or head.startswith((SIGNATURES[FileFormat.XLSX], SIGNATURES[FileFormat.XLS])):
        return f"The file is named .csv but is not text. {_seen(head)}"
    return None


def _seen(head: bytes) -> str:
    found = next((kind for kind, signature in SIGNATURES.items() if head.startswith(signature)), None)
    if found:
        return f"It begins as .{found} does: give it that extension, or save it in the format that its name says."
    return "Save it in the format that its name says, or give it the extension of what it is."
