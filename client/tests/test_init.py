"""A first contract from files as people have them: each case says what must be found, and the file itself must keep it."""

import datetime as dt
import gzip
import io

import openpyxl
import polars as pl
import pytest
import zstandard

from sluice.contracts import FieldType
from sluice.contracts.formats import strptime_of

DAYS = [dt.date(2024, 1, 1) + dt.timedelta(days=day) for day in range(30)]


def column(values, name="value"):
    """A CSV of days and one more column."""
    return f"day,{name}\n" + "".join(f"{day},{value}\n" for day, value in zip(DAYS, values * len(DAYS), strict=False))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-20", "0"], FieldType.INTEGER),
        (["9223372036854775807"], FieldType.INTEGER),
        (["9223372036854775808"], FieldType.STRING),
        (["12345678901234567.5", "12345678901234567"], FieldType.STRING),
        (["007", "12"], FieldType.STRING),
        (["+4930123456"], FieldType.STRING),
        (["1.5", "2", "-3e4"], FieldType.NUMBER),
        (["1.5", "two"], FieldType.STRING),
        (["0.5", "00.5"], FieldType.STRING),
        (["true", "FALSE"], FieldType.BOOLEAN),
        (["1", "0"], FieldType.INTEGER),
        (["2024-02-29"], FieldType.DATE),
        (["2024-02-30"], FieldType.STRING),
        (["2024-02-29T10:00:00Z", "2024-02-29 10:00:00.5+02:00"], FieldType.TIMESTAMP),
        (["2024-02-29T00:00:00Z"], FieldType.TIMESTAMP),
        (["10:30"], FieldType.STRING),
        (["a", ""], FieldType.STRING),
        ([""], FieldType.STRING),
    ],
)
def test_types_are_those_that_every_cell_has(contract_of, write, values, kind):
    field = contract_of(write("data.csv", column(values))).field("value")
    assert (field.type, field.required) == (kind, "" not in values)


def test_the_last_row_counts_as_much_as_the_first(contract_of, write):
    body = "".join(f"2024-01-01,{number}\n" for number in range(1_000_000))
    assert contract_of(write("data.csv", f"day,n\n{body}2024-01-01,x\n")).field("n").type is FieldType.STRING


@pytest.mark.parametrize(
    ("values", "kind", "written"),
    [
        (["31.12.2024", "01.02.2024"], "date", "dd.MM.yyyy"),
        (["31.12.2024", "1.2.2024"], "date", "d.M.yyyy"),
        (["12/31/2024", "01/02/2024"], "date", "MM/dd/yyyy"),
        (["31/12/2024", "1/2/2024"], "date", "d/M/yyyy"),
        (["2024/12/31"], "date", "yyyy/MM/dd"),
        (["20241231"], "date", "yyyyMMdd"),
        (["Jan 1 2000", "Dec 31 2000"], "date", "MMM d yyyy"),
        (["1 January 2000", "2 May 2000"], "date", "d MMMM yyyy"),
        (["31.12.2024 10:00"], "timestamp", "dd.MM.yyyy HH:mm"),
        (["12/31/2024 1:05 PM"], "timestamp", "MM/dd/yyyy h:mm a"),
        (["2024/12/31 23:59:59"], "timestamp", "yyyy/MM/dd HH:mm:ss"),
    ],
)
def test_date_formats_are_found(contract_of, write, tmp_path, values, kind, written):
    field = contract_of(write("data.csv", column(values))).field("value")
    assert (field.type, field.format) == (kind, strptime_of(written, kind))
    assert f"format: {written}\n" in (tmp_path / "data.odcs.yaml").read_text()


def test_dates_that_can_be_read_both_ways_are_nobodys_guess(contract_of, write, tmp_path):
    path = write("data.csv", column(["03/04/2024", "12/12/2024"]))
    assert contract_of(path).field("value").type is FieldType.STRING
    assert (
        "# dates that can be read with the day or the month first, dd/MM/yyyy or MM/dd/yyyy"
        in (tmp_path / "data.odcs.yaml").read_text()
    )
    assert contract_of(path, "--force", "--day-first").field("value").format == "%d/%m/%Y"
    assert contract_of(path, "--force", "--month-first").field("value").format == "%m/%d/%Y"


