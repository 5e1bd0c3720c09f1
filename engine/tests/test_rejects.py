"""Rejected rows go back as they came, in a file that nothing takes for a program, and that can be sent again as it is."""

import csv
import datetime as dt
import io
from collections.abc import Sequence
from pathlib import Path

import openpyxl
import polars as pl
import pytest
import xlrd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sluice.contracts import Contract, Dialect, DruidTarget, Field, FieldType
from sluice.events import FileFormat
from sluice.reports import ReportFile
from sluice_engine.judging.customs import Broken
from sluice_engine.judging.rules import NEVER, Rule
from sluice_engine.reading.csv import CsvTable
from sluice_engine.reading.excel import ExcelTable
from sluice_engine.reading.parquet import ParquetTable
from sluice_engine.reading.table import Table
from sluice_engine.reporting.rejects import open_rejects
from sluice_engine.reporting.texts import ErrorTexts

COLUMNS = ["=a", "b"]
LIMIT = 50_000_000
PLAIN = Dialect()
FORMULAS = ["=1+1", "+SUM(A1)", "-2+3", "@x", "\tx", "\rx", '=HYPERLINK("http://x")']
NUMBERS = ["-1.5", "+7", "-1.234,5", "-2e5"]


def frame(texts: list[str | None], start: int = 1) -> pl.DataFrame:
    return pl.DataFrame({"=a": texts, "b": ["x"] * len(texts)}, schema={"=a": pl.String, "b": pl.String}).with_columns(
        pl.Series("__row", range(start, start + len(texts)), dtype=pl.UInt64),
        pl.lit("=a: pattern").alias("__errors"),
    )


def written(
    run: Path,
    kind: FileFormat,
    frames: Sequence[pl.DataFrame],
    columns: Sequence[str] = COLUMNS,
    dialect: Dialect = PLAIN,
) -> ReportFile:
    writer = open_rejects(run, kind, columns, dialect)
    for each in frames:
        writer.add(each)
    return writer.close()


def reading(path: Path, kind: str, dialect: Dialect) -> Table:
    fields = (Field("=a", FieldType.STRING), Field("b", FieldType.STRING))
    contract = Contract("x", "1", fields, DruidTarget("b"), dialect)
    match kind:
        case "csv":
            return CsvTable(path, contract, correcting=True)
        case "parquet":
            return ParquetTable(path, contract, correcting=True)
        case _:
            return ExcelTable(path, contract, FileFormat(kind), LIMIT, correcting=True)


DIALECTS = [
    Dialect(),
    Dialect(sheet="Tom's & <Co>", header_row=3, skip_after_header=2, footer_rows=1),
    Dialect(delimiter=";", quote="'", encoding="windows-1252"),
]


