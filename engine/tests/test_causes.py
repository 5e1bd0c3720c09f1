"""Causes: what failed cells have in common, and remedies that were tried."""

from dataclasses import replace

import polars as pl
import pytest

from sluice.contracts import (
    Bound,
    Contract,
    Dialect,
    DruidTarget,
    Field,
    FieldType,
    Metric,
    MetricKind,
    Operator,
    Threshold,
)
from sluice.reports import Cause
from sluice_engine.reporting import causes
from sluice_engine.reporting.causes import MOST_CAUSES, PER_COLUMN, Causes

NONE = Threshold(Operator.EQUAL, (0,))
CONTRACT = Contract(
    datasource="orders",
    version="1.0.0",
    fields=(
        Field("At", FieldType.TIMESTAMP, required=True),
        Field("Day", FieldType.DATE),
        Field("Amount", FieldType.NUMBER, minimum=Bound(0)),
        Field("Count", FieldType.INTEGER),
        Field("Paid", FieldType.BOOLEAN),
        Field("Line", FieldType.STRING, required=True),
        Field("Secret", FieldType.STRING, classified=True),
        Field("Code", FieldType.STRING, pattern=r"^[A-Z]{3}-\d+$"),
    ),
    druid=DruidTarget("At"),
    metrics=tuple(
        Metric(MetricKind.INVALID_VALUES, NONE, (name,), values=("Planes", "Ships", "Zürich"))
        for name in ("Line", "Secret")
    ),
)


def found(
    column: str, cells: list[str], good: list[str] | None = None, contract: Contract = CONTRACT
) -> tuple[Cause, ...]:
    rule = {"Line": "invalid-values", "Secret": "invalid-values", "Code": "pattern"}.get(column, "type")
    looked = Causes(contract)
    looked.see(pl.DataFrame({column: [*cells, *(good or [])]}, schema={column: pl.String}))
    looked.add(column, rule, pl.Series(cells, dtype=pl.String))
    return looked.found()


@pytest.mark.parametrize(
    ("column", "cells", "code", "rows"),
    [
        ("Amount", ["12,5", "3,25", "1,234"], "decimal-comma", 3),
        ("Amount", ["1,234,567", "3,111"], "thousands-separators", 2),
        ("Amount", ["1.234,50", "2'345'678.5"], "thousands-separators", 2),
        ("Amount", ["1,234", "3,111"], "ambiguous-mark", 2),
        ("Amount", ["1,234", "3,111", "12,5", "1,234,567"], "ambiguous-mark", 2),
        ("Count", ["1,234", "12 000"], "thousands-separators", 2),
        ("Count", ["12.0", "3,00"], "whole-with-decimals", 2),
        ("Amount", ["€ 12.50", "12,50 EUR", "$1,200.00"], "currency-sign", 3),
        ("Amount", ["12 %", "4%"], "percent-sign", 2),
        ("Amount", ["(12.50)", "4-"], "minus-style", 2),
        ("Amount", ["2024-01-03", "2024-05-01 00:00:00"], "date-in-number", 2),
        ("Amount", ["'12.5'", "\u200b4"], "surrounding-characters", 2),
        ("Amount", ["#N/A", "#DIV/0!"], "formula-error", 2),
        ("Amount", ["N/A", "-", "null"], "null-words", 3),
        ("At", ["n/a", "n/a"], "null-words", 2),
        ("Paid", ["yes", "No", "yes"], "boolean-words", 3),
        ("Day", ["31/12/2024", "01/02/2024"], "date-format", 2),
        ("Day", ["12/31/2024", "01/02/2024"], "date-format", 2),
        ("Day", ["03/04/2024", "01/02/2024"], "ambiguous-date", 2),
        ("Day", ["20241231", "20240101"], "date-format", 2),
        ("Day", ["45000", "45001.5"], "number-as-date", 2),
        ("Day", ["3 March 2024", "1. Feb. 24", "Mar 3, 2024"], "other-date-format", 3),
        ("At", ["31.12.2024 23:59", "01.01.2024 00:00"], "date-format", 2),
        ("Line", ["planes", "SHIPS"], "wrong-case", 2),
        ("Line", ["Plains", "Plains"], "near-miss", 2),
        ("Line", ["ZÃ¼rich", "ZÃ¼rich"], "mojibake", 2),
        ("Line", ["Ships ", "“Ships”"], "surrounding-characters", 2),
        ("Code", [" ABC-1", "ABC-2 "], "surrounding-characters", 2),
    ],
)
def test_cells_with_one_habit_have_one_cause(column, cells, code, rows):
    assert [(cause.code, cause.rows, cause.column) for cause in found(column, cells)] == [(code, rows, column)]


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("Amount", ["junk", "trash", "rubbish"]),
        ("Amount", ["12,5"]),
        ("Day", ["32/13/2024", "99/99/9999"]),
        ("Line", ["Trains", "Automobiles"]),
        ("Code", ["nothing", "like it"]),
        ("Code", [" ABC-\u0663", " ABC-\u0664"]),
        ("Amount", ["1,5" * 50] * 3),
    ],
)
def test_nothing_is_suggested_where_nothing_helps(column, cells):
    assert found(column, cells) == ()