def test_digits_of_a_day_are_a_number_where_the_column_is_an_id(contract_of, write):
    assert contract_of(write("data.csv", column(["20241231"], "OrderID"))).field("OrderID").type is FieldType.INTEGER


def test_semicolons_decimal_commas_and_a_western_alphabet(contract_of, write):
    rows = "".join(f"{day:%d.%m.%Y};Müller;1234,5;1,250\n" for day in DAYS)
    made = contract_of(write("data.csv", f"Tag;Name;Größe;Preis\n{rows}".encode("cp1252")))
    assert (made.dialect.encoding, made.dialect.delimiter, made.dialect.decimal) == ("windows-1252", ";", ",")
    assert [field.type for field in made.fields] == ["date", "string", "number", "number"]


@pytest.mark.parametrize(
    ("text", "codec", "name"),
    [
        ("Иван,Москва", "cp1251", "windows-1251"),
        ("東京,大阪", "shift_jis", "cp932"),
        ("北京,上海", "gb18030", "gb18030"),
    ],
)
def test_other_alphabets_are_found(contract_of, write, text, codec, name):
    body = "".join(f"{day},{text}\n" for day in DAYS)
    assert contract_of(write("data.csv", f"day,a,b\n{body}".encode(codec))).dialect.encoding == name


def test_an_odd_byte_far_from_the_beginning_is_found(contract_of, write):
    body = "2024-01-01,Muller\n" * 100_000 + "2024-01-02,Müller\n"
    assert contract_of(write("data.csv", f"day,name\n{body}".encode("cp1252"))).dialect.encoding == "windows-1252"


def test_a_byte_order_mark_says_the_encoding_itself(contract_of, write):
    assert contract_of(write("data.csv", column(["Ä"]).encode("utf-16"))).dialect.encoding is None


def test_a_named_encoding_is_taken(contract_of, write):
    made = contract_of(write("data.csv", column(["Łódź"]).encode("cp1250")), "--encoding", "windows-1250")
    assert made.dialect.encoding == "windows-1250"


@pytest.mark.parametrize(("delimiter", "name"), [("\t", "tab"), ("|", "bar"), (";", "semicolon"), (",", "comma")])
def test_delimiters_are_found_by_what_they_explain(contract_of, write, delimiter, name):
    rows = "".join(f'{day}{delimiter}"a, b; c | d"{delimiter}x\n' for day in DAYS)
    made = contract_of(write(f"{name}.csv", f"day{delimiter}text{delimiter}z\n{rows}"))
    assert (made.dialect.delimiter, made.columns) == (delimiter, ("day", "text", "z"))


def test_the_header_may_stand_below_a_title(contract_of, write):
    rows = "".join(f"{day},1,x\n" for day in DAYS)
    made = contract_of(write("data.csv", f"Sales of the shop\n\nmade on Monday,,\nday,n,text\n{rows}"))
    assert (made.dialect.header_row, made.columns) == (4, ("day", "n", "text"))


@pytest.mark.parametrize(
    ("cells", "decimal", "kinds"),
    [
        ("1,234;0,5", ",", ["number", "number"]),
        ("1,234;x", ".", ["string", "string"]),
        ("1,5;0.5", ".", ["string", "number"]),
        ("1.234;0,5", ",", ["string", "number"]),
        ("1,234;7", ".", ["string", "integer"]),
    ],
)
def test_a_comma_is_decimal_only_where_some_number_shows_it_and_none_has_a_point(
    contract_of, write, cells, decimal, kinds
):
    made = contract_of(write("data.csv", "day;a;b\n" + "".join(f"{day};{cells}\n" for day in DAYS)))
    assert (made.dialect.decimal, [field.type for field in made.fields[1:]]) == (decimal, kinds)


