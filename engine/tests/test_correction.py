"""Rejected rows come back: each names its row in the first file and brings it back once, whatever the format."""

import io
import shutil
from itertools import pairwise
from typing import Any

import openpyxl
import polars as pl
import pytest
import xlrd
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.contracts import Contract, DruidTarget, Field, FieldType, Policy, PolicyMode
from sluice.events import FileFormat
from sluice_engine import paths
from sluice_engine.errors import FileRejected
from sluice_engine.judging.correction import Correction
from sluice_engine.judging.rowset import RowSet
from sluice_engine.reading.table import Batch
from sluice_engine.run import Submission, judge

FIELDS = (
    Field("At", FieldType.TIMESTAMP, required=True),
    Field("Quantity", FieldType.INTEGER),
    Field("Country", FieldType.STRING),
)
CONTRACT = Contract("orders", "1", FIELDS, DruidTarget("At"), policy=Policy(PolicyMode.ACCEPT_GOOD_ROWS))
HEADER = [*CONTRACT.columns, "__row", "__errors"]
TASKS = ("0190a000-0000-7000-8000-000000000001", "0190a000-0000-7000-8000-000000000002")


def submission(kind: str, corrects: str | None = None) -> Submission:
    return Submission(
        task_id=TASKS[corrects is not None],
        filename=f"orders.{kind}",
        format=FileFormat(kind),
        contract=CONTRACT,
        max_unpacked=50_000_000,
        corrects=corrects,
    )


def rejected_rows(kind: str, content: bytes) -> list[list[Any]]:
    """Rows of a rejects file, without the header."""
    match kind:
        case "csv":
            return [list(row) for row in pl.read_csv(content, infer_schema=False).rows()]
        case "parquet":
            return [list(row) for row in pl.read_parquet(content).rows()]
        case "xls":
            sheet = xlrd.open_workbook(file_contents=content).sheet_by_index(0)
            return [sheet.row_values(at) for at in range(1, sheet.nrows)]
        case _:
            page = openpyxl.load_workbook(io.BytesIO(content)).active
            return [list(row) for row in page.iter_rows(min_row=2, values_only=True)]


@pytest.mark.parametrize("kind", ["csv", "xlsx", "xls", "parquet"])
def test_mended_rejects_file_is_taken_in_every_format(kind, writers, tmp_path):
    rows = [["2024-01-01", "1", "Japan"], ["2024-01-02", "many", "Peru"], ["2024-01-03", "2", "Chile"]]
    rows += [["yesterday", "3", "Chad"], ["2024-01-05", "some", "Oman"]]
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    paths.input_file(first).write_bytes(writers[kind](CONTRACT.columns, rows))
    whole = judge(first, submission(kind))
    assert (whole.accepted, whole.rejected) == (2, 3)

    back = rejected_rows(kind, paths.rejects_file(first, kind).read_bytes())
    assert [int(row[3]) for row in back] == [2, 4, 5]
    back[0][1], back[2][1] = "12", "13"
    paths.input_file(second).write_bytes(writers[kind](HEADER, back))
    shutil.copy(paths.open_rows(first), paths.open_before(second))
    mended = judge(second, submission(kind, TASKS[0]))
    assert (mended.problem, mended.source, mended.accepted, mended.rejected) == (None, 3, 2, 1)
    part = pl.read_parquet(paths.part_file(second, 0))
    assert part.select("Quantity", "Country").rows() == [(12, "Peru"), (13, "Oman")]
    assert pl.read_parquet(paths.open_rows(second))["row"].to_list() == [4]


def batches(named: list[str | None], cuts: list[int]) -> list[Batch]:
    """Rows of a file that name rows of the first one, in batches."""
    edges = [0, *sorted(min(cut, len(named)) for cut in cuts), len(named)]
    return [
        Batch(
            pl.DataFrame(),
            pl.Series(range(start + 1, end + 1), dtype=pl.UInt64),
            extra=pl.DataFrame({"__row": named[start:end]}, schema={"__row": pl.String}),
        )
        for start, end in pairwise(edges)
    ]


TEXTS = st.integers(0, 12).map(str) | st.sampled_from([None, "", "x", " 3 ", "4.0", "-1", "5.5", str(2**64), "+6"])


@settings(max_examples=300)
@given(
    opened=st.sets(st.integers(1, 10)),
    named=st.lists(TEXTS, max_size=15),
    cuts=st.lists(st.integers(0, 15), max_size=3),
    spoilt=st.sets(st.integers(1, 15)),
)
def test_each_open_row_is_brought_back_once(opened, named, cuts, spoilt):
    correction = Correction(pl.Series(sorted(opened), dtype=pl.UInt64))
    refused = set()
    for batch in batches(named, cuts):
        for broken in correction.check(batch):
            refused |= set(batch.rows.filter(broken.where))

    brought: dict[int, int] = {}
    for row, text in enumerate(named, start=1):
        plain = (text or "").strip().removesuffix(".0")
        number = int(plain) if plain.removeprefix("+").isdecimal() else 0
        if number in opened and number not in brought:
            brought[number] = row
    assert refused == set(range(1, len(named) + 1)) - set(brought.values())

    rejected = RowSet()
    rejected.add(pl.Series(sorted(refused | spoilt), dtype=pl.UInt64))
    still = {number for number in opened if number not in brought or brought[number] in spoilt}
    assert correction.still_open(rejected).to_list() == sorted(still)


def test_file_that_names_no_rows_is_refused_with_the_way_out():
    correction = Correction(pl.Series([1], dtype=pl.UInt64))
    with pytest.raises(FileRejected, match="retract that task") as refusal:
        correction.check(Batch(pl.DataFrame(), pl.Series([1], dtype=pl.UInt64)))
    assert refusal.value.code == "whole-file-on-partly-accepted"
