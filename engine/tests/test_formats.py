"""The same table gets the same verdict in every format."""

import dataclasses
import datetime as dt
import io
import zipfile
from decimal import Decimal

import openpyxl
import polars as pl
import pytest

from sluice.contracts import Contract, DruidTarget, Field, FieldType

AT = dt.datetime(2024, 1, 5, 10, 0, 30)  # noqa: DTZ001 - files hold times without a zone
GOOD = [
    ["A-1", AT, "Planes", 5, 1.5, None, "a@b.co", "DE"],
    ["A-2", dt.datetime(2024, 1, 7), "Ships", 1000, 10.0, 0.5, "c.d@e.org", "Österreich"],  # noqa: DTZ001 - spreadsheets know no time zones
]
BAD = [
    ["1", AT, "Planes", 5, 1.5, None, "a@b.co", "DE"],
    ["2", AT, "Plains", 0, 1.25, 0.1, "a@b.co", "DE"],
    ["1", AT, "Ships", None, -1.5, 0.95, "ab.co", "D"],
    [None, None, "Ships", 7, 3.5, None, "a@b.co", "FR"],
]
PLANTED = [
    ("invalid-values", 2, "ProductLine", "Plains"),
    ("minimum", 2, "Quantity", "0"),
    ("required", 3, "Quantity", None),
    ("minimum", 3, "UnitPrice", "-1.5"),
    ("maximum", 3, "Discount", "0.95"),
    ("pattern", 3, "CustomerEmail", "•••"),
    ("min-length", 3, "Country", "D"),
    ("unique", 3, "OrderID", "1"),
    ("required", 4, "OrderID", None),
    ("required", 4, "TransactionTimestamp", None),
]
FORMATS = ["csv", "xlsx", "xls", "parquet"]


@pytest.mark.parametrize("kind", FORMATS)
def test_good_table_becomes_canonical_parquet(kind, look, writers, sales):
    seen = look(writers[kind](sales.columns, GOOD), kind)
    assert seen.judged.problem is None
    assert (seen.judged.source, seen.judged.errors, seen.report["verdict"]) == (2, 0, "accepted")
    (part,) = seen.parts
    assert part.schema == {
        "__time": pl.Datetime("us", "UTC"),
        "OrderID": pl.String,
        "ProductLine": pl.String,
        "Quantity": pl.Int64,
        "UnitPrice": pl.Float64,
        "Discount": pl.Float64,
        "CustomerEmail": pl.String,
        "Country": pl.String,
        "__task_id": pl.Enum([seen.report["task_id"]]),
    }
    assert part["__time"].to_list() == [AT.replace(tzinfo=dt.UTC), dt.datetime(2024, 1, 7, tzinfo=dt.UTC)]
    assert part["Country"].to_list() == ["DE", "Österreich"]
    assert part["Discount"].to_list() == [None, 0.5]
    assert part["__task_id"].unique().to_list() == [seen.report["task_id"]]
    assert seen.judged.time_range
    assert seen.judged.time_range.first == AT.replace(tzinfo=dt.UTC)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_unique_column_without_any_value_is_told_cell_by_cell(kind, look, writers, sales):
    rows = [[None, *row[1:]] for row in GOOD]
    seen = look(writers[kind](sales.columns, rows), kind)
    assert seen.places("rule", "row", "column") == [("required", 1, "OrderID"), ("required", 2, "OrderID")]


@pytest.mark.parametrize("kind", FORMATS)
def test_planted_errors_are_found_exactly(kind, look, writers, sales):
    seen = look(writers[kind](sales.columns, BAD), kind)
    assert seen.places("rule", "row", "column", "value") == PLANTED
    assert (seen.judged.source, seen.judged.errors, seen.code) == (4, len(PLANTED), "rules-broken")
    assert {(each["rule"], each["column"]): each["count"] for each in seen.report["rules"]} == {
        (rule, column): 1 for rule, _, column, _ in PLANTED
    }
    assert seen.parts == []
    assert "a@b.co" not in str(seen.report)


@pytest.mark.parametrize(
    ("kind", "place"), [("csv", (3, None)), ("xlsx", (None, "Sales!C3")), ("parquet", (None, None))]
)
def test_errors_name_the_place_that_the_format_knows(kind, place, look, writers, sales):
    assert look(writers[kind](sales.columns, BAD), kind).places("line", "cell")[0] == place


TYPED = Contract(
    datasource="typed",
    version="1",
    fields=(
        Field("at", FieldType.TIMESTAMP, required=True),
        Field("day", FieldType.DATE),
        Field("flag", FieldType.BOOLEAN),
        Field("count", FieldType.INTEGER),
        Field("size", FieldType.NUMBER),
        Field("name", FieldType.STRING),
    ),
    druid=DruidTarget("at"),
)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_type_arrives_alike(kind, look, writers):
    rows = [[AT, dt.date(2024, 2, 29), True, 12, 2.0, 7], [AT, None, False, -3, 1e-7, None]]
    (part,) = look(writers[kind](TYPED.columns, rows), kind, TYPED).parts
    assert part.drop("__time", "__task_id").rows() == [
        ("2024-02-29", "true", 12, 2.0, "7"),
        (None, "false", -3, 1e-7, None),
    ]


