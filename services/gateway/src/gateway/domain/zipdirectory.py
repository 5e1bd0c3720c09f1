"""The directory at the end of an XLSX file, looked at as its bytes pass. It says how much would come out of the file.

Only sizes are added up, and what is odd is left to the validator, which reads the file where it can do no harm.
Layout: APPNOTE.TXT of PKWARE, 4.3.12 and 4.3.16.
"""

import struct

TAIL = 262_144
"""Last bytes of a file that are kept. A workbook of a thousand parts has a directory of 100 kB."""

END = struct.Struct("<4s4H2LH")
ENTRY = struct.Struct("<4s6H3L5H2L")
END_MARK, ENTRY_MARK = b"PK\x05\x06", b"PK\x01\x02"


def unpacked_size(tail: bytes) -> int | None:
    """Bytes that all entries together claim to unpack to; None where the directory does not stand whole in these last bytes."""
    at = tail.rfind(END_MARK)
    if at < 0 or at + END.size > len(tail):
        return None
    *_, entries, length, _offset, _comment = END.unpack_from(tail, at)
    start = at - length
    if start < 0:
        return None
    total = 0
    for _ in range(entries):
        if start + ENTRY.size > at:
            return None
        mark, *_, unpacked, name, extra, comment, _disk, _internal, _external, _local = ENTRY.unpack_from(tail, start)
        if mark != ENTRY_MARK:
            return None
        total += unpacked
        start += ENTRY.size + name + extra + comment
    return total
