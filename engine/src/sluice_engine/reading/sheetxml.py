"""Cells of an XLSX sheet that show an error such as `#N/A`: the reader hands them over as empty, so they are looked up here."""

import re
import zipfile
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree as ET

CHUNK = 1_048_576
OVERLAP = 4_096
"""Bytes kept from one chunk to the next, more than the tags of one cell."""

UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
ERROR_CELL = re.compile(
    rb"""<(?:\w+:)?c\s(?=[^>]*\bt=["']e["'])[^>]*\br=["']([A-Z]{1,3})(\d{1,7})["'][^>]*>"""
    rb"""(?:<(?:\w+:)?f\b[^>]*/>|<(?:\w+:)?f\b[^>]*>[^<]{0,9000}</(?:\w+:)?f>)?<(?:\w+:)?v>([^<]{1,20})</"""
)


def error_cells(path: Path, sheet: str) -> dict[tuple[int, int], str]:
    """Text of every error cell by row (1 = first) and column (0 = A). Raises BadZipFile."""
    found: dict[tuple[int, int], str] = {}
    with zipfile.ZipFile(path) as archive, archive.open(_part(archive, sheet)) as xml:
        rest = b""
        while chunk := xml.read(CHUNK):
            text = rest + chunk
            for match in ERROR_CELL.finditer(text):
                found[int(match[2]), column_index(match[1].decode())] = match[3].decode("utf-8", "replace")
            rest = text[-OVERLAP:]
    return found


def column_index(letters: str) -> int:
    """0 for A, 26 for AA."""
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - ord("A") + 1
    return index - 1


def column_letters(index: int) -> str:
    """A for 0, AA for 26."""
    name = ""
    index += 1
    while index:
        index, digit = divmod(index - 1, 26)
        name = chr(ord("A") + digit) + name
    return name


def _part(archive: zipfile.ZipFile, sheet: str) -> str:
    """Name of the entry that holds the sheet."""
    book = ET.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 - in the child, under its limits; expat bounds entities
    ids = [each.get(RELATION) for each in book.iter() if each.tag.endswith("}sheet") and each.get("name") == sheet]
    relations = ET.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314 - the same
    targets = [each.get("Target", "") for each in relations if each.get("Id") in ids[:1]]
    if not targets:
        raise zipfile.BadZipFile("the workbook names a sheet that is not there")
    target = targets[0]
    return target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl") / target)


def safe_xml(text: str) -> str:
    """The text without the characters that XML cannot hold."""
    return UNPRINTABLE.sub("", text)
