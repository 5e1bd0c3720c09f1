"""Of a column that the contract classifies, no value leaves the file: not in a report, its page, a comment in a workbook, or a verdict."""

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from sluice.contracts import (
    Contract,
    DruidTarget,
    Field,
    FieldType,
    Metric,
    MetricKind,
    Operator,
    PolicyMode,
    Threshold,
)
from sluice.reports import MASK, Report
from sluice.reports.html import render_html

FORMATS = ("csv", "xlsx", "xls", "parquet")
TIME = dt.datetime(2031, 7, 19, 13, 47, 53)  # noqa: DTZ001 - sheets know no zone
GOOD: tuple[Any, ...] = ("ORD-88231", TIME, "Motorcycles", 637, 8123.45, 0.4471, "secret.person@example.org", "Uruguay")
BAD = (
    ("OrderID", "X" * 12 + "overlong-order-identifier-of-a-person", "max-length"),
    ("OrderID", GOOD[0], "unique"),
    ("TransactionTimestamp", "19 July 2031 at noon", "type"),
    ("TransactionTimestamp", "19.07.2031", "type"),
    ("ProductLine", "Motorcyclesz", "invalid-values"),
    ("ProductLine", "motorcycles", "invalid-values"),
    ("Quantity", 90817, "maximum"),
    ("Quantity", "seventy-three", "type"),
    ("Quantity", "#DIV/0!", "type"),
    ("Quantity", "(637)", "type"),
    ("UnitPrice", "8123,45", "type"),
    ("UnitPrice", "€ 77.31", "type"),
    ("UnitPrice", "no answer", "type"),
    ("UnitPrice", "(BLANK)", "type"),
    ("Discount", 0.9173, "maximum"),
    ("Discount", "-0,4471", "type"),
    ("Discount", "(blank)", "type"),
    ("CustomerEmail", "person-without-at", "pattern"),
    ("CustomerEmail", "“secret.person@example.org”", "pattern"),
    ("Country", "Ü", "min-length"),
    ("Country", "ZÃ¼rich and everything around it, up to the end of the lake there", "max-length"),
)


@pytest.fixture
def secret(sales: Contract) -> Contract:
    """Sales, of which every column is classified."""
    return replace(sales, fields=tuple(replace(each, classified=True) for each in sales.fields))


def rows(columns: tuple[str, ...], *, as_text: bool) -> list[list[Any]]:
    """Each way to be wrong twice, for a cause needs two; one good row at the top."""
    table = [list(GOOD)]
    for number, (column, value, _) in enumerate(BAD + BAD):
        row = list(GOOD)
        row[0] = f"ORD-{70_000 + number}"
        row[columns.index(column)] = value
        table.append(row)
    return [[str(cell) for cell in row] for row in table] if as_text else table


@pytest.mark.parametrize("mode", PolicyMode)
@pytest.mark.parametrize("file_format", FORMATS)
def test_nothing_that_is_told_holds_a_value(look, secret, writers, file_format, mode):
    contract = replace(secret, policy=replace(secret.policy, mode=mode))
    table = rows(contract.columns, as_text=file_format == "parquet")
    seen = look(writers[file_format](contract.columns, table), file_format, contract)
    report = Report.model_validate(seen.report)
    assert {(rule.column, rule.rule) for rule in report.rules} >= {(column, rule) for column, _, rule in BAD}
    assert {error.value for error in report.errors} <= {MASK, None}
    told = [report.model_dump_json(), render_html(report), str(seen.judged), *comments(seen.folder, report)]
    for value in {str(cell) for row in table for cell in row} - set(allowed(contract)) - WORDS:
        assert not [text[max(0, text.find(value) - 80) :][:200] for text in told if value in text], value


WORDS = {"motorcycles", "#DIV/0!", "Ü"}
"""Cells that sentences of a report may hold without telling of a cell: too short or too general to be one's own."""


def allowed(contract: Contract) -> list[str]:
    """Values that the contract itself names."""
    return [value for metric in contract.metrics for value in metric.values or ()]


def comments(folder: Path, report: Report) -> list[str]:
    """Texts that the engine wrote into the sender's workbook."""
    found = []
    for file in (each for each in report.files if each.kind == "workbook"):
        for sheet in openpyxl.load_workbook(folder / file.name):
            found += [cell.comment.text for row in sheet for cell in row if cell.comment]
        assert found
    return found


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_file_without_a_header_shows_none_of_its_first_row(look, secret, writers, file_format):
    first = [str(cell) for cell in GOOD]
    seen = look(writers[file_format](first, [first]), file_format, secret)
    assert seen.code == "wrong-columns"
    told = str(seen.report) + str(seen.judged)
    assert not [value for value in first if value in told and value not in allowed(secret)]
    assert "has the file a header?" in seen.judged.problem.message


def test_a_name_that_is_nearly_the_contracts_is_shown(look, secret):
    """It is no value then, and the sender can do something about it."""
    seen = look(",".join(f"{name}s" for name in secret.columns).encode() + b"\n1,2,3,4,5,6,7,8\n", contract=secret)
    hints = {error["hint"] for error in seen.report["errors"]}
    assert "Rename the column Countrys to Country." in hints


def test_words_of_a_classified_boolean_are_in_no_remedy(look, secret, writers):
    contract = replace(secret, fields=(*secret.fields, Field("Consent", FieldType.BOOLEAN, classified=True)))
    table = [[*row, word] for row, word in zip([list(map(str, GOOD))] * 4, ["Ja", "Ja", "nein", "nein"], strict=True)]
    seen = look(writers["csv"](contract.columns, table), contract=contract)
    assert [cause["code"] for cause in seen.report["causes"]] == ["boolean-words"]
    assert not [word for word in ("Ja", "nein") if word in json.dumps(seen.report, ensure_ascii=False)]


def test_a_comma_in_a_name_unmasks_no_key(look, sales, writers):
    fields = (Field("First, last", FieldType.STRING, classified=True), Field("At", FieldType.DATE, required=True))
    rule = Metric(MetricKind.DUPLICATE_VALUES, Threshold(Operator.EQUAL, (0,)), ("First, last", "At"))
    contract = replace(sales, fields=fields, druid=DruidTarget("At"), metrics=(rule,))
    seen = look(writers["csv"](contract.columns, [["Ada Lovelace", "2031-07-19"]] * 2), contract=contract)
    assert seen.places("rule", "value") == [("duplicate-values", MASK)]
    assert "Lovelace" not in str(seen.report)
