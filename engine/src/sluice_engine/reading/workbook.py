"""What an XLSX says about its sheets before any is read: their names and parts, what styles mean, the texts that cells share."""

import re
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import PurePosixPath
from typing import IO
from xml.etree import ElementTree as ET

import polars as pl
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format

from sluice_engine.errors import FileRejected

PIECE = 8_388_608
"""Bytes of XML that are looked at in one go."""
LONGEST_ELEMENT = 67_108_864
"""Bytes within which a row, or a shared text, has to end."""
BIGGEST_PART = 33_554_432
"""Bytes of a part that is read as a whole: the list of sheets, the styles."""

PLAIN_TEXT = r"^<t(?: [^>]*)?>([^<]*)</t></si>"
PHONETIC = re.compile(r"<rPh\b.*?</rPh>", re.DOTALL)
RUN = re.compile(r"<t(?:\s[^>]*)?>([^<]*)</t>")
ENTITY = re.compile(r"&(?:#(\d{1,7})|#x([0-9A-Fa-f]{1,6})|(amp|lt|gt|quot|apos));")
NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
SURROGATES = range(0xD800, 0xE000)
ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")


class Kind(IntEnum):
    """What a cell holds. MOMENT and SPAN are numbers (of days) that a style shows as a date or time, or as a duration."""

    TEXT = 0
    NUMBER = 1
    MOMENT = 2
    SPAN = 3
    BOOLEAN = 4


@dataclass(frozen=True, slots=True)
class Sheet:
    name: str
    part: str
    hidden: bool


@dataclass(slots=True)
class Book:
    """An open XLSX. Methods raise BadZipFile, KeyError (a part is missing), ET.ParseError, FileRejected."""

    archive: zipfile.ZipFile
    sheets: tuple[Sheet, ...] = ()
    epoch_1904: bool = False
    _parts: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        main = self._relations("", "").get("officeDocument", [("", "xl/workbook.xml")])[0][1]
        relations = self._relations(str(PurePosixPath(main).parent), PurePosixPath(main).name)
        self._parts = {kind: found[0][1] for kind, found in relations.items()}
        worksheets = dict(relations.get("worksheet", []))
        tree = self._tree(main)
        found = (each for each in tree.iter() if _tag(each) == "sheet")
        named = ((each, worksheets.get(_attribute(each, "id"))) for each in found)
        self.sheets = tuple(
            Sheet(each.get("name", ""), part, each.get("state", "visible") != "visible") for each, part in named if part
        )
        properties = next((each for each in tree.iter() if _tag(each) == "workbookPr"), None)
        self.epoch_1904 = properties is not None and properties.get("date1904", "") in {"1", "true"}

    def kinds(self) -> list[Kind]:
        """Of a number, by the index of its cell's style."""
        if "styles" not in self._parts:
            return []
        tree = self._tree(self._parts["styles"])
        formats = {
            each.get("numFmtId", ""): each.get("formatCode", "") for each in tree.iter() if _tag(each) == "numFmt"
        }
        styles: Iterable[ET.Element] = next((each for each in tree.iter() if _tag(each) == "cellXfs"), [])
        return [
            kind_of(
                formats.get(each.get("numFmtId", ""), BUILTIN_FORMATS.get(int(each.get("numFmtId") or 0), "General"))
            )
            for each in styles
        ]

    def texts(self) -> pl.Series:
        """The texts that cells share, in their order."""
        part = self._parts.get("sharedStrings")
        if part is None:
            return pl.Series([], dtype=pl.String)
        with self.archive.open(part) as xml:
            found = [shared_texts(piece) for piece in pieces(xml, b"</si>")]
        return pl.concat(found) if found else pl.Series([], dtype=pl.String)

    def _tree(self, part: str) -> ET.Element:
        if self.archive.getinfo(part).file_size > BIGGEST_PART:
            said = f"The workbook's {PurePosixPath(part).name} unpacks to more than {BIGGEST_PART:,} bytes."
            raise FileRejected("resource-limit", f"{said} Copy the table into a new workbook, or send CSV.")
        text = self.archive.read(part)
        if b"<!DOCTYPE" in text:
            raise FileRejected("unreadable-file", "The workbook declares a DOCTYPE, which no spreadsheet does.")
        return ET.fromstring(text)  # noqa: S314 - in the child, under its limits; nothing of its own is declared

    def _relations(self, folder: str, name: str) -> dict[str, list[tuple[str, str]]]:
        """Pairs of id and part, by the last word of their type."""
        part = str(PurePosixPath(folder) / "_rels" / f"{name}.rels")
        found: dict[str, list[tuple[str, str]]] = {}
        for each in self._tree(part):
            target = each.get("Target", "")
            path = target.lstrip("/") if target.startswith("/") else str(PurePosixPath(folder) / target)
            found.setdefault(each.get("Type", "").rpartition("/")[2], []).append((each.get("Id", ""), path))
        return found


