"""What stands in a cell is what is read, whoever wrote the workbook: held against what other programs' writers put there."""

import datetime as dt
import io
import zipfile
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
import xlwt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.utils.datetime import MAC_EPOCH, to_excel

from sluice.contracts import Contract, Dialect, DruidTarget, ExtraColumns, Field, FieldType, Policy
from sluice.events import FileFormat
from sluice_engine.errors import FileRejected
from sluice_engine.reading import excel, sheetxml, workbook
from sluice_engine.reading.excel import ExcelTable, quoted
from sluice_engine.reading.table import Batch

F = FieldType
FIRST, LEAP = dt.datetime(1900, 1, 1), dt.datetime(2024, 2, 29)  # noqa: DTZ001 - sheets know no zone
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


@pytest.mark.parametrize(
    ("type_", "values", "expected"),
    [
        (F.INTEGER, [1, -20, 900], pl.Series([1, -20, 900])),
        (F.INTEGER, [1, None, 3], pl.Series([1, None, 3])),
        (F.INTEGER, [1, "many", 2.5], pl.Series(["1", "many", "2.5"])),
        (F.NUMBER, [0.1, 1e-7], pl.Series([0.1, 1e-7])),
        (F.NUMBER, [0.1, "0,5", 12.0], pl.Series(["0.1", "0,5", "12"])),
        (F.STRING, [1, 2.5, True, "007", None, "x"], pl.Series(["1", "2.5", "true", "007", None, "x"])),
        (F.BOOLEAN, [True, False], pl.Series([True, False])),
        (F.BOOLEAN, [True, "no"], pl.Series(["true", "no"])),
        (F.TIMESTAMP, [AT, FIRST], pl.Series([AT, FIRST])),
        (F.TIMESTAMP, [AT, "yesterday", 5], pl.Series(["2024-01-05T10:00:30.250", "yesterday", "5"])),
        (F.DATE, [dt.date(2024, 2, 29)], pl.Series([LEAP])),
        (F.STRING, [dt.date(2024, 2, 29), dt.time(7, 30)], pl.Series(["2024-02-29", "07:30:00"])),
        (F.STRING, [dt.timedelta(hours=26), dt.timedelta(seconds=1.5)], pl.Series(["26:00:00", "00:00:01.500"])),
        (F.STRING, ["a & b", "<b>", "  ", "ä\n", "_x0041_"], pl.Series(["a & b", "<b>", "  ", "ä\n", "A"])),
        (F.NUMBER, ["#N/A", 1], pl.Series(["#N/A", "1"])),
    ],
)  # fmt: skip
def test_cells_are_read_by_their_own_type(tmp_path, type_, values, expected):
    found = cells(opened(tmp_path / "input", xlsx(["a"], *([value] for value in values), ["end"]), contract(type_)))
    assert found["a"].to_list()[-1] == "end"
    alone = cells(opened(tmp_path / "alone", xlsx(["b", "a"], *(["-", value] for value in values)), replace(
        contract(type_), fields=(Field("b", F.STRING), Field("a", type_)))))  # fmt: skip
    assert alone["a"].to_list() == expected.to_list()
    assert alone["a"].dtype == (expected.dtype if expected.dtype != pl.Datetime else pl.Datetime("us"))


@pytest.mark.parametrize(
    ("type_", "digits", "expected"),
    [
        (F.STRING, ["12345678901234567890", "7"], ["12345678901234567890", "7"]),
        (F.INTEGER, ["123456789012345678", "-900719925474099377"], [123456789012345678, -900719925474099377]),
        (F.INTEGER, ["9223372036854775807", "1"], ["9223372036854775807", "1"]),
        (F.INTEGER, ["1.234567890123457E+17", "5.0", "1E3"], ["123456789012345700", "5", "1000"]),
        (F.NUMBER, ["0.30000000000000004", "1E-7", "5"], [0.30000000000000004, 1e-7, 5.0]),
        (
            F.STRING,
            ["0.10000000000000001", "2.5E+22", "1.5E+300"],
            ["0.1", "25000000000000000000000", "15" + "0" * 299],
        ),
    ],
)
def test_numbers_keep_every_digit_that_the_file_has(tmp_path, type_, digits, expected):
    rows = "".join(f'<row r="{at}"><c r="A{at}"><v>{text}</v></c></row>' for at, text in enumerate(digits, start=2))
    header = HEADER.replace('<c r="B1" t="inlineStr"><is><t>b</t></is></c>', "")
    assert cells(opened(tmp_path / "input", parts(sheet(header + rows)), contract(type_)))["a"].to_list() == expected


