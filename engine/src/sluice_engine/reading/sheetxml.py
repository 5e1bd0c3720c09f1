"""The cells of an XLSX sheet, read as a stream. What a cell holds is taken as it is written there, so that no digit is lost."""

import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

import polars as pl

from sluice_engine.errors import FileRejected
from sluice_engine.reading.workbook import Kind, pieces, plain_text, unescaped

ROWS, COLUMNS = 1_048_576, 16_384
"""Of a sheet, by its format."""

CELLS = {"row": pl.UInt32, "column": pl.UInt16, "kind": pl.UInt8, "text": pl.String}
"""Filled cells: row 1 = first, column 0 = A, a Kind, and what stands in the file: a number's digits, a boolean's 1 or 0."""

UNCALCULATED = "#GETTING_DATA"
"""Excel's own word for a formula that has no value yet; it is refused like any other error of a formula."""

VALUE = r'^r="([A-Z]+)([0-9]+)"([^>]*)>(?:<v>|<is><t>|<is><t xml:space="preserve">)([^<]*)</'
FORMULA = r'^r="([A-Z]+)([0-9]+)"([^>]*)><f(?:[^>]*/>|[^>]*>[^<]*</f>)(?:<v>([^<]*)</v>|<v ?/>)?</c>'
EMPTY = r'^r="[A-Z]+[0-9]+"[^>]*?(?:/>|></c>)'
TYPE = re.compile(r'\st="(\w+)"')
STYLE = re.compile(r'\ss="(\d+)"')
REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
HIDDEN_ROW = re.compile(rb'<row\b[^>]*\shidden="(?:1|true)"')
HIDDEN_COLUMN = re.compile(rb"<col\s[^>]*>")
MERGED = re.compile(rb'<mergeCell\s+ref="([A-Z]+[0-9]+:[A-Z]+[0-9]+)"')
MOST_RANGES = 10_000
ATTRIBUTE = re.compile(rb'(\w+)="([^"]*)"')
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
NAMESPACES = re.compile(rb"""xmlns:\w+=(?:"[^"]*"|'[^']*')""")
PREFIX = re.compile(rb"<(\w+):worksheet\b")
GLANCE = 65_536

KindOf = Callable[[str | None, int], tuple[Kind, bool]]
"""By a cell's type and style: what it holds, and whether its text stands among those that cells share."""


@dataclass(slots=True)
class SheetCells:
    """One sheet of an archive. `kinds` is what a number is by its style, `texts` what cells share. The rest is known after the last cells.

    `merged` holds at most MOST_RANGES ranges, such as `A1:B2`.
    """

    archive: zipfile.ZipFile
    part: str
    kinds: list[Kind]
    texts: pl.Series
    hidden_rows: int = 0
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    _names: bytes = b""
    _row: int = 0

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Frames of CELLS, whole rows, ascending. Raises FileRejected, BadZipFile or ET.ParseError where the sheet is broken."""
        inside = ended = False
        for piece in self._pieces():
            rows = piece
            if not inside:
                head, inside, rows = _cut(piece, b"<sheetData")
                self._read_head(head)
                opening, _, rows = _cut(rows, b">") if inside else (b"", False, b"")
                ended = opening.endswith(b"/")
            if inside and not ended:
                rows, ended, tail = _cut(rows, b"</sheetData")
                yield from self._cells(rows)
                rows = tail
            if ended:
                self.merged += [each.decode() for each in MERGED.findall(rows)][: MOST_RANGES - len(self.merged)]
        if not ended:
            raise broken()

    def _pieces(self) -> Iterator[bytes]:
        """Of the sheet's XML, rows whole, its tags without a prefix."""
        with self.archive.open(self.part) as xml:
            prefix = PREFIX.search(xml.read(GLANCE))
        mark = prefix[1] + b":" if prefix else b""
        with self.archive.open(self.part) as xml:
            for piece in pieces(xml, b"</" + mark + b"row>"):
                yield re.sub(b"<(/?)" + mark, rb"<\1", piece) if mark else piece

    def _read_head(self, head: bytes) -> None:
        if b"<!DOCTYPE" in head:
            raise broken()
        self._names = b" ".join(NAMESPACES.findall(head))
        for column in HIDDEN_COLUMN.findall(head):
            marks = dict(ATTRIBUTE.findall(column))
            if marks.get(b"hidden") in {b"1", b"true"}:
                self.hidden_columns.append((int(marks.get(b"min", 1)) - 1, int(marks.get(b"max", COLUMNS)) - 1))

    def _cells(self, xml: bytes) -> Iterator[pl.DataFrame]:
        if b" hidden=" in xml:
            self.hidden_rows += len(HIDDEN_ROW.findall(xml))
        cells = quick(xml, self._kind)
        frame = self._with_texts(exact(xml, self._names, self._row, self._kind) if cells is None else cells)
        if not frame.height:
            return
        rows, columns = frame["row"], frame["column"]
        if not rows.is_sorted() or rows[0] <= self._row or rows[-1] > ROWS or (columns >= COLUMNS).any():
            raise broken()
        self._row = rows[-1]
        yield frame

    def _with_texts(self, cells: pl.DataFrame) -> pl.DataFrame:
        """Filled cells, with the texts of those that share theirs. Raises FileRejected where one is missing."""
        if cells["shared"].any():
            at = cells["text"].set(~cells["shared"], None).cast(pl.UInt32, strict=False)
            if at.null_count() > (~cells["shared"]).sum() or (at >= len(self.texts)).any():
                said = "Cells of the sheet refer to texts that the workbook does not hold."
                raise FileRejected("unreadable-file", f"{said} Open it in a spreadsheet program and save it anew.")
            cells = cells.with_columns(text=pl.when("shared").then(self.texts.gather(at)).otherwise("text"))
        return cells.filter(pl.col("text") != "").select(*CELLS)

    def _kind(self, type_: str | None, style: int) -> tuple[Kind, bool]:
        match type_:
            case "s":
                return Kind.TEXT, True
            case "b":
                return Kind.BOOLEAN, False
            case "n" | None:
                return (self.kinds[style] if 0 <= style < len(self.kinds) else Kind.NUMBER), False
            case _:
                return Kind.TEXT, False


