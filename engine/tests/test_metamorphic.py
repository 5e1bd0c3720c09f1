"""The same table in every format is judged alike, and what was planted is what is found: no more, no less, and where."""

import datetime as dt
import io
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Any

import openpyxl
import polars as pl
import pytest
import xlwt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sluice.contracts import Contract

FORMATS = ("csv", "xlsx", "xls", "parquet")
LINES = ["Classic Cars", "Motorcycles", "Planes", "Ships"]
Row = dict[str, Any]


@dataclass(frozen=True)
class Plant:
    """A way to break one cell of a column so that exactly one rule is broken."""

    column: str
    value: Any
    rule: str


PLANTS = (
    Plant("ProductLine", "Plains", "invalid-values"),
    Plant("Quantity", "many", "type"),
    Plant("Quantity", "12.5", "type"),
    Plant("Quantity", 0, "minimum"),
    Plant("Quantity", 1001, "maximum"),
    Plant("Quantity", None, "required"),
    Plant("UnitPrice", 0.0, "minimum"),
    Plant("UnitPrice", "12,50", "type"),
    Plant("Discount", 0.95, "maximum"),
    Plant("Discount", "half", "type"),
    Plant("TransactionTimestamp", "yesterday", "type"),
    Plant("TransactionTimestamp", None, "required"),
    Plant("CustomerEmail", "nobody", "pattern"),
    Plant("Country", "x", "min-length"),
    Plant("Country", "ä" * 61, "max-length"),
    Plant("OrderID", None, "required"),
    Plant("OrderID", "O" * 41, "max-length"),
)


def clean(random: Random, rows: int) -> list[Row]:
    """Rows that keep the contract of sales, in Python's own types."""
    return [
        {
            "OrderID": f"O-{number}-{random.randrange(10**6)}",
            "TransactionTimestamp": dt.datetime(2024, 1, 1) + dt.timedelta(seconds=random.randrange(31_000_000)),  # noqa: DTZ001 - sheets know no zone
            "ProductLine": random.choice(LINES),
            "Quantity": random.randint(1, 1000),
            "UnitPrice": random.randint(1, 1_000_000) / 100,
            "Discount": random.choice([None, 0.0, 0.25, 0.9]),
            "CustomerEmail": f"user{number}@example.com",
            "Country": random.choice(["Österreich", "Japan", "United States"]),
        }
        for number in range(rows)
    ]


def planted(random: Random, rows: list[Row], most: int) -> tuple[list[Row], set[tuple[str, int, str]]]:
    """A copy with up to `most` broken cells, and what they break: (rule, row, column). Empty order ids repeat nothing."""
    spoilt, expected = [dict(row) for row in rows], set()
    for _ in range(most):
        plant, at = random.choice(PLANTS), random.randrange(len(rows))
        if any((row, column) == (at + 1, plant.column) for _, row, column in expected):
            continue
        if plant.rule == "max-length" and plant.column == "OrderID" and any(r == plant.rule for r, _, _ in expected):
            continue  # twice the same would repeat
        spoilt[at][plant.column] = plant.value
        expected.add((plant.rule, at + 1, plant.column))
    return spoilt, expected


def text(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return value.isoformat()
    return "" if value is None else str(value)


def as_csv(rows: list[Row]) -> bytes:
    return pl.DataFrame([{k: text(v) for k, v in row.items()} for row in rows]).write_csv().encode()


def as_xlsx(rows: list[Row]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append(list(row.values()))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_xls(rows: list[Row]) -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet")
    dated = xlwt.easyxf(num_format_str="YYYY-MM-DD HH:MM:SS")
    for column, name in enumerate(rows[0]):
        sheet.write(0, column, name)
    for at, row in enumerate(rows, start=1):
        for column, value in enumerate(row.values()):
            if isinstance(value, dt.datetime):
                sheet.write(at, column, value, dated)
            elif value is not None:
                sheet.write(at, column, value)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_parquet(rows: list[Row]) -> bytes:
    """A column keeps its type where all of its values have it, and is text otherwise."""
    columns = []
    for name in rows[0]:
        values = [row[name] for row in rows]
        kinds = {type(value) for value in values if value is not None}
        columns.append(pl.Series(name, values if len(kinds) <= 1 else [None if v is None else text(v) for v in values]))
    out = io.BytesIO()
    pl.DataFrame(columns).write_parquet(out)
    return out.getvalue()


WRITERS = {"csv": as_csv, "xlsx": as_xlsx, "xls": as_xls, "parquet": as_parquet}


def errors_of(seen: Any) -> set[tuple[str, int, str]]:
    return {(error["rule"], error["row"], error["column"]) for error in seen.report["errors"]}


def totals_of(seen: Any) -> Counter[tuple[str, str]]:
    return Counter({(each["rule"], each["column"]): each["count"] for each in seen.report["rules"]})


seeds = st.integers(min_value=0, max_value=2**32)
quietly = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)


@quietly
@given(seed=seeds, rows=st.integers(1, 60), errors=st.integers(1, 12))
@pytest.mark.parametrize("file_format", FORMATS)
def test_what_was_planted_is_found_with_its_place(look, file_format, seed, rows, errors):
    random = Random(seed)
    spoilt, expected = planted(random, clean(random, rows), errors)
    seen = look(WRITERS[file_format](spoilt), file_format)
    assert errors_of(seen) == expected
    assert seen.judged.errors == len(expected)
    columns = list(spoilt[0])
    for error in seen.report["errors"]:
        if file_format == "csv":
            assert error["line"] == error["row"] + 1
        if file_format in {"xlsx", "xls"}:
            letter = "ABCDEFGH"[columns.index(error["column"])]
            assert error["cell"] == f"Sheet!{letter}{error['row'] + 1}"


@quietly
@given(seed=seeds, rows=st.integers(1, 60))
def test_clean_table_gives_the_same_rows_in_every_format(look, seed, rows):
    table = clean(Random(seed), rows)
    first, *others = (look(WRITERS[each](table), each) for each in FORMATS)
    assert first.judged.problem is None
    assert first.judged.accepted == rows
    for other in others:
        assert other.judged.problem is None
        assert pl.concat(other.parts).equals(pl.concat(first.parts))


@quietly
@given(seed=seeds, rows=st.integers(2, 60), errors=st.integers(1, 12))
def test_shuffled_rows_give_the_same_totals(look, seed, rows, errors):
    random = Random(seed)
    spoilt, _ = planted(random, clean(random, rows), errors)
    in_order = look(as_csv(spoilt))
    random.shuffle(spoilt)
    assert totals_of(look(as_csv(spoilt))) == totals_of(in_order)


@quietly
@given(seed=seeds, rows=st.integers(2, 40), repeats=st.integers(1, 5))
@pytest.mark.parametrize("file_format", FORMATS)
def test_repeated_keys_are_counted_alike(look, file_format, seed, rows, repeats):
    random = Random(seed)
    table = clean(random, rows)
    table += [dict(random.choice(table)) for _ in range(repeats)]
    seen = look(WRITERS[file_format](table), file_format)
    assert totals_of(seen) == {("unique", "OrderID"): repeats}


def test_suite_sees_every_rule_of_the_contract(sales: Contract):
    """A rule without a plant would be a rule that no format is compared on."""
    assert {plant.rule for plant in PLANTS} | {"unique"} >= {
        *("required", "type", "minimum", "maximum", "min-length", "max-length", "pattern", "invalid-values", "unique")
    }
    assert {plant.column for plant in PLANTS} == set(sales.columns)