@pytest.mark.parametrize("kind", ["xlsx", "xls"])
def test_workbooks_that_count_from_1904_show_the_same_days(tmp_path, kind):
    days = [dt.datetime(1904, 1, 2), dt.datetime(2024, 2, 29, 12)]  # noqa: DTZ001
    if kind == "xlsx":
        book = openpyxl.Workbook()
        book.epoch = MAC_EPOCH
        for row, value in enumerate(["a", *days], start=1):
            book.active.cell(row, 1, value)
    else:
        book = xlwt.Workbook()
        book.dates_1904 = True
        page = book.add_sheet("S")
        dated = xlwt.easyxf(num_format_str="YYYY-MM-DD HH:MM")
        page.write(0, 0, "a")
        for row, day in enumerate(days, start=1):
            page.write(row, 0, to_excel(day, MAC_EPOCH), dated)
    assert cells(opened(tmp_path / "input", saved(book), contract(F.TIMESTAMP), kind))["a"].to_list() == days


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ("59", "1900-02-28"),
        ("60", "1900-02-29"),
        ("61", "1900-03-01"),
        ("0.5", "12:00:00"),
        ("-1", "-1"),
        ("2958466", "2958466"),
        ("junk", "junk"),
    ],
)
def test_days_that_never_were_are_text_that_no_type_takes(tmp_path, days, said):
    styles = (
        '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs><xf numFmtId="0"/>'
        '<xf numFmtId="14"/></cellXfs></styleSheet>'
    )
    rows = f'{HEADER}<row r="2"><c r="A2" s="1"><v>{days}</v></c><c r="B2" t="str"><v>x</v></c></row>'
    data = _with_styles(parts(sheet(rows), styles=styles, sharedStrings="<sst/>"))
    found = cells(opened(tmp_path / "input", data, contract(F.STRING, F.STRING)))
    assert found["a"].to_list() == [said]


def _with_styles(data: bytes) -> bytes:
    """The same workbook with a relation to its styles."""
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(content, "w") as new:
        for name in old.namelist():
            text = old.read(name).decode()
            if name.endswith("workbook.xml.rels"):
                kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
                text = text.replace(
                    "</Relationships>",
                    f'<Relationship Id="r9" Type="{kinds}/styles" Target="styles.xml"/></Relationships>',
                )
            new.writestr(name, text)
    return content.getvalue()


SEVEN = '<c r="A2"><v>7</v></c>'
RUNS = '<r><t>x</t></r><r><t xml:space="preserve"> y</t></r><rPh><t>z</t></rPh>'
ROW = '<row r="2"><c r="A2"><v>7</v></c><c r="B2" t="inlineStr"><is><t>x</t></is></c></row>'


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ('<row r="2"><c r="A2"><v>7</v></c><c r="B2" t="inlineStr"><is><t>x</t></is></c></row>', ("7", "x")),
        ('<row><c><v>7</v></c><c t="inlineStr"><is><t>x</t></is></c></row>', ("7", "x")),
        ("<row r='2'><c t='n' r='A2'><v>7</v></c><c\n r='B2' t='str'><v>x</v></c></row>", ("7", "x")),
        (f'<row r="2"><!-- <c r="A9"/> -->{SEVEN}<c r="B2" t="inlineStr"><is><t><![CDATA[<c ]]></t></is></c></row>', ("7", "<c ")),
        (f'<row r="2">{SEVEN}<c r="B2" t="inlineStr"><is>{RUNS}</is></c></row>', ("7", "x y")),
        ('<row r="2"><c r="A2"/><c r="B2" t="str"><f>A1&amp;"x"</f><v>a &lt;&#66;_x000D_</v></c></row>', (None, "a <B\r")),
        ('<row r="2"><c r="A2"><f>1+1</f></c><c r="B2" t="str"><f>""</f><v></v></c></row>', (sheetxml.UNCALCULATED, None)),
        ('<row r="2"><c r="A2"><f t="shared" si="0"/><v>2</v></c><c r="B2"><f>1+1</f><v></v></c></row>', ("2", sheetxml.UNCALCULATED)),
        ('<row r="2"><c r="A2" t="e"><f>1/0</f><v>#DIV/0!</v></c><c r="B2" t="e"><v>#REF!</v></c></row>', ("#DIV/0!", "#REF!")),
    ],
)  # fmt: skip
def test_xml_of_every_habit_is_read_alike(tmp_path, rows, expected):
    given = contract(F.STRING, F.STRING)
    data = sheet(HEADER + rows)
    assert cells(opened(tmp_path / "plain", parts(data), given)).rows() == [expected]
    prefixed = (
        data.replace("</", "\0").replace("<!", "\1").replace("<", "<x:").replace("\0", "</x:").replace("\1", "<!")
    )
    prefixed = prefixed.replace("<x:c ]]>", "<c ]]>").replace("xmlns=", "xmlns:x=")
    assert cells(opened(tmp_path / "prefixed", parts(prefixed), given)).rows() == [expected]


