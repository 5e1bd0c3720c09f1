"""The work of one child: a file in, canonical Parquet, a report and a result out. All in the folder of the run."""

from math import ceil
from pathlib import Path
from uuid import UUID

import polars as pl
from pydantic import BaseModel, ConfigDict

from sluice.contracts import Contract
from sluice.events import ContractRef, FileFormat, Problem
from sluice.reports import Report, RowCounts
from sluice_engine import paths
from sluice_engine.errors import FileRejected
from sluice_engine.judged import Judged
from sluice_engine.judging.findings import Findings
from sluice_engine.judging.judge import ROW, Judging
from sluice_engine.parsing.columns import canonical
from sluice_engine.parsing.text import INSTANT
from sluice_engine.reading.csv import CsvTable
from sluice_engine.reading.excel import ExcelTable
from sluice_engine.reading.parquet import ParquetTable
from sluice_engine.reading.table import Table

PART_BYTES = 200_000_000
"""Of compressed Parquet; Druid reads parts side by side."""

MAX_PARTS = 100


class Submission(BaseModel):
    """One file, and what it is to be held against."""

    model_config = ConfigDict(frozen=True)

    task_id: UUID
    filename: str
    format: FileFormat
    contract: Contract
    max_unpacked: int


def open_table(path: Path, job: Submission) -> Table:
    match job.format:
        case FileFormat.CSV:
            return CsvTable(path, job.contract)
        case FileFormat.PARQUET:
            return ParquetTable(path, job.contract)
        case FileFormat.XLSX | FileFormat.XLS:
            return ExcelTable(path, job.contract, job.format, job.max_unpacked)


def judge(run: Path, job: Submission) -> Judged:
    """Judge the input of the run; `report.json` and, where it is accepted, the canonical parts stand in its folder."""
    table = open_table(paths.input_file(run), job)
    judging = Judging(job.contract, Findings(job.contract, table))
    refusal = None
    try:
        _read(run, table, judging)
    except FileRejected as error:
        refusal = Problem(code=error.code, message=error.message)
        for fault in error.faults:
            judging.findings.add_fault(fault)
    problem = refusal or _problem(judging)
    complete = refusal is None or refusal.code == "no-rows"
    parts = 0 if problem else _write_parts(run, job, judging.seen)
    report = _report(job, table, judging, problem, complete=complete)
    paths.report_file(run).write_text(report.model_dump_json(indent=1))
    source = judging.seen if complete else None
    return Judged(
        source,
        judging.findings.total,
        problem,
        judging.time_range(),
        parts,
        accepted=0 if problem else judging.seen,
        rejected=source if problem else 0,
    )


def _read(run: Path, table: Table, judging: Judging) -> None:
    folder = paths.typed_folder(run)
    folder.mkdir()
    for number, batch in enumerate(table.batches()):
        frame = judging.take(batch)
        frame.write_parquet(folder / f"{number:06d}.parquet", compression="zstd", compression_level=1)
    if judging.seen == 0:
        raise FileRejected("no-rows", "The file has a header and no rows.")
    judging.finish(
        lambda column, rows: _typed(run).select(ROW, column).filter(pl.col(ROW).is_in(rows.implode())).collect()
    )


def _typed(run: Path) -> pl.LazyFrame:
    return pl.scan_parquet(sorted(paths.typed_folder(run).iterdir()), glob=False)


def _problem(judging: Judging) -> Problem | None:
    count = judging.findings.total
    if not count:
        return None
    rules = ", ".join(sorted({rule for rule, _ in judging.findings.counts}))
    return Problem(
        code="rules-broken",
        message=f"{_several(count, 'error')} in {_several(judging.seen, 'row')} ({rules}); the report names each place.",
    )


def _several(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _write_parts(run: Path, job: Submission, rows: int) -> int:
    """Typed rows as Druid reads them: `__time`, the contract's other columns in its order, `__task_id`."""
    time = job.contract.druid.time_column
    columns = [
        pl.col(time).cast(pl.Datetime("us")).dt.replace_time_zone("UTC").cast(INSTANT).alias("__time")
        if job.contract.field(time).type == "date"
        else pl.col(time).alias("__time"),
        *(canonical(each) for each in job.contract.fields if each.name != time),
        pl.lit(str(job.task_id)).alias("__task_id"),
    ]
    size = sum(file.stat().st_size for file in paths.typed_folder(run).iterdir())
    parts = min(MAX_PARTS, max(1, round(size / PART_BYTES)))
    height = ceil(rows / parts)
    paths.part_file(run, 0).parent.mkdir()
    for number in range(parts):
        rows_of_part = _typed(run).slice(number * height, height).select(columns)
        rows_of_part.sink_parquet(paths.part_file(run, number), compression="zstd", row_group_size=131_072)
    return parts


def _report(job: Submission, table: Table, judging: Judging, problem: Problem | None, *, complete: bool) -> Report:
    return Report(
        task_id=job.task_id,
        datasource=job.contract.datasource,
        filename=job.filename,
        format=job.format,
        contract=ContractRef(datasource=job.contract.datasource, version=job.contract.version),
        verdict="rejected" if problem else "accepted",
        problem=problem,
        rows=RowCounts(
            source=judging.seen if complete else None,
            accepted=0 if problem else judging.seen,
            rejected=(judging.seen if complete else None) if problem else 0,
        ),
        notes=tuple(table.notes),
        errors_total=judging.findings.total,
        rules=judging.findings.rules(),
        errors=judging.findings.errors(),
        quality=judging.quality(complete=complete),
    )
