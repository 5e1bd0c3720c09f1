import csv
from datetime import timedelta

import openpyxl
import polars as pl
import pytest
from python_calamine import CalamineWorkbook

from sluice_local.samples import WRITERS, planted, sales, write_csv


def test_the_same_arguments_give_the_same_file(tmp_path):
    for name in ("a", "b"):
        write_csv(sales(), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_rows_have_ids_of_their_own_and_a_few_days():
    rows, others = sales(), sales(prefix="OTHER")
    ids = {row["OrderID"] for row in (*rows, *others)}
    assert len(ids) == 2000
    times = [row["TransactionTimestamp"] for row in rows]
    assert timedelta(days=3) < max(times) - min(times) < timedelta(days=5)


@pytest.mark.parametrize("errors", [1, 7, 20])
def test_as_many_rows_are_spoilt_as_were_asked_for_each_in_one_cell(errors):
    rows = sales(100)
    wrong = [
        [name for name in row if row[name] != spoilt[name]]
        for row, spoilt in zip(rows, planted(rows, errors), strict=True)
    ]
    assert sorted(len(cells) for cells in wrong if cells) == [1] * errors


def test_every_format_holds_the_same_table(tmp_path):
    rows = sales(20)
    for suffix, write in WRITERS.items():
        write(rows, tmp_path / f"sales.{suffix}")
    with (tmp_path / "sales.csv").open() as file:
        told = list(csv.DictReader(file))
    assert told[0]["TransactionTimestamp"] == rows[0]["TransactionTimestamp"].strftime("%Y-%m-%dT%H:%M:%SZ")
    sheet = openpyxl.load_workbook(tmp_path / "sales.xlsx").active
    assert [cell.value for cell in sheet[1]] == list(rows[0])
    assert sheet.cell(2, 2).value == rows[0]["TransactionTimestamp"].replace(tzinfo=None)
    legacy = CalamineWorkbook.from_path(str(tmp_path / "sales.xls")).get_sheet_by_index(0).to_python()
    assert legacy[0] == list(rows[0])
    assert legacy[1][1] == rows[0]["TransactionTimestamp"].replace(tzinfo=None)
    assert pl.read_parquet(tmp_path / "sales.parquet").rows(named=True) == [dict(row) for row in rows]