def test_both_ways_of_reading_find_the_same_cells(monkeypatch, tmp_path):
    book = openpyxl.Workbook()
    for row in range(1, 400):
        book.active.append(["a", "b"] if row == 1 else [row * 1.25 if row % 3 else None, f"text & {row}"])
    data, given = saved(book), contract(F.NUMBER, F.STRING)
    quick = cells(opened(tmp_path / "quick", data, given))
    monkeypatch.setattr(sheetxml, "quick", lambda _xml, _kind: None)
    assert cells(opened(tmp_path / "exact", data, given)).equals(quick)


def test_rows_come_whole_whatever_is_read_at_a_time(monkeypatch, tmp_path):
    data, given = xlsx(["a", "b"], *([row, f"t{row}"] for row in range(500))), contract(F.INTEGER, F.STRING)
    whole = cells(opened(tmp_path / "whole", data, given))
    monkeypatch.setattr(workbook, "PIECE", 700)
    assert cells(opened(tmp_path / "pieces", data, given)).equals(whole)


@pytest.mark.parametrize(
    "items",
    [
        "<si><t>x &amp; y</t></si>",
        '<si><t xml:space="preserve">x &amp; y</t></si>',
        "<si><r><rPr/><t>x &amp;</t></r><r><t> y</t></r><rPh><t>no</t></rPh></si>",
    ],
)
def test_shared_texts_are_put_together(tmp_path, items):
    texts = f"<sst><si><t>a</t></si><si><t>b</t></si><si/>{items}</sst>"
    rows = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'
    rows += '<row r="2"><c r="A2" t="s"><v>2</v></c><c r="B2" t="s"><v>3</v></c></row>'
    found = cells(opened(tmp_path / "input", parts(sheet(rows), sharedStrings=texts), contract(F.STRING, F.STRING)))
    assert found.rows() == [(None, "x & y")]


def test_text_that_is_shared_and_missing_is_said(tmp_path):
    rows = '<row r="1"><c r="A1" t="s"><v>5</v></c></row>'
    with pytest.raises(FileRejected, match="texts that the workbook does not hold") as caught:
        cells(opened(tmp_path / "input", parts(sheet(rows)), contract(F.STRING)))
    assert caught.value.code == "unreadable-file"


SPARSE = HEADER + ROW


@pytest.mark.parametrize(
    "rows",
    [
        SPARSE + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        HEADER + ROW.replace("</row>", '<c r="XFD2"><v>1</v></c></row>'),
    ],
)
def test_a_cell_at_the_end_of_the_sheet_is_outside_of_the_table(tmp_path, rows):
    table = opened(tmp_path / "input", parts(sheet(rows)), contract(F.INTEGER, F.STRING))
    assert cells(table).rows() == [(7, "x")]
    assert [note.code for note in table.notes] == ["cells-outside-table"]


def test_a_value_far_below_makes_the_rows_between_empty_ones(tmp_path):
    rows = SPARSE + '<row r="1048576"><c r="A1048576"><v>1</v></c></row>'
    table = opened(tmp_path / "input", parts(sheet(rows)), contract(F.INTEGER, F.STRING))
    batches = list(table.batches())
    assert sum(batch.seen for batch in batches) == 1_048_575
    assert max(batch.seen for batch in batches) <= 65_536
    assert batches[-1].cells["a"][-1] == 1


@pytest.mark.parametrize(
    "rows",
    [
        HEADER + '<row r="1048577"><c r="A1048577"><v>1</v></c></row>',
        HEADER + '<row r="2"><c r="XFE2"><v>1</v></c></row>',
        HEADER + '<row r="2"><c r="AAAAAAAAA2"><v>1</v></c></row>',
        HEADER + '<row r="3"><c r="A3"><v>1</v></c></row><row r="2"><c r="A2"><v>1</v></c></row>',
        HEADER + '<row r="99999999999999999999"><c r="A99999999999999999999"><v>1</v></c></row>',
    ],
)
def test_cells_that_no_sheet_has_are_a_damage(tmp_path, rows):
    with pytest.raises(FileRejected, match="damaged"):
        cells(opened(tmp_path / "input", parts(sheet(rows)), contract(F.INTEGER, F.STRING)))


