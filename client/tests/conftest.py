"""The command, run in this process, and files of every format."""

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import openpyxl
import polars as pl
import pytest
import xlwt
from click.testing import Result
from typer.testing import CliRunner

from sluice.contracts import Contract, load_contract
from sluice_client.app import app

Rows = Sequence[Sequence[object]]
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`sluice contract …` in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(app, ["contract", *map(str, words)], catch_exceptions=False)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    def into(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return into


@pytest.fixture
def contract_of(run: Run) -> Callable[..., Contract]:
    """The contract that `init` writes, loaded, after the file itself has kept it."""

    def made(path: Path, *options: str, keeps: bool = True) -> Contract:
        out = path.with_suffix(".odcs.yaml")
        done = run("init", path, "--out", out, "--datasource", "data", *options)
        assert done.exit_code == 0, done.stderr
        tried = run("test", out, path, "--strict")
        assert (tried.exit_code == 0) is keeps, tried.stdout
        return load_contract(out.read_bytes())

    return made


def as_csv(columns: Sequence[str], rows: Rows, **dialect: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, **dialect).writerows([columns, *rows])
    return text.getvalue().encode()


def as_xlsx(columns: Sequence[str], rows: Rows) -> bytes:
    book = openpyxl.Workbook()
    for row in [columns, *rows]:
        book.active.append(list(row))
    return saved(book)


def as_xls(columns: Sequence[str], rows: Rows) -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet")
    dated = xlwt.easyxf(num_format_str="YYYY-MM-DD")
    for at, row in enumerate([columns, *rows]):
        for column, value in enumerate(row):
            sheet.write(at, column, value, *([dated] if hasattr(value, "year") else []))
    return saved(book)


def as_parquet(columns: Sequence[str], rows: Rows) -> bytes:
    content = io.BytesIO()
    pl.DataFrame(rows, schema=list(columns), orient="row").write_parquet(content)
    return content.getvalue()


def saved(book: openpyxl.Workbook | xlwt.Workbook) -> bytes:
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


@pytest.fixture(scope="session")
def writers() -> dict[str, Callable[[Sequence[str], Rows], bytes]]:
    return {"csv": as_csv, "xlsx": as_xlsx, "xls": as_xls, "parquet": as_parquet}


@pytest.fixture(scope="session")
def save() -> Callable[[openpyxl.Workbook | xlwt.Workbook], bytes]:
    return saved
