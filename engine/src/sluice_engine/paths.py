"""The folder of one run."""

from pathlib import Path


def input_file(run: Path) -> Path:
    return run / "input"


def job_file(run: Path) -> Path:
    return run / "job.json"


def result_file(run: Path) -> Path:
    return run / "result.json"


def report_file(run: Path) -> Path:
    return run / "report.json"


def part_file(run: Path, number: int) -> Path:
    return run / "canonical" / f"part-{number:05d}.parquet"


def rejects_file(run: Path, suffix: str) -> Path:
    return run / f"rejects.{suffix}"


def workbook_file(run: Path) -> Path:
    return run / "workbook.xlsx"


def spill_folder(run: Path) -> Path:
    return run / "spill"


def open_before(run: Path) -> Path:
    """Before a correction: Parquet with the column `row`, rows of the first file that are still rejected."""
    return run / "open-before.parquet"


def open_rows(run: Path) -> Path:
    """After it: the same, of the rows that are still rejected then."""
    return run / "open-rows.parquet"
