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


def typed_folder(run: Path) -> Path:
    return run / "typed"


def part_file(run: Path, number: int) -> Path:
    return run / "canonical" / f"part-{number:05d}.parquet"


def rejects_file(run: Path, suffix: str) -> Path:
    return run / f"rejects.{suffix}"


def workbook_file(run: Path) -> Path:
    return run / "workbook.xlsx"