def test_a_setting_of_the_contract_is_named_as_the_yaml_has_it():
    (cause,) = found("Amount", ["12,5", "1,234"], good=["3", "4"])
    assert cause.dialect == {"decimal": ","}
    assert cause.message == (
        '2 rows: decimal comma in Amount. Set decimal: "," in the contract\'s dialect, or write 12.5 instead of 12,5.'
    )
    (cause,) = found("Paid", ["yes", "No"])
    assert cause.dialect == {"trueWords": '["true", "1", "yes"]', "falseWords": '["false", "0", "No"]'}
    (cause,) = found("Amount", ["N/A", "N/A", "-"])
    assert cause.dialect == {"nullWords": '["", "-", "N/A"]'}
    (cause,) = found("Day", ["31.12.2024", "01.02.2024"])
    assert cause.dialect == {"format": "dd.MM.yyyy"}
    (cause,) = found("At", ["31.12.2024 10:00", "01.02.2024 11:00"])
    assert cause.message == (
        "2 rows: dates written as dd.MM.yyyy HH:mm in At. "
        "Set logicalTypeOptions.format: dd.MM.yyyy HH:mm at At in the contract, or write 2024-01-31T12:00:00Z."
    )


def test_the_other_mark_is_mirrored():
    contract = replace(CONTRACT, dialect=Dialect(decimal=","))
    (cause,) = found("Amount", ["12.5", "3.25"], contract=contract)
    assert (cause.code, cause.dialect) == ("decimal-point", {"decimal": "."})


@pytest.mark.parametrize(
    ("column", "cells", "good"),
    [
        ("Amount", ["12,5", "3,25"], ["1.5"]),
        ("Amount", ["12,5", "3,25"], ["7"] * 2000 + ["1."]),
        ("At", ["n/a", "n/a"], []),
    ],
)
def test_no_setting_is_suggested_that_would_break_good_cells_or_not_help(column, cells, good):
    (cause,) = found(column, cells, good)
    assert cause.dialect == {}


@pytest.mark.parametrize(("good", "dialect"), [("1.5", {}), ("15", {"decimal": ","})])
def test_a_good_cell_far_down_is_seen_where_it_matters(good, dialect):
    cells = ["7"] * 5000 + [good]
    looked = Causes(CONTRACT)
    looked.see(pl.DataFrame({"Amount": [*cells, "12,5", "2,5"]}))
    looked.add("Amount", "type", pl.Series(["12,5", "2,5"]))
    (cause,) = looked.found()
    assert cause.dialect == dialect


def test_a_null_word_that_is_a_value_elsewhere_stays_a_value():
    looked = Causes(CONTRACT)
    looked.see(pl.DataFrame({"Amount": ["-", "-"], "Line": ["-", "Planes"]}))
    looked.add("Amount", "type", pl.Series(["-", "-"]))
    assert [(cause.code, cause.dialect) for cause in looked.found()] == [("null-words", {})]


def test_a_format_of_the_contract_is_not_replaced():
    fields = tuple(replace(each, format="%d.%m.%Y") if each.name == "Day" else each for each in CONTRACT.fields)
    (cause,) = found("Day", ["31/12/2024", "30/12/2024"], contract=replace(CONTRACT, fields=fields))
    assert (cause.code, cause.dialect) == ("date-format", {})


@pytest.mark.parametrize("cells", [["Plains", "Plains"], ["planes", "PLANES"], ["N/A", "N/A"], ["Ships ", "Ships "]])
def test_cells_of_a_classified_column_are_not_shown(cells):
    for cause in found("Secret", cells):
        assert not any(cell.strip() in cause.message or cell in str(cause.dialect) for cell in cells)
        assert not any(value in cause.message for value in ("Planes", "Ships"))


def test_pairs_of_near_misses_are_counted_each():
    said = found("Line", ["Plains"] * 3 + ["Shipps"] * 2)
    assert [(cause.rows, cause.message.split(": ", 1)[1]) for cause in said] == [
        (3, "“Plains” (not an allowed value) in Line. Did you mean “Planes”?"),
        (2, "“Shipps” (not an allowed value) in Line. Did you mean “Ships”?"),
    ]


def test_counts_add_up_over_batches_and_what_was_not_looked_at_is_said():
    looked = Causes(CONTRACT)
    for start in range(0, PER_COLUMN + 2000, 1000):
        looked.add("Amount", "type", pl.Series([f"{start + each},5" for each in range(1000)]))
    (cause,) = looked.found()
    assert (cause.rows, cause.exact) == (PER_COLUMN, False)
    assert cause.message.startswith(f"More than {PER_COLUMN:,} rows: ")


def test_texts_that_wait_are_bounded(monkeypatch):
    monkeypatch.setattr(causes, "KEPT", 100)
    looked = Causes(CONTRACT)
    for start in range(0, 5000, 50):
        looked.add("Amount", "type", pl.Series([f"{start + each},5" for each in range(50)]))
        assert sum(len(seen.waiting) for seen in looked._seen.values()) <= 100
    assert [(cause.code, cause.rows) for cause in looked.found()] == [("decimal-comma", 5000)]


def test_causes_are_few_and_the_greatest_come_first():
    cells = [f"Plane{chr(97 + each)}" for each in range(25) for _ in range(each + 2)]
    said = found("Line", cells)
    assert len(said) == MOST_CAUSES
    assert [cause.rows for cause in said] == sorted((cause.rows for cause in said), reverse=True)
