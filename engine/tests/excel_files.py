"""Workbooks made for a test, also such as a program with habits of its own might write, and how they are read."""

import datetime as dt
import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl

from sluice.contracts import Contract, Dialect, DruidTarget, Field, FieldType, Policy
from sluice.events import FileFormat
from sluice_engine.reading.excel import ExcelTable

F = FieldType


AT = dt.datetime(2024, 1, 5, 10, 0, 30, 250_000)  # noqa: DTZ001 - sheets know no zone


def contract(*types: FieldType, dialect: Dialect | None = None, policy: Policy | None = None) -> Contract:
    fields = tuple(Field("abcdefgh"[at], type_) for at, type_ in enumerate(types))
    return Contract("sheet", "1", fields, DruidTarget("a"), dialect or Dialect(), policy or Policy())


def opened(path: Path, data: bytes, given: Contract, file_format: str = "xlsx") -> ExcelTable:
    path.write_bytes(data)
    return ExcelTable(path, given, FileFormat(file_format), 50_000_000)


def cells(table: ExcelTable) -> pl.DataFrame:
    return pl.concat([batch.cells for batch in table.batches()], how="vertical_relaxed")


def saved(book: Any) -> bytes:
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def xlsx(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    return saved(book)


def parts(sheet: str, **others: str) -> bytes:
    """A workbook as a program with habits of its own might write it; `sheet` is the XML of its one sheet."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}">'
            f'<Relationship Id="r1" Type="{kinds}/officeDocument" Target="/xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{kinds}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
        )
        shared = f'<Relationship Id="r2" Type="{kinds}/sharedStrings" Target="sharedStrings.xml"/>' if others else ""
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}"><Relationship Id="r1" Type="{kinds}/worksheet" Target="worksheets/sheet1.xml"/>'
            f"{shared}</Relationships>",
        )
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
        for name, text in others.items():
            archive.writestr(f"xl/{name}.xml", text)
    return content.getvalue()


def sheet(rows: str, head: str = "", tail: str = "") -> str:
    return f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{head}<sheetData>{rows}</sheetData>{tail}</worksheet>'


HEADER = '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="inlineStr"><is><t>b</t></is></c></row>'


ROW = '<row r="2"><c r="A2"><v>7</v></c><c r="B2" t="inlineStr"><is><t>x</t></is></c></row>'