def dialect_book() -> bytes:
    book = openpyxl.Workbook()
    book.active.title = "Cover"
    book.active.sheet_state = "hidden"
    page = book.create_sheet("My Sales")
    for row in (["Report"], [], ["", "a", "b"], ["", "pieces", "text"], ["", 1, "x"], [], ["", 3, "z"], ["", "sum", 4]):
        page.append(row)
    page.row_dimensions[5].hidden = True
    page.column_dimensions["C"].hidden = True
    page.merge_cells("B7:C7")
    return saved(book)


def test_dialect_says_where_the_table_stands(tmp_path):
    given = contract(F.INTEGER, F.STRING, dialect=Dialect(header_row=3, skip_after_header=1, footer_rows=1))
    table = opened(tmp_path / "input", dialect_book(), given)
    (batch,) = table.batches()
    # the footer is text, so the column is read as text; the judge parses it
    assert batch.cells.rows() == [("1", "x"), (None, None), ("3", None)]
    assert batch.rows.to_list() == [1, 2, 3]
    assert table.place(3, "a").cell == "'My Sales'!B7"
    assert table.sheet == "My Sales"
    assert [note.code for note in table.notes] == ["hidden-sheet", "hidden-rows", "hidden-columns", "merged-cells"]
    assert "B7:C7" in table.notes[-1].message


def test_a_hidden_sheet_is_read_where_the_contract_names_it(tmp_path):
    book = openpyxl.Workbook()
    book.create_sheet("Data").append(["a"])
    book["Data"].append([1])
    book["Data"].sheet_state = "veryHidden"
    table = opened(tmp_path / "input", saved(book), contract(F.INTEGER, dialect=Dialect(sheet="Data")))
    assert cells(table).rows() == [(1,)]
    assert [note.code for note in table.notes] == ["hidden-sheet"]


def test_an_empty_header_row_is_said(tmp_path):
    with pytest.raises(FileRejected, match="Row 2 of the sheet is empty"):
        cells(opened(tmp_path / "input", xlsx(["a"], [], [1]), contract(F.INTEGER, dialect=Dialect(header_row=2))))


def test_extra_columns_are_kept_as_text(tmp_path):
    given = contract(F.INTEGER, policy=Policy(extra_columns=ExtraColumns.KEEP))
    (batch,) = opened(tmp_path / "input", xlsx(["more", "a", "day"], [1.5, 2, AT]), given).batches()
    assert batch.cells.rows() == [(2,)]
    assert batch.extra.rows() == [("1.5", "2024-01-05T10:00:30.250")]


@pytest.mark.parametrize("kept", [1_000_000, 0], ids=["kept", "read anew"])
@pytest.mark.parametrize("kind", ["xlsx", "xls"])
def test_rows_come_once_more(monkeypatch, tmp_path, kind, kept):
    monkeypatch.setattr(excel, "KEPT", kept)
    monkeypatch.setattr(workbook, "PIECE", 2_000)
    if kind == "xls":
        book = xlwt.Workbook()
        page = book.add_sheet("S")
        for row in range(300):
            page.write(row, 0, row or "a")
        data = saved(book)
    else:
        data = xlsx(["a"], *([row] for row in range(1, 300)))
    table = opened(tmp_path / "input", data, contract(F.INTEGER), kind)
    list(table.batches())
    wanted = pl.Series([3, 250], dtype=pl.UInt64)
    found = pl.concat([batch.cells.with_columns(row=batch.rows) for batch in table.again(wanted)])
    assert found.filter(pl.col("row").is_in(wanted.implode())).rows() == [(3, 3), (250, 250)]


