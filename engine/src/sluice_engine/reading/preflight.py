"""A look at what a file says of itself, before anything of it is unpacked: sizes and numbers that no real file has are refused."""

import zipfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from sluice_engine.errors import FileRejected

MAX_ENTRIES = 20_000
MAX_RATIO = 200
SMALL = 10_000_000
"""Bytes; below it a high ratio of compression is no danger."""
LONGEST_NAME = 1_000
LOCAL_HEADER = 30
"""Bytes before the name of an entry."""

OLE = bytes.fromhex("d0cf11e0a1b11ae1")
BIFF = (b"\x09\x08", b"\x09\x04", b"\x09\x02", b"\x09\x00")
"""Old XLS files begin with their first record."""
MAX_XLS = 200_000_000


def check_archive(path: Path, max_unpacked: int) -> None:
    """Look at the directory of what should be an XLSX. Raises FileRejected."""
    with path.open("rb") as file:
        head = file.read(512)
    if not zipfile.is_zipfile(path):
        raise FileRejected("unreadable-file", _no_archive(head))
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise FileRejected(
            "unreadable-file", "The workbook's directory is damaged. Save it anew, and upload it whole."
        ) from error
    _check_sizes(entries, max_unpacked)
    _check_layout(entries)
    _check_kind({entry.filename for entry in entries})


def check_xls(path: Path) -> None:
    """Look at the first bytes of what should be an XLS. Raises FileRejected."""
    with path.open("rb") as file:
        head = file.read(512)
    size = path.stat().st_size
    if size > MAX_XLS:
        raise too_much("The XLS file has", size, "bytes", MAX_XLS)
    if not head.startswith((OLE, *BIFF)):
        raise FileRejected("unreadable-file", _no_xls(head))


def too_much(what: str, found: int, unit: str, limit: int) -> FileRejected:
    """The refusal that names a limit and what was found."""
    return FileRejected(
        "resource-limit", f"{what} {found:,} {unit}; the limit is {limit:,}. Split it into several files, or send CSV."
    )


def _check_sizes(entries: Sequence[zipfile.ZipInfo], max_unpacked: int) -> None:
    unpacked, packed = sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
    if len(entries) > MAX_ENTRIES:
        raise too_much("The workbook has", len(entries), "parts", MAX_ENTRIES)
    if unpacked > max_unpacked:
        raise too_much("Unpacked, the workbook has", unpacked, "bytes", max_unpacked)
    if unpacked > SMALL and unpacked > MAX_RATIO * max(packed, 1):
        raise too_much("Unpacked, the workbook grows by a factor of", unpacked // max(packed, 1), "", MAX_RATIO)


def _check_layout(entries: Sequence[zipfile.ZipInfo]) -> None:
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    overlap = any(
        one.header_offset + LOCAL_HEADER + one.compress_size > two.header_offset for one, two in pairwise(ordered)
    )
    names = [entry.filename for entry in entries]
    if overlap or len(set(names)) < len(names) or any(len(name) > LONGEST_NAME for name in names):
        raise FileRejected(
            "unreadable-file", "Parts of the workbook overlap or share a name, as in no real one. Save it anew."
        )
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise FileRejected("unreadable-file", "The archive is encrypted. Save the workbook without a password.")


def _check_kind(names: set[str]) -> None:
    if "[Content_Types].xml" in names and any(
        name.startswith("xl/workbook") and name.endswith(".xml") for name in names
    ):
        return
    if any(name.startswith("xl/workbook") and name.endswith(".bin") for name in names):
        said = "This is a binary workbook (XLSB)."
    elif "content.xml" in names and "mimetype" in names:
        said = "This is an OpenDocument file (ODS)."
    else:
        said = "This is a ZIP archive, but no XLSX workbook."
    raise FileRejected("unreadable-file", f"{said} Save it as XLSX.")


def _no_archive(head: bytes) -> str:
    if head.startswith(OLE):
        return "The workbook has a password, or is an old XLS under the name of an XLSX. Save it as XLSX without a password."
    return (
        f"{_other(head) or 'This is no XLSX workbook, or not the whole of one.'} Save it as XLSX, and upload it whole."
    )


def _no_xls(head: bytes) -> str:
    if head.startswith(b"PK"):
        return (
            "This is an XLSX or another archive under the name of an XLS. Upload it under its own name, such as .xlsx."
        )
    return f"{_other(head) or 'This is no XLS workbook.'} Save it as XLS or XLSX."


def _other(head: bytes) -> str | None:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<table", b"<meta", b"<head", b"<body")):
        return "This is a web page (HTML) under the name of a workbook."
    return "This is XML under the name of a workbook." if text.startswith(b"<?xml") else None