def test_null_words_are_taken_where_a_typed_column_needs_them(contract_of, write, run):
    rows = "".join(f"{day},{'NA' if day.day == 3 else day.day},{'NA' if day.day == 4 else 'x'},-\n" for day in DAYS)
    made = contract_of(write("data.csv", f"day,n,text,dash\n{rows}"))
    assert made.dialect.null_words == ("", "NA")
    assert [(field.type, field.required) for field in made.fields[1:]] == [
        ("integer", False),
        ("string", False),
        ("string", True),
    ]


def test_failed_formulas_are_no_values_of_any_column(contract_of, write):
    made = contract_of(write("data.csv", column(["x", "#N/A", "#DIV/0!"])))
    assert set(made.dialect.null_words) == {"", "#N/A", "#DIV/0!"}
    assert not made.field("value").required


def test_only_ids_are_unique_and_only_where_enough_rows_say_so(contract_of, write):
    rows = [f"{day},{day.day},{1000 + day.day},c{day.day}\n" for day in DAYS]
    header = "day,n,OrderID,CustomerID\n"
    assert [field.name for field in contract_of(write("data.csv", header + "".join(rows))).fields if field.unique] == [
        "OrderID"
    ]
    for short in ("".join(rows[:19]), "".join([*rows, rows[0]])):
        assert not any(field.unique for field in contract_of(write("data.csv", header + short), "--force").fields)


def test_addresses_are_confidential_and_nothing_of_them_is_told(contract_of, write, tmp_path):
    made = contract_of(write("data.csv", column(["ann@example.org", "", "bob@example.org"], "contact")))
    assert made.field("contact").classified
    assert "example" not in (tmp_path / "data.odcs.yaml").read_text()


def test_what_was_seen_is_told_and_is_no_rule(contract_of, write, tmp_path):
    made = contract_of(write("data.csv", column(["5", "7", "6"], "n").replace("-01,5", "-01,4")))
    assert "        # from 4 to 7\n" in (tmp_path / "data.odcs.yaml").read_text()
    assert (made.field("n").minimum, made.metrics) == (None, ())


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (["red", "green"], ["values: green, red"]),
        ([str(DAYS[at]) + "x" for at in range(30)], ["every value differs"]),
        (["ann", "bob", "cid", "", ""], []),
        ([f"c{at}" for at in range(11)], []),
        (["", "", ""], ["no cell holds a value: nobody can say of which type it is"]),
    ],
)
def test_values_are_told_where_they_make_a_small_set(contract_of, write, tmp_path, cells, told):
    rows = cells if len(cells) > 2 else cells * 15
    made = contract_of(write("data.csv", "day,c\n" + "".join(f"2024-01-01,{cell}\n" for cell in rows)))
    lines = (tmp_path / "data.odcs.yaml").read_text().split("\n")
    assert [line.strip(" #") for line in lines if "value" in line] == [*told, "value:"]
    assert made.metrics == ()


@pytest.mark.parametrize(("years", "granularity"), [(0, "day"), (5, "month"), (60, "year")])
def test_segments_grow_with_the_time_that_rows_span(contract_of, write, years, granularity):
    made = contract_of(write("data.csv", f"day,n\n1960-01-01,1\n{1960 + years}-02-01,2\n"))
    assert made.druid.segment_granularity == granularity


def test_the_time_column_is_the_first_that_is_never_empty(contract_of, write):
    rows = "".join(f"x,{'' if day.day == 2 else day},{day},{day}T10:00:00Z\n" for day in DAYS)
    path = write("data.csv", f"name,delivered,ordered,entered\n{rows}")
    assert contract_of(path).druid.time_column == "ordered"
    assert contract_of(path, "--force", "--time-column", "entered").druid.time_column == "entered"


PACKERS = {"csv.gz": gzip.compress, "csv.zst": zstandard.ZstdCompressor().compress}


