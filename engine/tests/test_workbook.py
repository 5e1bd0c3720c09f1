"""The sender's workbook comes back with marks and a summary, and with nothing else changed."""

import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlwt
from openpyxl.comments import Comment
from openpyxl.styles import Font
from openpyxl.utils.datetime import MAC_EPOCH
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.formula import ArrayFormula

from sluice.reports import RuleCount
from sluice_engine.reporting import handback, workbook
from sluice_engine.reporting.workbook import Mark, Summary, Written, write_workbook

SUMMARY = Summary(
    title="=What Sluice found",
    facts=(("Rows", 3), ("Rows rejected", 2), ("File", "=cmd()")),
    rules=(RuleCount(rule="minimum", column="+Quantity", count=2, listed=2, expected="=at least 1"),),
    steps=("Correct the coloured cells.", "@then upload"),
)


def sample() -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    page = book.active
    page.title = "Cover"
    page["A1"] = "see Sales"
    sales = book.create_sheet("Sales 2024")
    for row in (["OrderID", "Quantity", "Total"], ["A-1", 0, "=B2*2"], ["=text", -5, None], ["A-3", 7, "x"]):
        sales.append(row)
    sales["A3"].data_type = "s"
    sales["C3"] = ArrayFormula("C3", "=SUM(B2:B3)")
    sales["B2"].number_format = "#,##0.00"
    sales["B2"].font = Font(bold=True, color="FF00FF00")
    sales["B3"].comment = Comment("mine", "Ann")
    sales["E1"], sales["F1"] = "merged", None
    sales.merge_cells("E1:F1")
    sales.column_dimensions["B"].width = 33
    sales.row_dimensions[3].hidden = True
    sales.freeze_panes = "B2"
    sales.auto_filter.ref = "A1:C4"
    validation = DataValidation(type="whole", operator="greaterThan", formula1="0")
    validation.add("B2:B4")
    sales.add_data_validation(validation)
    book.defined_names["Quantities"] = DefinedName("Quantities", attr_text="'Sales 2024'!$B$2:$B$4")
    book.create_sheet("Hidden").sheet_state = "hidden"
    return book


def marked(folder: Path, book: Any, *marks: Mark, sheet: str = "Sales 2024", summary: Summary = SUMMARY) -> Written:
    content = io.BytesIO()
    book.save(content)
    (folder / "input").write_bytes(content.getvalue())
    return write_workbook(folder / "input", folder / "workbook.xlsx", sheet, marks, summary)


def looks(book: openpyxl.Workbook) -> dict[str, Any]:
    """Everything of a workbook but fills, comments and the summary."""
    return {
        page.title: (
            {
                cell.coordinate: (
                    getattr(cell.value, "text", cell.value),
                    cell.data_type,
                    cell.number_format,
                    repr(cell.font),
                    repr(cell.border),
                )
                for row in page.iter_rows()
                for cell in row
            },
            page.sheet_state,
            page.freeze_panes,
            page.auto_filter.ref,
            sorted(str(area) for area in page.merged_cells.ranges),
            {letter: each.width for letter, each in page.column_dimensions.items()},
            {number: each.hidden for number, each in page.row_dimensions.items() if each.hidden},
            [(str(each.sqref), each.type, each.formula1) for each in page.data_validations.dataValidation],
        )
        for page in book.worksheets
        if page.title != workbook.TITLE
    } | {"names": {name: each.attr_text for name, each in book.defined_names.items()}}


def test_marks_are_all_that_changes(tmp_path):
    done = marked(
        tmp_path,
        sample(),
        Mark("'Sales 2024'!B2", "minimum: at least 1"),
        Mark("B3", "minimum"),
        Mark("F1", "of a merged cell"),
        Mark("Z99", "required"),
    )
    assert done == Written(made=True)
    # by its name, the input would have to end in .xlsx
    before, after = (
        openpyxl.load_workbook(io.BytesIO((tmp_path / name).read_bytes())) for name in ("input", "workbook.xlsx")
    )
    changed = looks(after)
    assert changed["Sales 2024"][0].pop("Z99")[0] is None
    for coordinate in [each for each in changed["Sales 2024"][0] if each not in looks(before)["Sales 2024"][0]]:
        assert changed["Sales 2024"][0].pop(coordinate)[0] is None
    assert changed == looks(before)
    page = after["Sales 2024"]
    coloured = {cell.coordinate for row in page.iter_rows() for cell in row if cell.fill.fill_type}
    assert coloured == {"B2", "B3", "E1", "Z99"}
    assert page["B2"].comment.text == "minimum: at least 1"
    assert page["B3"].comment.text == "mine\n\nminimum"
    assert page["E1"].comment.text == "of a merged cell"
    assert after.sheetnames == ["Cover", "Sales 2024", "Hidden", workbook.TITLE]