def test_xls_shows_its_errors_and_what_is_hidden(tmp_path):
    book = xlwt.Workbook()
    page = book.add_sheet("S")
    page.write(0, 0, "a")
    page.write(1, 0, xlwt.Formula("1/0"))
    page.row(2).set_cell_error(0, 0x2A)
    page.row(3).set_cell_boolean(0, 1)
    page.row(1).hidden = True
    page.col(0).hidden = True
    page.write_merge(4, 4, 0, 1, "m")
    table = opened(tmp_path / "input", saved(book), contract(F.STRING), "xls")
    assert cells(table)["a"].to_list()[1:] == ["#N/A", "true", "m"]
    assert [note.code for note in table.notes] == ["hidden-rows", "hidden-columns", "merged-cells"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Sales", "Sales"),
        ("My Sales", "'My Sales'"),
        ("Tom's", "'Tom''s'"),
        ("A1", "'A1'"),
        ("2024", "'2024'"),
        ("Übersicht", "Übersicht"),
        ("R1C1", "'R1C1'"),
        ("a-b", "'a-b'"),
    ],
)
def test_sheet_names_are_quoted_as_excel_does(name, shown):
    assert quoted(name) == shown


def _spoilt(data: bytes) -> bytes:
    """The same workbook with a few bytes of its sheet changed."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        at = archive.getinfo("xl/worksheets/sheet1.xml").header_offset + 120
    return data[:at] + bytes(20) + data[at + 20 :]


def hostile() -> dict[str, tuple[str, bytes]]:
    good = xlsx(["a"], [1])
    old = xlwt.Workbook()
    old.add_sheet("S").write(0, 0, "a")
    binary = io.BytesIO()
    with zipfile.ZipFile(binary, "w") as archive:
        archive.writestr("[Content_Types].xml", "")
        archive.writestr("xl/workbook.bin", "")
    overlap = bytearray(good)
    at = overlap.rfind(b"PK\x01\x02")
    overlap[at + 42 : at + 46] = (0).to_bytes(4, "little")
    doctype = sheet(HEADER).replace("<worksheet", '<!DOCTYPE x [<!ENTITY a "b">]><worksheet', 1)
    return {
        "cut off": ("xlsx", good[: len(good) // 2]),
        "a part with other bytes": ("xlsx", _spoilt(good)),
        "old under the new name": ("xlsx", saved(old)),
        "new under the old name": ("xls", good),
        "html": ("xls", b"<html><table><tr><td>a</td></tr></table></html>"),
        "xml": ("xlsx", b"<?xml version='1.0'?><Workbook/>"),
        "binary workbook": ("xlsx", binary.getvalue()),
        "password": ("xlsx", bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600),
        "cut old one": ("xls", saved(old)[:700]),
        "overlapping parts": ("xlsx", bytes(overlap)),
        "doctype": ("xlsx", parts(doctype)),
        "no end": ("xlsx", parts(sheet(HEADER).replace("</sheetData></worksheet>", ""))),
        "not XML": ("xlsx", parts(sheet("<row><c ><<<"))),
        "no sheet": ("xlsx", parts("<nothing/>")),
        "empty": ("xlsx", b""),
        "empty old one": ("xls", b""),
    }


@pytest.mark.parametrize("case", hostile())
def test_hostile_files_are_rejected_with_what_to_do(tmp_path, case):
    kind, data = hostile()[case]
    with pytest.raises(FileRejected) as caught:
        list(
            opened(
                tmp_path / "input", data, contract(*[F.INTEGER] * (2 if case in {"doctype", "no end"} else 1)), kind
            ).batches()
        )
    assert caught.value.code == "unreadable-file"
    assert any(word in caught.value.message for word in ("Save", "save", "Upload"))


def test_ten_thousand_sheets_are_no_harm(tmp_path):
    names = "".join(f'<sheet name="S{at}" sheetId="{at}" r:id="r1"/>' for at in range(1, 10_001))
    data = parts(sheet(HEADER + ROW))
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(content, "w") as new:
        for name in old.namelist():
            text = old.read(name).decode()
            new.writestr(name, text.replace('<sheet name="S" sheetId="1" r:id="r1"/>', names))
    table = opened(tmp_path / "input", content.getvalue(), contract(F.INTEGER, F.STRING))
    assert cells(table).rows() == [(7, "x")]


@cache
def small(kind: str) -> bytes:
    if kind == "xlsx":
        return xlsx(["a"], [1], [2.5], ["x"])
    book = xlwt.Workbook()
    page = book.add_sheet("S")
    for row, value in enumerate(["a", 1, 2.5, "x"]):
        page.write(row, 0, value)
    return saved(book)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.parametrize("kind", ["xlsx", "xls"])
def test_a_damaged_byte_never_gets_further_than_a_refusal(tmp_path, kind, data):
    whole = small(kind)
    at = data.draw(st.integers(0, len(whole) - 1))
    spoilt = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    spoilt = spoilt[: data.draw(st.sampled_from([at + 1, len(whole)]))]
    with suppress(FileRejected):
        list(opened(tmp_path / "input", spoilt, contract(F.STRING), kind).batches())


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**14), 10**14),
    st.floats(allow_nan=False, allow_infinity=False, width=64),
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"), min_size=1, max_size=20),
    st.datetimes(dt.datetime(1901, 1, 1), dt.datetime(9999, 1, 1)).map(lambda at: at.replace(microsecond=0)),  # noqa: DTZ001
)  # fmt: skip


def as_said(value: Any, kind: str) -> str | float | None:
    """What a text column says of a value that a program wrote: numbers as numbers, for their spelling is free."""
    match value:
        case bool():
            return str(value).lower()
        case dt.datetime():
            return value.isoformat() if value.time() != dt.time(0) else value.date().isoformat()
        case str() if kind == "xlsx":
            return workbook.plain_text(value)
        case float() if kind == "xlsx":
            return float(f"{value:.16g}")  # as openpyxl writes it
        case _:
            return value


def xlsx_of_values(rows: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    for at, row in enumerate(rows, start=1):
        for column, value in enumerate(row, start=1):
            cell = book.active.cell(at, column, value)
            cell.data_type = "s" if isinstance(value, str) else cell.data_type
    return saved(book)


def xls_of_values(rows: list[list[Any]]) -> bytes:
    book = xlwt.Workbook()
    page = book.add_sheet("S")
    dated = xlwt.easyxf(num_format_str="YYYY-MM-DD HH:MM:SS")
    for at, row in enumerate(rows):
        for column, value in enumerate(row):
            if value is not None:
                page.write(at, column, value, dated if isinstance(value, dt.datetime) else xlwt.Style.default_style)
    return saved(book)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(VALUES, min_size=3, max_size=3), min_size=1, max_size=20))
@pytest.mark.parametrize(("kind", "write"), [("xlsx", xlsx_of_values), ("xls", xls_of_values)])
def test_random_tables_come_back_cell_by_cell(tmp_path, kind, write, rows):
    table = [[*row, "end"] for row in rows]
    data = write([["a", "b", "c", "d"], *table])
    found = cells(opened(tmp_path / "input", data, contract(*[F.STRING] * 4), kind)).rows()
    expected = [tuple(as_said(value, kind) for value in row) for row in table]
    numbers = [
        tuple(float(one) if isinstance(other, (int, float)) and one else one for one, other in zip(*pair, strict=True))
        for pair in zip(found, expected, strict=True)
    ]
    assert numbers == expected


def test_batches_of_one_sheet_number_their_rows_on(monkeypatch, tmp_path):
    monkeypatch.setattr(workbook, "PIECE", 1_000)
    data = xlsx(["a"], *([row] for row in range(200)))
    batches: list[Batch] = list(opened(tmp_path / "input", data, contract(F.INTEGER)).batches())
    assert len(batches) > 2
    assert [row for batch in batches for row in batch.rows.to_list()] == list(range(1, 201))


@pytest.mark.parametrize("blank", ["\n", "\t", "\r\n"])
def test_any_blank_may_follow_the_name_of_a_tag(tmp_path, blank):
    row = f'<row r="2"><c r="A2"><v>1</v></c><c{blank}r="B2"><v>2</v></c></row>'
    table = opened(tmp_path / "a.xlsx", parts(sheet(HEADER + row)), contract(F.INTEGER, F.INTEGER))
    assert cells(table).rows() == [(1, 2)]


@pytest.mark.parametrize(
    "row",
    [
        '<row r="5000000000"><c><v>1</v></c></row>',
        '<row r="-1"><c><v>1</v></c></row>',
        f'<row r="2">{"<c><v>1</v></c>" * 70_000}</row>',
    ],
)
def test_a_cell_outside_of_any_sheet_is_refused(tmp_path, row):
    table = opened(tmp_path / "a.xlsx", parts(sheet(HEADER + row)), contract(F.INTEGER, F.INTEGER))
    with pytest.raises(FileRejected) as refusal:
        cells(table)
    assert refusal.value.code == "unreadable-file"


def test_a_style_before_the_first_is_none(tmp_path):
    row = '<row r="2"><c r="A2" s="-1"><v>1</v></c><c><v>2</v></c></row>'
    table = opened(tmp_path / "a.xlsx", parts(sheet(HEADER + row)), contract(F.INTEGER, F.INTEGER))
    assert cells(table).rows() == [(1, 2)]
