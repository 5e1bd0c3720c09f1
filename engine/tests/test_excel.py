"""What stands in a cell is what is read, whoever wrote the workbook: held against what other programs' writers put there."""

import datetime as dt
from dataclasses import replace
from typing import Any

import openpyxl
import polars as pl
import pytest
import xlwt
from excel_files import AT, HEADER, F, cells, contract, opened, parts, saved, sheet, xlsx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.utils.datetime import MAC_EPOCH, to_excel

from sluice.contracts import Dialect, ExtraColumns, Field, Policy
from sluice_engine.errors import FileRejected
from sluice_engine.reading import excel, workbook
from sluice_engine.reading.excel import quoted
from sluice_engine.reading.table import Batch

FIRST, LEAP = dt.datetime(1900, 1, 1), dt.datetime(2024, 2, 29)  # noqa: DTZ001 - sheets know no zone


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
