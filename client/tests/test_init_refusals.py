"""Files of which no contract can be written, and what is said of them; texts that mean something to YAML or to a terminal."""

import datetime as dt
from dataclasses import replace

import openpyxl
import pytest

from sluice.contracts import load_contract
from sluice_client.inference.draft import Wishes, datasource_of, draft_of
from sluice_client.inference.writing import write_draft
from sluice_client.intake import take_file
from sluice_client.settings import FileLimits

DAYS = [dt.date(2024, 1, 1) + dt.timedelta(days=day) for day in range(30)]
TABLE = "day,n\n" + "".join(f"{day},1\n" for day in DAYS)


@pytest.mark.parametrize(
    ("name", "content", "code", "said"),
    [
        ("a.txt", TABLE, "unsupported-format", "must be one of .csv, .xlsx, .xls, .parquet"),
        ("a.csv", "", "empty-file", "Send a file with a header and rows."),
        ("a.csv", "\n \n\n", "no-rows", "a header and no rows"),
        ("a.csv", "\n\n", "empty-file", "no line holds text"),
        ("a.csv", "day,n\n", "no-rows", "a header and no rows"),
        ("a.csv", b"PK\x03\x04....", "format-mismatch", "It begins as .xlsx does"),
        ("a.xlsx", TABLE, "format-mismatch", "does not begin as such a file does"),
        ("a.parquet", b"PAR1....", "unreadable-file", "no whole Parquet file"),
        ("a.csv.gz", b"\x1f\x8b....", "unreadable-file", "cut off or damaged"),
        ("a.csv", TABLE.replace("n\n", '"n\n', 1), "unclosed-quote", "line 1 has a quote that is not closed"),
        ("a.csv", TABLE.replace("day,n", "day,"), "wrong-columns", "column 2 has no name: write one"),
        ("a.csv", TABLE.replace("day,n", "day, day"), "wrong-columns", "column 2 (day) is called like column 1"),
        ("a.csv", TABLE.replace("day,n", "day,day"), "wrong-columns", "day: Remove or rename one of them."),
        ("a.csv", TABLE.replace("day,n", "day,__n"), "wrong-columns", "names that begin with __"),
        ("a.csv", TABLE.replace("day,n", "day,*"), "wrong-columns", "column 2 (*): * would be read as a pattern"),
        (
            "a.csv",
            TABLE.replace("day,n", 'day,"a\nb"'),
            "wrong-columns",
            r"column 2 (a\nb): a name has 1 to 255 characters",
        ),
        ("a.csv", TABLE.removeprefix("day,n\n"), "wrong-columns", "column 1 (2024-01-01) looks like a cell"),
        ("a.csv", TABLE.replace(",1\n", ",1,\n"), "wrong-columns", "line 1 has 2 cells, and most rows have 3"),
        ("a.csv", "1,2\n3,4\n", "wrong-columns", "looks like a cell"),
        ("a.csv", "a,b\nx,y\n", "no-time-column", "no column is a date or time in every row"),
        ("a.csv", TABLE + ",1\n", "no-time-column", "day has 1 empty cells: fill them."),
        ("a.csv", "day,n\n01/02/2024,1\n", "no-time-column", "or say --day-first or --month-first"),
        (
            "a.csv",
            ",".join(f"c{n}" for n in range(1001)) + "\n" + "1," * 1000 + "1\n",
            "wrong-columns",
            "1,000 at most",
        ),
    ],
)
def test_what_is_refused_says_why_and_what_to_do(run, write, tmp_path, name, content, code, said):
    done = run("init", write(name, content))
    assert done.exit_code == 2
    assert (f"error: {code}: " in done.stderr, said in done.stderr) == (True, True), done.stderr
    assert not list(tmp_path.glob("*.yaml"))


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--time-column", "when"), "no-time-column", "no column when; its columns are day, n."),
        (("--time-column", "n"), "no-time-column", "n is no time: its cells are read as integer"),
        (("--datasource", "Sales"), "invalid-datasource", "lower-case letters"),
        (("--encoding", "utf-99"), "invalid-encoding", "utf-99"),
        (("--out", "missing/a.yaml"), "unwritable-file", "No such file or directory"),
    ],
)
def test_wishes_that_cannot_be_met(run, write, options, code, said):
    done = run("init", write("a.csv", TABLE), *options)
    assert done.exit_code == 2
    assert f"error: {code}: " in done.stderr
    assert said in done.stderr


