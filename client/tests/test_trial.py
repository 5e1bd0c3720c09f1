"""`sluice contract test`: the engine's own verdict and report, offline."""

import json
import re
from pathlib import Path

import pytest

from sluice.reports import Report

ROOT = Path(__file__).parents[2]
HEAD = """\
apiVersion: v3.1.0
kind: DataContract
id: shop
version: 2.0.0
status: active
schema:
  - name: shop
    properties:
      - {name: day, logicalType: date, required: true}
      - {name: amount, logicalType: number, required: true}
customProperties:
  - property: sluice
    value:
      druid: {timeColumn: day}
      policy: POLICY
"""
NEVER = "{type: library, metric: invalidValues, mustBe: 0, arguments: {validValues: [x]}}"
COLUMNS = ["day", "amount"]
GOOD = [["2024-01-01", "1.5"], ["2024-01-02", "2.5"], ["2024-01-03", "3.5"]]
BAD = [["2024-01-01", "1,5"], ["2024-01-02", "2,5"], ["2024-01-03", "3.5"]]
POLICIES = {"strict": "all-or-nothing", "lenient": "accept-good-rows"}


@pytest.fixture
def tried(run, write, writers):
    def done(rows, *options, policy="strict", suffix="csv"):
        contract = write("shop.odcs.yaml", HEAD.replace("POLICY", POLICIES[policy]))
        return run("test", contract, write(f"shop.{suffix}", writers[suffix](COLUMNS, rows)), *options)

    return done


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "xls", "parquet"])
@pytest.mark.parametrize(
    ("rows", "policy", "options", "code", "verdict"),
    [
        (GOOD, "strict", (), 0, "accepted"),
        (BAD, "strict", (), 1, "rejected"),
        (BAD, "lenient", (), 0, "partly accepted"),
        (BAD, "lenient", ("--strict",), 1, "partly accepted"),
        (GOOD, "lenient", ("--strict",), 0, "accepted"),
    ],
)
def test_the_exit_code_is_the_verdict_in_every_format(tried, suffix, rows, policy, options, code, verdict):
    done = tried(rows, *options, policy=policy, suffix=suffix)
    assert (done.exit_code, done.stdout.splitlines()[0]) == (code, f"{verdict}: shop.{suffix}, held against shop 2.0.0")


def test_causes_come_first_and_then_places(tried):
    lines = tried(BAD).stdout.splitlines()
    assert "rows: 3 in the file, 0 accepted, 3 rejected; errors: 2" in lines
    at = [lines.index(f"{title}:") for title in ("causes", "rules that are broken", "first errors")]
    assert at == sorted(at)
    assert lines[at[0] + 1].startswith("  2 rows: decimal comma in amount. ")
    assert lines[at[2] + 1].startswith("  line 2: amount: “1,5”: expected a number")


def test_cells_of_a_sheet_are_named(tried):
    assert "  Sheet!B2: amount: “1,5”: expected a number" in tried(BAD, suffix="xlsx").stdout


def test_the_report_is_the_services_own(tried, tmp_path):
    done = tried(BAD, "--json", "--report", "report.json", "--out", "kept")
    report = Report.model_validate_json(done.stdout)
    assert (report.verdict, report.errors_total, report.rows.source) == ("rejected", 2, 3)
    assert json.loads((tmp_path / "report.json").read_text()) == json.loads(done.stdout)
    assert json.loads((tmp_path / "kept" / "report.json").read_text()) == json.loads(done.stdout)


def test_the_page_speaks_of_no_task(tried, tmp_path):
    tried(BAD, "--report", "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "The file was rejected. None of its rows is loaded." in page
    assert "corrects=" not in page
    assert not re.search(r"<a [^>]*(rejects|workbook)", page)


@pytest.mark.parametrize(("suffix", "names"), [("csv", {"rejects.csv"}), ("xlsx", {"rejects.xlsx", "workbook.xlsx"})])
def test_what_comes_back_to_the_sender_is_kept(tried, tmp_path, suffix, names):
    tried(BAD, "--out", "deep/kept", suffix=suffix)
    assert {path.name for path in (tmp_path / "deep" / "kept").iterdir()} == names | {"report.json"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("none.yaml", "shop.csv"), "unreadable-contract"),
        (("bad.yaml", "shop.csv"), "contract-invalid"),
        (("never.yaml", "shop.csv"), "contract-invalid"),
        (("shop.odcs.yaml", "none.csv"), "unreadable-file"),
        (("shop.odcs.yaml", "empty.csv"), "empty-file"),
        (("shop.odcs.yaml", "zip.csv"), "format-mismatch"),
        (("shop.odcs.yaml", "shop.csv", "--report", "report.pdf"), "unsupported-format"),
        (("shop.odcs.yaml", "shop.csv", "--report", "missing/report.json"), "unwritable-file"),
    ],
)
def test_what_cannot_be_judged_is_no_verdict(run, tried, write, words, code):
    tried(GOOD)
    write("bad.yaml", "a: 1")
    write("never.yaml", HEAD.replace("POLICY", "all-or-nothing").replace("number,", f"number, quality: [{NEVER}],"))
    write("empty.csv", "")
    write("zip.csv", b"PK\x03\x04")
    done = run("test", *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {code}: "), done.stderr


def test_files_over_the_limit_are_not_read(tried, monkeypatch):
    monkeypatch.setenv("SLUICE_MAX_UPLOAD_BYTES", "10")
    assert tried(GOOD).exit_code == 2
    monkeypatch.setenv("SLUICE_MAX_UPLOAD_BYTES", "1000")
    assert tried(GOOD).exit_code == 0
