"""The sender's workbook back: bad cells coloured and commented, a sheet that sums up, and nothing else changed."""

import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import openpyxl
from openpyxl.cell.cell import MergedCell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH
from openpyxl.utils.exceptions import IllegalCharacterError, InvalidFileException

from sluice.reports import Note, RuleCount
from sluice_engine.reading.sheetxml import safe_xml
from sluice_engine.reading.workbook import Kind
from sluice_engine.reading.xls import open_xls

ODDITIES = (
    ET.ParseError,
    InvalidFileException,
    IllegalCharacterError,
    zipfile.BadZipFile,
    zlib.error,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What openpyxl raises for a part that it does not understand. The reader of cells took the file, so it has its verdict all the same."""

MOST_MARKS = 20_000
MOST_UNPACKED = 60_000_000
MOST_CELLS = 1_000_000
"""Beyond these no workbook is made: openpyxl holds all of it in memory, some 500 bytes for each cell."""

LONGEST_COMMENT = 2_000
BAD = PatternFill("solid", start_color="FFFFC7CE", end_color="FFFFC7CE")
SHOWN = {Kind.MOMENT: "yyyy-mm-dd hh:mm:ss", Kind.SPAN: "[h]:mm:ss"}
TITLE = "Sluice report"
AUTHOR = "Sluice"

LOST = {
    r"xl/vbaProject\.bin": "macros",
    r"xl/(drawings|diagrams)/(?!.*\.(?:rels|vml)$).+": "drawings and charts (kept only in part)",
    r"xl/media/.+": "pictures",
    r"xl/(slicers|slicerCaches|timelines)/.+": "slicers",
    r"xl/(ctrlProps|activeX)/.+": "form controls",
    r"xl/threadedComments/.+": "threads of comments (kept as plain notes)",
    r"xl/(model|connections|queryTables|queries)\b.*": "connections and queries",
    r"xl/richData/.+": "pictures in cells and linked data types",
}
"""Parts of a workbook that openpyxl does not write back, or not as they were."""


@dataclass(frozen=True, slots=True)
class Mark:
    """`cell` such as `F12` or `Sales!F12`; `text` says what is wrong, what is expected, and what to do."""

    cell: str
    text: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What the sheet in front says. `facts` are pairs such as ("Rows rejected", 12); `steps` are sentences: how to go on."""

    title: str
    facts: Sequence[tuple[str, str | int]] = ()
    rules: Sequence[RuleCount] = ()
    steps: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """`made` is False where the workbook is too big to be written back; `notes` say that, and what could not be kept."""

    made: bool
    notes: tuple[Note, ...] = ()


def write_workbook(source: Path, target: Path, sheet: str, marks: Iterable[Mark], summary: Summary) -> Written:
    """Mark cells of `sheet`, at most MOST_MARKS, in a copy of an XLSX; of an XLS, in a new workbook with the values of that sheet."""
    try:
        return _written(source, target, sheet, marks, summary)
    except Odd:
        target.unlink(missing_ok=True)
        return _not_made("has parts that cannot be written back")


class Odd(Exception):
    """openpyxl does not understand the workbook."""


@contextmanager
def understood() -> Iterator[None]:
    """Around work of openpyxl and zipfile alone: a fault of our own is none of the sender's. Raises Odd."""
    try:
        yield
    except ODDITIES as error:
        raise Odd from error


def _written(source: Path, target: Path, sheet: str, marks: Iterable[Mark], summary: Summary) -> Written:
    """Raises Odd."""
    packed = zipfile.is_zipfile(source)
    lost = _lost(source) if packed else ["everything but the values of this sheet, for XLS cannot be written back"]
    book = (_loaded if packed else _copied)(source, sheet)
    if book is None:
        return _not_made("is too big to be sent back")
    marked, more = _mark(book[sheet], marks)
    notes = [*_kept(lost), *_formulas(packed=packed), *_capped(marked, more=more)]
    _sum_up(book, summary, [note.message for note in notes])
    with understood():
        book.save(target)
    return Written(made=True, notes=tuple(note for note in notes if note.code != "workbook-formulas"))


def _not_made(why: str) -> Written:
    said = f"There is no copy of the workbook with marks, for it {why}; use the rejects file, which holds every rejected row."
    return Written(made=False, notes=(Note(code="workbook-not-made", message=said),))


def _lost(source: Path) -> list[str]:
    with zipfile.ZipFile(source) as archive:
        names = archive.namelist()
    return [what for pattern, what in LOST.items() if any(re.fullmatch(pattern, name) for name in names)]


@understood()
def _loaded(source: Path, sheet: str) -> Any | None:
    with zipfile.ZipFile(source) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MOST_UNPACKED:
            return None
        cells = sum(_cells(archive, name) for name in archive.namelist() if name.startswith("xl/worksheets/"))
    if cells > MOST_CELLS:
        return None
    with source.open("rb") as file:  # by its name it would have to end in .xlsx
        book = openpyxl.load_workbook(file, rich_text=True)
    return book if sheet in book.sheetnames else None


def _cells(archive: zipfile.ZipFile, name: str) -> int:
    with archive.open(name) as part:
        return sum(chunk.count(b"<c") for chunk in iter(lambda: part.read(1_048_576), b""))


def _copied(source: Path, sheet: str) -> Any | None:
    """The values of a sheet of an XLS; dates and times as the numbers that they are, in a format that shows them."""
    old = open_xls(source)
    cells = old.cells(next(each for each in old.sheets if each.name == sheet))
    book = openpyxl.Workbook()
    book.epoch = MAC_EPOCH if old.epoch_1904 else WINDOWS_EPOCH
    page = book.active
    page.title = sheet
    count = 0
    for frame in cells:
        count += frame.height
        if count > MOST_CELLS:
            return None
        for row, column, kind, text in frame.iter_rows():
            cell = _put(page, row, column + 1, _value(Kind(kind), text))
            cell.number_format = SHOWN.get(Kind(kind), "General")
    return book


def _value(kind: Kind, text: str) -> str | float | bool:
    if kind is Kind.TEXT:
        return text
    return text == "1" if kind is Kind.BOOLEAN else float(text)


def _put(page: Any, row: int, column: int, value: Any, font: Font | None = None) -> Any:
    """Text is never a formula, and characters that XML cannot hold are left out."""
    cell = page.cell(row, column)
    if isinstance(value, str):
        cell.value = safe_xml(value)
        cell.data_type = "s"
    else:
        cell.value = value
    if font:
        cell.font = font
    return cell


def _mark(page: Any, marks: Iterable[Mark]) -> tuple[int, bool]:
    """How many cells were marked, and whether there are more."""
    waiting = iter(marks)
    count = 0
    for mark in islice(waiting, MOST_MARKS):
        cell = _shown(page, page[mark.cell.rpartition("!")[2]])
        cell.fill = BAD
        count += 1
        _comment(cell, mark.text)
    return count, next(waiting, None) is not None


def _shown(page: Any, cell: Any) -> Any:
    """The cell itself, or of merged ones the first, which is all that is seen of them."""
    if not isinstance(cell, MergedCell):
        return cell
    area = next(each for each in page.merged_cells.ranges if cell.coordinate in each)
    return page.cell(area.min_row, area.min_col)


def _comment(cell: Any, text: str) -> None:
    before = f"{cell.comment.text}\n\n" if cell.comment else ""
    comment = Comment(safe_xml(f"{before}{text}")[:LONGEST_COMMENT], AUTHOR)
    comment.width, comment.height = 320, 120
    cell.comment = comment


def _kept(lost: list[str]) -> list[Note]:
    if not lost:
        return []
    said = f"Not kept in this copy of the workbook: {', '.join(lost)}. Where you need them, mend your own file."
    return [Note(code="workbook-parts-lost", message=said)]


def _formulas(*, packed: bool) -> list[Note]:
    said = "Open this workbook in Excel or LibreOffice and save it there before you upload it: only they work out its formulas."
    return [Note(code="workbook-formulas", message=said)] if packed else []


def _capped(marked: int, *, more: bool) -> list[Note]:
    said = f"The first {marked:,} bad cells are marked; there are more. The report counts all."
    return [Note(code="marks-capped", message=said)] if more else []


def _sum_up(book: Any, summary: Summary, remarks: Sequence[str]) -> None:
    """A sheet at the end: the sender's own sheets keep their places, and the first is still the one that is read."""
    page = book.create_sheet(_free(book.sheetnames))
    lines: list[tuple[Sequence[str | int], bool]] = [
        ((summary.title,), True),
        *((fact, False) for fact in summary.facts),
        ((), False),
        (("Rule", "Column", "Errors", "Expected"), True),
        *(((each.rule, each.column or "", each.count, each.expected), False) for each in summary.rules),
        ((), False),
        (("How to go on",), True),
        *(((step,), False) for step in (*summary.steps, *remarks)),
    ]
    for row, (values, bold) in enumerate(lines, start=1):
        for column, value in enumerate(values, start=1):
            cell = _put(page, row, column, value, Font(bold=True) if bold else None)
            cell.alignment = Alignment(vertical="top", wrap_text=column > 1)
    for letter, width in zip("ABCD", (28, 28, 12, 60), strict=True):
        page.column_dimensions[letter].width = width
    page.sheet_properties.tabColor = "FFC00000"


def _free(names: Sequence[str]) -> str:
    taken = {name.casefold() for name in names}
    return next(
        name for name in (TITLE, *(f"{TITLE} {n}" for n in range(2, len(names) + 3))) if name.casefold() not in taken
    )