@pytest.mark.parametrize("kind", ["csv", "xlsx", "xls", "parquet"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_was_rejected_can_be_read_again_under_the_same_contract(tmp_path, kind, dialect):
    texts = [*FORMULAS, *NUMBERS, "Österreich", "a;b,'c\"", None]
    done = written(tmp_path, FileFormat(kind), [frame(texts), frame(["more"], start=40)], dialect=dialect)
    assert (done.kind, done.name, done.rows) == ("rejects", f"rejects.{kind}", len(texts) + 1)
    table = reading(tmp_path / done.name, kind, dialect)
    found = pl.concat([batch.cells for batch in table.batches()])
    assert [text or None for text in found["=a"].to_list()] == [*texts, "more"]
    assert [column.name for column in table.columns][-2:] == ["__row", "__errors"]


def test_no_text_of_a_csv_is_a_formula(tmp_path):
    written(tmp_path, FileFormat.CSV, [frame([*FORMULAS, *NUMBERS])])
    text = (tmp_path / "rejects.csv").read_bytes().decode("utf-8-sig")
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert header == ["'=a", "b", "__row", "__errors"]
    assert [row[0] for row in rows] == [f"'{text}" for text in FORMULAS] + NUMBERS
    assert {row[3] for row in rows} == {"'=a: pattern"}


def test_no_text_of_a_sheet_is_a_formula(tmp_path):
    for kind in (FileFormat.XLSX, FileFormat.XLS):
        written(tmp_path, kind, [frame(FORMULAS)])
    page = openpyxl.load_workbook(tmp_path / "rejects.xlsx").active
    assert {cell.data_type for row in page.iter_rows(max_col=1) for cell in row} == {"s"}
    old = xlrd.open_workbook(tmp_path / "rejects.xls").sheet_by_index(0)
    assert old.col_types(0) == [xlrd.XL_CELL_TEXT] * (len(FORMULAS) + 1)
    assert old.col_values(0)[1:] == FORMULAS


TYPED = pl.DataFrame(
    {
        "=a": [dt.datetime(2024, 1, 5, 10, 0, 30), dt.datetime(1850, 1, 1), None],  # noqa: DTZ001
        "b": [2**53 + 1, -5, None],
        "c": [0.1, 1e300, None],
        "d": [True, False, None],
        "e": [dt.date(2024, 2, 29), dt.date(1900, 2, 28), None],
        "__row": pl.Series([1, 2, 3], dtype=pl.UInt64),
        "__errors": ["x", "y", "z"],
    }
)
SHOWN = [
    (dt.datetime(2024, 1, 5, 10, 0, 30), str(2**53 + 1), 0.1, True, dt.datetime(2024, 2, 29), 1, "x"),  # noqa: DTZ001
    ("1850-01-01T00:00:00", -5, 1e300, False, "1900-02-28", 2, "y"),
    (None, None, None, None, None, 3, "z"),
]


def test_cells_of_a_sheet_keep_their_types(tmp_path):
    written(tmp_path, FileFormat.XLSX, [TYPED], TYPED.columns[:-2])
    found = list(openpyxl.load_workbook(tmp_path / "rejects.xlsx").active.iter_rows(min_row=2, values_only=True))
    assert found[0] == SHOWN[0]
    assert (found[1][0][:19], *found[1][1:]) == SHOWN[1]
    assert found[2] == SHOWN[2]


def test_columns_of_parquet_keep_their_types(tmp_path):
    written(tmp_path, FileFormat.PARQUET, [TYPED, TYPED], TYPED.columns[:-2])
    assert pl.read_parquet(tmp_path / "rejects.parquet").equals(pl.concat([TYPED, TYPED]))
    assert [path.name for path in tmp_path.iterdir()] == ["rejects.parquet"]


@pytest.mark.parametrize("kind", list(FileFormat))
def test_a_file_without_rows_is_whole(tmp_path, kind):
    done = written(tmp_path, kind, [])
    assert done.rows == 0
    table = reading(tmp_path / done.name, kind, Dialect())
    assert sum(batch.seen for batch in table.batches()) == 0
    assert len(table.columns) == 4


def test_a_wide_xls_goes_to_an_xlsx(tmp_path):
    names = [f"c{at}" for at in range(255)]
    assert written(tmp_path, FileFormat.XLS, [], names).name == "rejects.xlsx"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\ufffe\uffff"), min_size=1, max_size=12))
)
def test_any_text_survives_a_sheet(tmp_path, texts):
    written(tmp_path, FileFormat.XLSX, [frame(list(texts))])
    found = [batch.cells for batch in reading(tmp_path / "rejects.xlsx", "xlsx", Dialect()).batches()]
    assert (pl.concat(found)["=a"].to_list() if found else []) == texts


def test_a_row_that_breaks_many_rules_is_told_their_names_alone():
    rules = [Rule("minimum", f"c{at}", f"at least {at}", NEVER) for at in range(70)]
    rows = [{0, 69}, set(), set(range(6)), set(range(7))]
    broken = [Broken(rule, pl.Series([at in row for row in rows])) for at, rule in enumerate(rules)]
    texts = ErrorTexts().of(broken, pl.Series([bool(row) for row in rows])).to_list()
    assert texts == [
        "c0: minimum (at least 0); c69: minimum (at least 69)",
        "; ".join(f"c{at}: minimum (at least {at})" for at in range(6)),
        "; ".join(f"c{at}: minimum" for at in range(7)),
    ]