def test_sheets_that_are_not_there(run, write, writers):
    done = run("init", write("a.xlsx", writers["xlsx"](["day"], [[day] for day in DAYS])), "--sheet", "Sales")
    assert (done.exit_code, "no sheet named Sales" in done.stderr) == (2, True)


def test_a_workbook_without_a_table_says_what_is_wrong_with_its_first_sheet(run, write, save):
    book = openpyxl.Workbook()
    for row in [["day", None, "n"], *([day, 1, 2] for day in DAYS)]:
        book.active.append(row)
    done = run("init", write("a.xlsx", save(book)))
    assert (done.exit_code, "column 2 has no name" in done.stderr) == (2, True)


def test_missing_and_large_files(run, write, tmp_path, monkeypatch):
    assert "error: unreadable-file: " in run("init", tmp_path / "none.csv").stderr
    monkeypatch.setenv("SLUICE_MAX_UPLOAD_BYTES", "10")
    assert "10 bytes at most" in run("init", write("a.csv", TABLE)).stderr


def test_nothing_is_written_over_unless_it_is_said(run, write, tmp_path):
    path, target = write("a.csv", TABLE), tmp_path / "a.odcs.yaml"
    for options in ((), ("--out", target)):
        target.write_text("mine")
        assert (run("init", path, *options).exit_code, target.read_text()) == (2, "mine")
        assert run("init", path, *options, "--force").exit_code == 0
        assert target.read_text() != "mine"


def test_it_is_written_here_under_the_name_of_the_datasource_or_shown(run, write, tmp_path):
    path = write("a.csv", TABLE)
    done = run("init", path, "--datasource", "sales")
    assert (tmp_path / "sales.odcs.yaml").read_text() == run("init", path, "--datasource", "sales", "--out", "-").stdout
    assert done.stderr == "Wrote sales.odcs.yaml: 2 columns of 30 rows, time column day.\n"


@pytest.mark.parametrize(
    ("filename", "datasource"),
    [
        ("Sales Report (final).CSV.gz", "sales_report_final"),
        ("2024-Umsätze.xlsx", "umsatze"),
        ("seattle-weather.csv", "seattle-weather"),
        ("売上.csv", "data"),
        ("x" * 100 + ".csv", "x" * 63),
    ],
)
def test_names_of_files_become_names_of_datasources(filename, datasource):
    assert datasource_of(filename) == datasource


HOSTILE = "a\u2028- name: evil\u0085#\x1b[31m"


def test_cells_and_names_are_text_and_never_yaml(contract_of, write, tmp_path):
    rows = "".join(f'{day},"{HOSTILE}","x: [y]\n- z"\n' for day in DAYS)
    made = contract_of(write("data #1: {x}.csv", f"day,text,- {{a: b}} #c\n{rows}"))
    assert made.columns == ("day", "text", "- {a: b} #c")
    text = (tmp_path / "data #1: {x}.odcs.yaml").read_text()
    assert r"        # values: a\u2028- name: evil\x85#\x1b[31m" in text
    assert all(line.isprintable() for line in text.split("\n"))


def test_nothing_of_a_file_moves_the_cursor(run, write):
    done = run("init", write("a.csv", f"day,{HOSTILE}\n2024-01-01,1\n"))
    assert (done.exit_code, "\x1b" in done.stderr, r"\x1b[31m" in done.stderr) == (2, False, True)


def test_what_is_told_of_a_file_stays_a_comment(write):
    file = take_file(write("a.csv", TABLE), FileLimits())
    draft = replace(draft_of(file, Wishes()), notes=("a sheet\nid: evil",), seen={"n": ("x\r\u0085- y",)})
    assert {r"# a sheet\nid: evil", r"        # x\r\x85- y"} <= set(write_draft(draft).split("\n"))
    assert load_contract(write_draft(draft)).columns == ("day", "n")
