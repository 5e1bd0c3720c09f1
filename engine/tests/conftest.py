"""Files with known tables, and a judge in this process."""

import csv
import datetime as dt
import io
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import polars as pl
import pytest
import xlwt

from sluice.contracts import Contract, load_contract
from sluice.events import FileFormat
from sluice_engine import paths
from sluice_engine.judged import Judged
from sluice_engine.run import Submission, judge

sys.path.insert(0, str(Path(__file__).parent))  # tests are not packages; excel_files.py stands beside them

CONTRACTS = Path(__file__).parents[2] / "contracts"
TASK = UUID("0190a000-0000-7000-8000-000000000001")


@dataclass(frozen=True)
class Seen:
    """What one run left."""

    judged: Judged
    report: dict[str, Any]
    parts: list[pl.DataFrame]
    folder: Path

    @property
    def code(self) -> str | None:
        return self.judged.problem and self.judged.problem.code

    def places(self, *keys: str) -> list[tuple[Any, ...]]:
        return [tuple(error[key] for key in keys) for error in self.report["errors"]]


@pytest.fixture(scope="session")
def sales() -> Contract:
    return load_contract((CONTRACTS / "sales.odcs.yaml").read_text())


@pytest.fixture(scope="session")
def header(sales: Contract) -> str:
    return ",".join(sales.columns) + "\n"


def submission(file_format: str, contract: Contract) -> Submission:
    return Submission(
        task_id=TASK,
        filename=f"orders.{file_format}",
        format=FileFormat(file_format),
        contract=contract,
        max_unpacked=50_000_000,
    )


Look = Callable[..., Seen]


@pytest.fixture
def look(tmp_path: Path, sales: Contract) -> Look:
    """Judge bytes of a format in this process."""
    count = 0

    def run(data: bytes, file_format: str = "csv", contract: Contract = sales) -> Seen:
        nonlocal count
        count += 1
        folder = tmp_path / str(count)
        folder.mkdir()
        paths.input_file(folder).write_bytes(data)
        judged = judge(folder, submission(file_format, contract))
        parts = [pl.read_parquet(paths.part_file(folder, number)) for number in range(judged.parts)]
        return Seen(judged, json.loads(paths.report_file(folder).read_text()), parts, folder)

    return run


Rows = Sequence[Sequence[object]]


def as_csv(columns: Sequence[str], rows: Rows) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([columns, *rows])
    return text.getvalue().encode()


def as_xlsx(columns: Sequence[str], rows: Rows) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Sales"
    for row in [columns, *rows]:
        sheet.append(list(row))
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def as_xls(columns: Sequence[str], rows: Rows) -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sales")
    dated = xlwt.easyxf(num_format_str="YYYY-MM-DD HH:MM:SS")
    for at, row in enumerate([columns, *rows]):
        for column, value in enumerate(row):
            if isinstance(value, dt.date):
                sheet.write(at, column, value, dated)
            elif value is not None:
                sheet.write(at, column, value)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def as_parquet(columns: Sequence[str], rows: Rows) -> bytes:
    content = io.BytesIO()
    pl.DataFrame(rows, schema=list(columns), orient="row").write_parquet(content)
    return content.getvalue()


@pytest.fixture(scope="session")
def writers() -> dict[str, Callable[[Sequence[str], Rows], bytes]]:
    return {"csv": as_csv, "xlsx": as_xlsx, "xls": as_xls, "parquet": as_parquet}
