"""Tables as spreadsheets: XLSX as a stream, at the speed of Polars; XLS in memory, for it is small by its format."""

import datetime as dt
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, Protocol
from xml.sax.saxutils import quoteattr

import polars as pl
import xlwt

from sluice_engine.reading.sheetxml import column_letters

LONGEST_TEXT = 32_767
"""Characters that a cell may have; Excel refuses a workbook with more."""
XLS_ROWS, XLS_COLUMNS = 65_536, 256
ROWS = 16_384
"""Rows that are turned into XML at a time."""

EPOCH_DAYS = 25_569
"""1970-01-01 as Excel counts days; before 1900-03-01 it counts a day that never was."""
FIRST_DATE = dt.date(1900, 3, 1)
EXACT = 2**53
"""Whole numbers beyond it are not exact in a cell; they are written as text."""

UNPRINTABLE = {chr(code): f"_x{code:04X}_" for code in range(32) if chr(code) not in "\t\n"}
ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", **UNPRINTABLE, "\ufffe": "_xFFFE_", "\uffff": "_xFFFF_"}

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
DATE_STYLE, TIME_STYLE = 1, 2


class SheetWriter(Protocol):
    """A sheet that grows downwards. Text stays text; null is an empty cell."""

    @property
    def name(self) -> Literal["rejects.xlsx", "rejects.xls"]: ...

    def skip(self, rows: int) -> None: ...

    def add(self, frame: pl.DataFrame) -> None: ...

    def close(self) -> None: ...


@dataclass(slots=True)
class XlsxSheet:
    """A workbook of one sheet; what is in memory is a few thousand rows."""

    path: Path
    title: str
    _archive: zipfile.ZipFile = field(init=False)
    _xml: IO[bytes] = field(init=False)
    _rows: int = 0

    def __post_init__(self) -> None:
        self._archive = zipfile.ZipFile(self.path, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        for name, text in _package(self.title).items():
            self._archive.writestr(name, HEAD + text)
        self._xml = self._archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True)
        self._xml.write(f'{HEAD}<worksheet xmlns="{MAIN}"><sheetData>'.encode())

    @property
    def name(self) -> Literal["rejects.xlsx"]:
        return "rejects.xlsx"

    def skip(self, rows: int) -> None:
        self._rows += rows

    def add(self, frame: pl.DataFrame) -> None:
        for part in frame.iter_slices(ROWS):
            number = pl.int_range(self._rows + 1, self._rows + part.height + 1).cast(pl.String)
            cells = [_cell(name, own, column_letters(at), number) for at, (name, own) in enumerate(part.schema.items())]
            row = pl.concat_str(pl.lit('<row r="'), number, pl.lit('">'), *cells, pl.lit("</row>"))
            self._xml.write(part.select(row.alias("row")).to_series().str.join("").item().encode())
            self._rows += part.height

    def close(self) -> None:
        self._xml.write(b"</sheetData></worksheet>")
        self._xml.close()
        self._archive.close()


def _cell(name: str, own: pl.DataType, letters: str, number: pl.Expr) -> pl.Expr:
    """XML of one cell for each row, empty where the cell is."""
    value = pl.col(name)
    start = pl.concat_str(pl.lit(f'<c r="{letters}'), number)
    if own == pl.Boolean:
        cell = pl.concat_str(start, pl.lit('" t="b"><v>'), value.cast(pl.Int8), pl.lit("</v></c>"))
    elif own.is_integer():
        exact = pl.concat_str(start, pl.lit('"><v>'), value, pl.lit("</v></c>"))
        cell = pl.when(value.is_between(-EXACT, EXACT)).then(exact).otherwise(_text(value.cast(pl.String), start))
    elif own.is_numeric():
        cell = pl.concat_str(start, pl.lit('"><v>'), value, pl.lit("</v></c>"))
    elif own == pl.Date or isinstance(own, pl.Datetime):
        return _moment(value, own, start)
    else:
        cell = _text(value.cast(pl.String), start)
    return cell.fill_null("")


def _text(value: pl.Expr, start: pl.Expr) -> pl.Expr:
    # what looks like an escape of ours must not be taken for one
    plain = value.str.head(LONGEST_TEXT).str.replace_all(r"_(x[0-9A-Fa-f]{4}_)", "_x005F_$1")
    safe = plain.str.replace_many(ESCAPES)
    return pl.concat_str(start, pl.lit('" t="inlineStr"><is><t xml:space="preserve">'), safe, pl.lit("</t></is></c>"))


def _moment(value: pl.Expr, own: pl.DataType, start: pl.Expr) -> pl.Expr:
    """Excel's own day count, or text for times that it cannot count."""
    naive = value.cast(pl.Datetime("us"))
    serial = naive.cast(pl.Int64) / 86_400_000_000 + EPOCH_DAYS
    style = DATE_STYLE if own == pl.Date else TIME_STYLE
    counted = pl.concat_str(start, pl.lit(f'" s="{style}"><v>'), serial, pl.lit("</v></c>"))
    written = _text(value.dt.to_string("iso" if own == pl.Date else "iso:strict"), start)
    return pl.when(naive >= pl.lit(FIRST_DATE)).then(counted).otherwise(written).fill_null("")


def _package(title: str) -> dict[str, str]:
    """Every part of the workbook but the sheet."""
    return {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{KIND}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{KIND}.worksheet+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{KIND}.styles+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>'
        f'<sheet name={quoteattr(title)} sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{RELATIONS}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><numFmts count="2">'
        '<numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
        '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts>'
        '<fonts count="1"><font/></fonts><fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders>'
        '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf/>'
        '<xf numFmtId="164" applyNumberFormat="1"/><xf numFmtId="165" applyNumberFormat="1"/></cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
    }


@dataclass(slots=True)
class XlsSheet:
    """In memory: at most XLS_ROWS rows, and XLS_COLUMNS columns."""

    path: Path
    title: str
    _book: Any = field(init=False)
    _sheet: Any = field(init=False)
    _styles: dict[type[pl.DataType], Any] = field(init=False)
    _rows: int = 0

    def __post_init__(self) -> None:
        self._book = xlwt.Workbook(encoding="utf-8")
        self._sheet = self._book.add_sheet(self.title)
        self._styles = {
            pl.Date: xlwt.easyxf(num_format_str="yyyy-mm-dd"),
            pl.Datetime: xlwt.easyxf(num_format_str="yyyy-mm-dd hh:mm:ss"),
        }

    @property
    def name(self) -> Literal["rejects.xls"]:
        return "rejects.xls"

    def skip(self, rows: int) -> None:
        self._rows += rows

    def add(self, frame: pl.DataFrame) -> None:
        plain = xlwt.Style.default_style
        for at, column in enumerate(frame.get_columns()):
            style = self._styles.get(column.dtype.base_type(), plain)
            for row, value in enumerate(column.to_list(), start=self._rows):
                if value is not None:
                    cell = _exact(value)
                    self._sheet.write(row, at, cell, plain if isinstance(cell, str) else style)
        self._rows += frame.height

    def close(self) -> None:
        self._book.save(str(self.path))


def _exact(value: Any) -> Any:
    """The value, or its text where an XLS cell cannot hold it."""
    match value:
        case bool() | float():
            return value
        case int():
            return value if abs(value) <= EXACT else str(value)
        case dt.datetime():
            return value.replace(tzinfo=None) if value.date() >= FIRST_DATE else value.isoformat()
        case dt.date():
            return value if value >= FIRST_DATE else value.isoformat()
        case _:
            return str(value)[:LONGEST_TEXT]