def test_summary_says_it_all_and_holds_no_formula(tmp_path):
    marked(tmp_path, sample(), Mark("B2", "=1+1"))
    after = openpyxl.load_workbook(tmp_path / "workbook.xlsx")
    cells = [cell for row in after[workbook.TITLE].iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    values = [cell.value for cell in cells]
    assert {"=What Sluice found", 3, 2, "=cmd()", "minimum", "+Quantity", "=at least 1", "@then upload"} <= set(values)
    assert any("formulas" in str(value) for value in values)
    assert after["Sales 2024"]["B2"].comment.text == "=1+1"


def test_a_taken_title_is_not_taken_again(tmp_path):
    book = sample()
    book.create_sheet(workbook.TITLE.upper())
    marked(tmp_path, book, Mark("B2", "x"))
    assert openpyxl.load_workbook(tmp_path / "workbook.xlsx").sheetnames[-1] == f"{workbook.TITLE} 2"


def test_marks_beyond_the_limit_are_said(monkeypatch, look, sales, writers):
    for each in (handback, workbook):
        monkeypatch.setattr(each, "MOST_MARKS", 2)
    rows = [["x"] * len(sales.columns)] * 3
    seen = look(writers["xlsx"](sales.columns, rows), "xlsx")
    assert [note["code"] for note in seen.report["notes"]] == ["marks-capped"]
    after = openpyxl.load_workbook(seen.folder / "workbook.xlsx")
    assert sum(1 for row in after["Sales"].iter_rows() for cell in row if cell.comment) == 2
    assert any("first 2 bad cells" in str(row[0]) for row in after[workbook.TITLE].iter_rows(values_only=True))


@pytest.mark.parametrize("limit", ["MOST_CELLS", "MOST_UNPACKED"])
def test_a_workbook_that_is_too_big_is_not_made(monkeypatch, tmp_path, limit):
    monkeypatch.setattr(workbook, limit, 5)
    done = marked(tmp_path, sample(), Mark("B2", "x"))
    assert (done.made, [note.code for note in done.notes]) == (False, ["workbook-not-made"])
    assert not (tmp_path / "workbook.xlsx").exists()


def test_what_cannot_be_kept_is_said(tmp_path):
    content = io.BytesIO()
    sample().save(content)
    with zipfile.ZipFile(content, "a") as archive:
        for name in ("xl/vbaProject.bin", "xl/slicers/slicer1.xml", "xl/media/image1.png", "xl/drawings/drawing1.xml"):
            archive.writestr(name, b"")
    (tmp_path / "input").write_bytes(content.getvalue())
    done = write_workbook(tmp_path / "input", tmp_path / "workbook.xlsx", "Sales 2024", [], SUMMARY)
    (note,) = done.notes
    assert note.code == "workbook-parts-lost"
    for word in ("macros", "slicers", "pictures", "drawings"):
        assert word in note.message
    after = openpyxl.load_workbook(tmp_path / "workbook.xlsx")
    assert any(note.message == row[0] for row in after[workbook.TITLE].iter_rows(values_only=True))


@pytest.mark.parametrize("epoch_1904", [False, True])
def test_an_xls_becomes_a_new_workbook_with_its_values(tmp_path, epoch_1904):
    book = xlwt.Workbook()
    book.dates_1904 = epoch_1904
    page = book.add_sheet("Old")
    dated = xlwt.easyxf(num_format_str="YYYY-MM-DD")
    for column, (value, style) in enumerate([("=x", None), (1.5, None), (44000, dated), (None, None), (7, None)]):
        if value is not None:
            page.write(0, column, value, style or xlwt.Style.default_style)
    page.row(0).set_cell_boolean(5, 1)
    done = marked(tmp_path, book, Mark("B1", "bad"), sheet="Old")
    assert [note.code for note in done.notes] == ["workbook-parts-lost"]
    after = openpyxl.load_workbook(tmp_path / "workbook.xlsx")
    assert (after.epoch == MAC_EPOCH) is epoch_1904
    (row,) = after["Old"].iter_rows(max_row=1)
    day = "2024-06-19" if epoch_1904 else "2020-06-18"
    assert [str(cell.value) for cell in row] == ["=x", "1.5", f"{day} 00:00:00", "None", "7", "True"]
    assert row[0].data_type == "s"
    assert row[1].comment.text == "bad"


def test_characters_that_xml_cannot_hold_are_left_out(tmp_path):
    marked(tmp_path, sample(), Mark("B2", "bad \x01\ud800 value"))
    assert openpyxl.load_workbook(tmp_path / "workbook.xlsx")["Sales 2024"]["B2"].comment.text == "bad  value"


@pytest.mark.parametrize("odd", ["<v>seven</v>", '<v>7</v><extLst count="x"/>', "<is><t>&#0;</t></is>"])
def test_a_workbook_with_odd_parts_is_not_made_and_the_rest_stands(tmp_path, odd):
    """The reader of cells is more lenient than the library that writes a workbook back: its verdict must not be lost with the copy."""
    content = io.BytesIO()
    sample().save(content)
    with zipfile.ZipFile(content) as old, zipfile.ZipFile(tmp_path / "input", "w") as new:
        for name in old.namelist():
            text = old.read(name)
            new.writestr(name, text.replace(b"<v>7</v>", odd.encode()) if name.endswith("sheet2.xml") else text)
    done = write_workbook(tmp_path / "input", tmp_path / "marked.xlsx", "Sales 2024", [Mark("B2", "minimum")], SUMMARY)
    assert (done.made, [note.code for note in done.notes]) == (False, ["workbook-not-made"])
    assert not (tmp_path / "marked.xlsx").exists()
