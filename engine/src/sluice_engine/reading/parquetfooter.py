"""The footer of a Parquet file, looked at before any of its data is."""

from dataclasses import dataclass
from pathlib import Path

from sluice_engine.errors import FileRejected
from sluice_engine.reading.preflight import too_much
from sluice_engine.reading.thrift import Malformed, Reader, Value

MAGIC, ENCRYPTED = b"PAR1", b"PARE"
MAX_FOOTER = 16_777_216
MAX_CELLS = 2_000_000_000
"""Rows x columns; a footer of a few bytes can claim any number."""
MAX_GROUP_CELLS = 250_000_000
MAX_GROUP_BYTES = 2_000_000_000
"""Of one row group, which is unpacked at a time."""
MAX_GROUPS = 100_000

# field numbers of parquet.thrift
SCHEMA, ROWS, GROUPS, ENCRYPTION = 2, 3, 4, 8
NAME, CHILDREN = 4, 5
GROUP_COLUMNS, GROUP_BYTES, GROUP_ROWS = 1, 2, 3
COLUMN_CRYPTO = 8


@dataclass(frozen=True, slots=True)
class Footer:
    """What the footer claims. `names` are those of the columns, nested ones by their outer name; groups as (rows, unpacked bytes)."""

    names: tuple[str, ...]
    rows: int
    groups: tuple[tuple[int, int], ...]
    encrypted: bool


def check_footer(path: Path) -> Footer:
    """Raises FileRejected where this is no Parquet file, or one that is too big or encrypted."""
    footer = read_footer(path)
    if footer.encrypted:
        raise _encrypted()
    width = len(footer.names)
    if footer.rows * width > MAX_CELLS:
        raise too_much("Rows times columns of the file are", footer.rows * width, "", MAX_CELLS)
    if len(footer.groups) > MAX_GROUPS:
        raise too_much("The file has", len(footer.groups), "row groups", MAX_GROUPS)
    for rows, size in footer.groups:
        if rows * width > MAX_GROUP_CELLS:
            raise too_much("Rows times columns of a row group are", rows * width, "", MAX_GROUP_CELLS)
        if size > MAX_GROUP_BYTES:
            raise too_much("A row group unpacks to", size, "bytes", MAX_GROUP_BYTES)
    return footer


def read_footer(path: Path) -> Footer:
    """Raises FileRejected where there is none."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(max(size - 8, 0))
        tail = file.read(8)
        length = int.from_bytes(tail[:4], "little")
        if tail[4:] == ENCRYPTED:
            raise _encrypted()
        if head != MAGIC or tail[4:] != MAGIC or length + 12 > size:
            raise _unreadable()
        if length > MAX_FOOTER:
            raise too_much("The footer of the file has", length, "bytes", MAX_FOOTER)
        file.seek(size - 8 - length)
        data = file.read(length)
    try:
        return _footer(Reader(data).struct())
    except (Malformed, UnicodeDecodeError) as error:
        raise _unreadable() from error


def _footer(fields: dict[int, Value]) -> Footer:
    groups = [_struct(each) for each in _list(fields.get(GROUPS))]
    counts = tuple((_number(each.get(GROUP_ROWS)), _number(each.get(GROUP_BYTES))) for each in groups)
    first = [_struct(each) for each in _list(groups[0].get(GROUP_COLUMNS))] if groups else []
    rows = max(_number(fields.get(ROWS)), sum(count for count, _ in counts))
    encrypted = ENCRYPTION in fields or any(COLUMN_CRYPTO in each for each in first)
    return Footer(_names([_struct(each) for each in _list(fields.get(SCHEMA))]), rows, counts, encrypted)


def _names(schema: list[dict[int, Value]]) -> tuple[str, ...]:
    """The schema is a tree, written parents first; the children of its root are the columns."""
    names: list[str] = []
    at = 1
    while at < len(schema):
        name = schema[at].get(NAME)
        names.append(name.decode() if isinstance(name, bytes) else "")
        waiting = 1
        while waiting and at < len(schema):
            waiting += _number(schema[at].get(CHILDREN, 0)) - 1
            at += 1
    return tuple(names)


def _list(value: Value) -> list[Value]:
    if not isinstance(value, list):
        raise Malformed
    return value


def _struct(value: Value) -> dict[int, Value]:
    if not isinstance(value, dict):
        raise Malformed
    return value


def _number(value: Value) -> int:
    if not isinstance(value, int) or value < 0:
        raise Malformed
    return value


def _encrypted() -> FileRejected:
    return FileRejected("unreadable-file", "The Parquet file is encrypted. Write it without encryption.")


def _unreadable() -> FileRejected:
    return FileRejected("unreadable-file", "This is no whole Parquet file. Write it again, and upload it whole.")