@pytest.mark.parametrize("suffix", PACKERS)
def test_packed_text_is_read(contract_of, write, suffix):
    assert (
        contract_of(write(f"data.{suffix}", PACKERS[suffix](column(["1"]).encode()))).field("value").type == "integer"
    )


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "xls", "parquet"])
def test_the_same_table_has_the_same_contract_in_every_format(contract_of, write, writers, suffix):
    rows = [[day, f"o{day.day}", day.day, day.day / 4, day.day % 2 == 0, "x" if day.day > 3 else None] for day in DAYS]
    if suffix == "csv":
        rows = [[str(cell).lower() if isinstance(cell, bool) else cell for cell in row] for row in rows]
    made = contract_of(write(f"data.{suffix}", writers[suffix](["day", "id", "n", "part", "even", "text"], rows)))
    assert [(field.name, field.type, field.required, field.unique) for field in made.fields] == [
        ("day", "date", True, False),
        ("id", "string", True, True),
        ("n", "integer", True, False),
        ("part", "number", True, False),
        ("even", "boolean", True, False),
        ("text", "string", False, False),
    ]


def test_sheets_with_a_title_and_remarks_beside_the_table(contract_of, write, save):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet["A1"] = "Sales"
    for at, row in enumerate([["day", "n"], *([day, 1] for day in DAYS)], start=3):
        for place, cell in enumerate(row, start=1):
            sheet.cell(at, place, cell)
    sheet["E10"] = "a remark"
    made = contract_of(write("data.xlsx", save(book)))
    assert (made.dialect.header_row, made.columns) == (3, ("day", "n"))


@pytest.mark.parametrize(("options", "name"), [((), "Data"), (("--sheet", "More"), "More")])
def test_the_first_sheet_with_a_table_is_taken_or_the_one_that_is_named(contract_of, write, save, options, name):
    book = openpyxl.Workbook()
    book.active["A1"] = "See the next sheet"
    for title in ("Data", "More"):
        sheet = book.create_sheet(title)
        for row in [["day", title], *([day, 1] for day in DAYS)]:
            sheet.append(row)
    made = contract_of(write("data.xlsx", save(book)), *options)
    assert (made.dialect.sheet, made.columns) == (name, ("day", name))


def test_numbers_that_a_sheet_keeps_as_text_with_a_comma(contract_of, write, writers):
    rows = [[day, "1,5"] for day in DAYS]
    made = contract_of(write("data.xlsx", writers["xlsx"](["day", "n"], rows)))
    assert (made.field("n").type, made.dialect.decimal) == ("number", ",")


def test_types_of_parquet_count_and_not_how_its_values_look(contract_of, write):
    content = io.BytesIO()
    pl.DataFrame(
        {
            "at": [dt.datetime(2024, 1, 1, tzinfo=dt.UTC), dt.datetime(2024, 1, 2, tzinfo=dt.UTC)],
            "float": [1.0, 2.0],
            "nan": [1.0, float("nan")],
            "big": pl.Series([1, 2**64 - 1], dtype=pl.UInt64),
            "text": ["1", "2"],
            "word": pl.Series(["a", "b"], dtype=pl.Categorical),
            "nothing": pl.Series([None, None], dtype=pl.Null),
        }
    ).write_parquet(content)
    made = contract_of(write("data.parquet", content.getvalue()))
    assert {field.name: str(field.type) for field in made.fields} == {
        "at": "timestamp",
        "float": "number",
        "nan": "string",
        "big": "string",
        "text": "integer",
        "word": "string",
        "nothing": "string",
    }


def test_rows_that_are_torn_are_told_and_the_contract_is_written(contract_of, write, run):
    path = write("data.csv", column(["1"]) + "2024-02-01\n")
    assert contract_of(path, keeps=False).field("value").type is FieldType.INTEGER
    assert "line 32: expected 2 cells, as in the header; there are 1." in run("init", path, "--out", "-").stderr


def test_a_header_that_is_wider_than_most_rows_is_one(contract_of, write):
    made = contract_of(
        write("data.csv", column(["1"]).replace("day,value", "day,value,late") + "2024-02-01,2,3\n"), keeps=False
    )
    assert made.columns == ("day", "value", "late")