def test_a_date_may_be_the_time_and_other_times_become_text(look):
    fields = (Field("day", FieldType.DATE, required=True, format="%Y/%m/%d"), Field("seen", FieldType.TIMESTAMP))
    contract = Contract("daily", "1", fields, DruidTarget("day"))
    seen = look(
        b"day,seen\n2024/02/29,2024-02-29 12:00:00.25+01:00\n2024-03-01,2024-03-01T00:00:00Z\n", "csv", contract
    )
    (part,) = seen.parts
    assert part["__time"].to_list() == [dt.datetime(2024, 2, 29, tzinfo=dt.UTC), dt.datetime(2024, 3, 1, tzinfo=dt.UTC)]
    assert part["seen"].to_list() == ["2024-02-29T11:00:00.250000Z", "2024-03-01T00:00:00Z"]
    assert seen.judged.time_range
    assert seen.judged.time_range.last == dt.datetime(2024, 3, 1, tzinfo=dt.UTC)


def test_parquet_columns_keep_exact_values(look):
    frame = pl.DataFrame(
        {
            "at": pl.Series([AT]).cast(pl.Datetime("ns")),
            "day": pl.Series([AT.replace(hour=0, second=0)]).cast(pl.Datetime("ms", "Europe/Berlin")),
            "flag": ["TRUE"],
            "count": pl.Series([2**64 - 1], dtype=pl.UInt64),
            "size": pl.Series([Decimal("1.25")]),
            "name": pl.Series(["x"], dtype=pl.Categorical),
        }
    )
    content = io.BytesIO()
    frame.write_parquet(content)
    seen = look(content.getvalue(), "parquet", TYPED)
    assert seen.places("rule", "column") == [("type", "count")]
    content = io.BytesIO()
    frame.with_columns(pl.col("at").alias("day"), pl.lit(3, pl.Int8).alias("count")).write_parquet(content)
    assert look(content.getvalue(), "parquet", TYPED).places("rule", "column") == [("type", "day")]
    content = io.BytesIO()
    frame.with_columns(pl.lit(3, pl.Int8).alias("count")).write_parquet(content)
    (part,) = look(content.getvalue(), "parquet", TYPED).parts
    assert part.row(0)[:6] == (AT.replace(tzinfo=dt.UTC), "2024-01-05", "true", 3, 1.25, "x")


def test_nested_parquet_column_is_refused_by_name(look):
    content = io.BytesIO()
    pl.DataFrame({name: [[1]] if name == "name" else ["1"] for name in TYPED.columns}).write_parquet(content)
    seen = look(content.getvalue(), "parquet", TYPED)
    assert seen.code == "unsupported-type"
    assert seen.places("column") == [("name",)]


@pytest.mark.parametrize("kind", ["xlsx", "xls", "parquet"])
@pytest.mark.parametrize("damage", [b"OrderID,Country\n1,DE\n", None])
def test_text_or_a_truncated_file_is_unreadable(kind, damage, look, writers, sales):
    data = damage or writers[kind](sales.columns, GOOD)[:-200]
    assert look(data, kind).code == "unreadable-file"


def test_workbook_named_csv_is_refused(look, writers, sales):
    assert look(writers["xlsx"](sales.columns, GOOD), "csv").code == "invalid-encoding"


@pytest.mark.parametrize("kind", FORMATS)
def test_header_without_rows_is_rejected(kind, look, writers, sales):
    seen = look(writers[kind](sales.columns, []), kind)
    assert (seen.code, seen.judged.source) == ("no-rows", 0)


@pytest.mark.parametrize("size", [30_000_000, 60_000_000], ids=["by-ratio", "by-size"])
def test_bomb_is_known_before_it_is_unpacked(size, look):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "")
        archive.writestr("xl/workbook.xml", b" " * size)
    assert look(content.getvalue(), "xlsx").code == "resource-limit"


def test_zip_that_is_no_workbook_is_refused(look):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a.txt", "x")
    assert look(content.getvalue(), "xlsx").code == "unreadable-file"


def test_table_may_stand_anywhere_on_the_sheet_and_formula_errors_are_errors(look):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Data"
    table = [list(TYPED.columns), [AT, None, None, 1, 1, "a"], [None] * 6, [AT, None, None, "#N/A", 1, "#REF!"]]
    for row, values in enumerate(table, start=3):
        for column, value in enumerate(values, start=2):
            sheet.cell(row, column, value)
    sheet["H40"].number_format = "0.00"
    content = io.BytesIO()
    book.save(content)
    seen = look(content.getvalue(), "xlsx", TYPED)
    assert seen.places("rule", "row", "cell", "value") == [
        ("required", 2, "Data!B5", None),
        ("type", 3, "Data!E6", "#N/A"),
        ("type", 3, "Data!G6", "#REF!"),
    ]
    assert seen.judged.source == 3


def test_missing_sheet_is_named(look, writers):
    contract = dataclasses.replace(TYPED, dialect=dataclasses.replace(TYPED.dialect, sheet="Orders"))
    assert look(writers["xlsx"](TYPED.columns, [[AT, None, None, 1, 1, "a"]]), "xlsx", contract).code == "missing-sheet"