def kind_of(number_format: str) -> Kind:
    """What a number is that is shown in this format."""
    if is_timedelta_format(number_format):
        return Kind.SPAN
    return Kind.MOMENT if is_date_format(number_format) else Kind.NUMBER


def pieces(xml: IO[bytes], end: bytes) -> Iterator[bytes]:
    """The XML in pieces that each end with the tag `end`; the last one is what follows the last such tag.

    Raises FileRejected where an element does not end within LONGEST_ELEMENT bytes.
    """
    rest = b""
    while read := xml.read(PIECE):
        text = rest + read
        cut = text.rfind(end) + len(end) if end in text else 0
        if cut:
            yield text[:cut]
        rest = text[cut:]
        if len(rest) > LONGEST_ELEMENT:
            raise FileRejected(
                "resource-limit", f"A row or text of the workbook is longer than {LONGEST_ELEMENT:,} bytes."
            )
    yield rest


def shared_texts(xml: bytes) -> pl.Series:
    """Texts of the `si` elements in a piece of XML."""
    text = re.sub(rb"<(/?)\w+:", rb"<\1", xml) if b":si>" in xml else xml
    text = re.sub(rb"<si\s*/>", b"<si></si>", text)
    items = pl.Series([text.decode()]).str.split("<si>").explode().slice(1)
    plain = items.str.extract(PLAIN_TEXT)
    odd = plain.is_null().arg_true()
    if len(odd):
        runs = ["".join(RUN.findall(PHONETIC.sub("", item))) for item in items.gather(odd).to_list()]
        plain = plain.scatter(odd, runs)
    return unescaped(plain)


def unescaped(texts: pl.Series) -> pl.Series:
    """Texts of XML with its entities, and the escapes of spreadsheets, resolved."""
    marked = (texts.str.contains("&", literal=True) | texts.str.contains("_x", literal=True)).fill_null(value=False)
    at = marked.arg_true()
    return texts.scatter(at, [_unescape(text) for text in texts.gather(at).to_list()]) if len(at) else texts


def _unescape(text: str) -> str:
    return plain_text(ENTITY.sub(_entity, text))


def plain_text(text: str) -> str:
    """The text with `_x000D_` and its like resolved."""
    return ESCAPE.sub(lambda match: _character(int(match[1], 16)), text) if "_x" in text else text


def _character(code: int) -> str:
    return "\ufffd" if code > sys.maxunicode or code in SURROGATES else chr(code)


def _entity(match: re.Match[str]) -> str:
    if match[3]:
        return NAMED[match[3]]
    return _character(int(match[1]) if match[1] else int(match[2], 16))


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _attribute(element: ET.Element, name: str) -> str:
    """By its local name, whatever the edition of the standard calls its namespace."""
    return next((value for key, value in element.items() if key.rpartition("}")[2] == name and "}" in key), "")
