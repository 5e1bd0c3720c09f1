"""Whatever XML a program writes is read alike, and what no sheet can have is refused."""

import io
import zipfile

import openpyxl
import pytest
from excel_files import HEADER, ROW, F, cells, contract, opened, parts, saved, sheet, xlsx

from sluice_engine.errors import FileRejected
from sluice_engine.reading import sheetxml, workbook


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