def broken() -> FileRejected:
    said = "The sheet is cut off or damaged."
    return FileRejected("unreadable-file", f"{said} Open the workbook in a spreadsheet program and save it anew.")


def _cut(text: bytes, mark: bytes) -> tuple[bytes, bool, bytes]:
    """What stands before the mark, whether it is there, and what stands after it."""
    before, found, after = text.partition(mark)
    return before, bool(found), after


FOUND = {**CELLS, "shared": pl.Boolean}


def quick(xml: bytes, kind_of: KindOf) -> pl.DataFrame | None:
    """Cells of rows that are written as most programs write them; None where anything else is among them."""
    if b"<!" in xml:
        return None
    texts = pl.Series([xml.decode()]).str.split("<c ").explode().slice(1)
    if xml.count(b"<c") != len(texts):  # some begin otherwise, such as <c> or with a line end
        return None
    if texts.is_empty():
        return pl.DataFrame(schema=FOUND)
    found = texts.str.extract_groups(VALUE).struct.unnest()
    found.columns = ["letters", "row", "marks", "text"]
    rest = found["letters"].is_null()
    if rest.any():
        others = texts.filter(rest)
        others = others.filter(~others.str.contains(EMPTY))
        formulas = others.str.extract_groups(FORMULA).struct.unnest()
        formulas.columns = found.columns
        if formulas["letters"].null_count():
            return None
        waiting = formulas["text"].is_null() | ((formulas["text"] == "") & ~formulas["marks"].str.contains(' t="str"'))
        formulas = formulas.with_columns(
            text=formulas["text"].set(waiting, UNCALCULATED), marks=formulas["marks"].set(waiting, ' t="e"')
        )
        found = pl.concat([found.filter(~rest), formulas])
        found = found.with_columns(pl.col("row").cast(pl.UInt32, strict=False)).sort("row", maintain_order=True)
    return _typed(found, kind_of)


def _typed(found: pl.DataFrame, kind_of: KindOf) -> pl.DataFrame | None:
    marks = {each: kind_of(*_marks(each)) for each in found["marks"].unique()}
    letters = {each: column_index(each) for each in found["letters"].unique()}
    if max(letters.values(), default=0) >= COLUMNS:
        raise broken()
    return found.select(
        pl.col("row").cast(pl.UInt32, strict=False).fill_null(ROWS + 1),
        pl.col("letters").replace_strict(letters, return_dtype=pl.UInt16).alias("column"),
        pl.col("marks").replace_strict({k: v[0] for k, v in marks.items()}, return_dtype=pl.UInt8).alias("kind"),
        unescaped(found["text"]).alias("text"),
        pl.col("marks").replace_strict({k: v[1] for k, v in marks.items()}, return_dtype=pl.Boolean).alias("shared"),
    )


def _marks(text: str) -> tuple[str | None, int]:
    type_, style = TYPE.search(text), STYLE.search(text)
    return type_ and type_[1], int(style[1]) if style else 0


def exact(xml: bytes, names: bytes, before: int, kind_of: KindOf) -> pl.DataFrame:
    """Cells of rows, however they are written; rows and cells without a reference follow the one before."""
    tree = ET.fromstring(b"<rows " + names + b">" + xml + b"</rows>")  # noqa: S314 - in the child, under its limits
    found: list[tuple[int, int, int, str, bool]] = []
    row = before
    for line in tree:
        row = int(line.get("r") or row + 1)
        column = -1
        for cell in line:
            reference = REFERENCE.fullmatch(cell.get("r", ""))
            column = column_index(reference[1]) if reference else column + 1
            text = _value(cell)
            if text is not None:
                if not (0 < row <= ROWS and column < COLUMNS):
                    raise broken()
                type_ = "e" if text == UNCALCULATED else cell.get("t")
                found.append((row, column, *_ordered(kind_of(type_, int(cell.get("s") or 0)), text)))
    return pl.DataFrame(found, schema=FOUND, orient="row")


def _ordered(kind: tuple[Kind, bool], text: str) -> tuple[int, str, bool]:
    return int(kind[0]), text, kind[1]


def _value(cell: ET.Element) -> str | None:
    """What a cell holds; None where it is empty."""
    parts = {each.tag.rpartition("}")[2]: each for each in cell}
    if "is" in parts:
        runs = (each for each in parts["is"] if not each.tag.endswith("rPh"))
        return plain_text(
            "".join(text.text or "" for run in runs for text in run.iter() if text.tag.rpartition("}")[2] == "t")
        )
    value = parts["v"].text if "v" in parts else None
    if value is None and "f" in parts and cell.get("t") != "str":
        return UNCALCULATED
    return plain_text(value) if value else None


def column_index(letters: str) -> int:
    """0 for A, 26 for AA."""
    index = 0
    for letter in letters[:4]:
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


def safe_xml(text: str) -> str:
    """The text without the characters that XML cannot hold."""
    return UNPRINTABLE.sub("", text)
