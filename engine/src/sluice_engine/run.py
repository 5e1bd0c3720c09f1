"""The work of one child: a file in, canonical Parquet, a report and a result out. All in the folder of the run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import polars as pl
from pydantic import BaseModel, ConfigDict

from sluice.contracts import Contract, ExtraColumns, PolicyMode
from sluice.events import ContractRef, FileFormat, Problem, TimeRange
from sluice.reports import Report, RowCounts
from sluice_engine import paths
from sluice_engine.canonical import Parts, canonical_columns, extra_column
from sluice_engine.errors import FileRejected
from sluice_engine.judged import Judged
from sluice_engine.judging.correction import Correction
from sluice_engine.judging.findings import Findings
from sluice_engine.judging.judge import Judging
from sluice_engine.judging.late import Values
from sluice_engine.judging.policy import Found, refusal
from sluice_engine.judging.quality import time_range
from sluice_engine.judging.rowset import RowSet
from sluice_engine.reading.csv import CsvTable
from sluice_engine.reading.excel import ExcelTable
from sluice_engine.reading.parquet import ParquetTable
from sluice_engine.reading.table import Batch, Table
from sluice_engine.reporting.handback import Handback


class Submission(BaseModel):
    """One file, and what it is to be held against. `corrects` names the task whose rejected rows it brings back."""

    model_config = ConfigDict(frozen=True)

    task_id: UUID
    filename: str
    format: FileFormat
    contract: Contract
    max_unpacked: int
    corrects: UUID | None = None


def open_table(path: Path, job: Submission, *, correcting: bool = False) -> Table:
    """`correcting`: the file has the columns that a rejects file has beside the sender's own."""
    match job.format:
        case FileFormat.CSV:
            return CsvTable(path, job.contract, job.max_unpacked, correcting)
        case FileFormat.PARQUET:
            return ParquetTable(path, job.contract, correcting)
        case FileFormat.XLSX | FileFormat.XLS:
            return ExcelTable(path, job.contract, job.format, job.max_unpacked, correcting)


def judge(run: Path, job: Submission) -> Judged:
    """Judge the input of the run; `report.json` and, where rows are accepted, the canonical parts stand in its folder.

    Raises ContractInvalid.
    """
    return Run.of(run, job).judge()


@dataclass(slots=True)
class Run:
    """One file on its way through the engine."""

    folder: Path
    job: Submission
    table: Table
    judging: Judging
    handback: Handback
    correction: Correction | None
    parts: Parts
    late: RowSet = field(default_factory=RowSet)
    """Rows that only rules on the whole file reject."""

    @classmethod
    def of(cls, folder: Path, job: Submission) -> "Run":
        before = paths.open_before(folder)
        correcting = job.corrects is not None and before.exists()
        table = open_table(paths.input_file(folder), job, correcting=correcting)
        return cls(
            folder,
            job,
            table,
            Judging(job.contract, Findings(job.contract, table), paths.spill_folder(folder)),
            Handback(folder, job.format, job.contract, table),
            Correction(pl.read_parquet(before)["row"].sort()) if correcting else None,
            Parts(folder),
        )

    def judge(self) -> Judged:
        problem, complete = self._read()
        problem = problem or refusal(self.job.contract, self._found())
        times = None if problem else self._keep()
        counts = self._counts(problem, complete=complete)
        report = self._report(problem, counts)
        paths.report_file(self.folder).write_text(report.model_dump_json(indent=1))
        return Judged(
            counts.source,
            report.errors_total,
            problem,
            times,
            len(self.parts.heights),
            accepted=counts.accepted,
            rejected=counts.rejected,
            files=(*(each.name for each in report.files), *self._write_open_rows(problem)),
        )

    def _read(self) -> tuple[Problem | None, bool]:
        """Why the file could not be read, and whether all of its rows were."""
        try:
            self.parts.write(self._good_rows())
            self._settle()
        except FileRejected as error:
            for fault in error.faults:
                self.judging.findings.add_fault(fault)
            return Problem(code=error.code, message=error.message), error.code == "no-rows"
        return None, True

    def _good_rows(self) -> Iterator[pl.DataFrame]:
        """Canonical rows, as long as any may be accepted."""
        contract = self.job.contract
        extra = contract.policy.extra_columns is ExtraColumns.KEEP
        columns = canonical_columns(contract, self.job.task_id, extra=extra)
        # nothing here may hold on to a batch while the next one is read
        for frame in map(self._sift, self.table.batches()):
            if frame.height:
                yield frame.select(columns)
            del frame

    def _sift(self, batch: Batch) -> pl.DataFrame:
        """Judge a batch. Its typed rows that may still be accepted come back."""
        policy = self.job.contract.policy
        sifted = self.judging.take(batch, self.correction.check(batch) if self.correction else ())
        self.handback.add(sifted)
        if policy.mode is PolicyMode.ALL_OR_NOTHING and self.judging.findings.total:
            return sifted.typed.clear()
        rows = sifted.typed
        if policy.extra_columns is ExtraColumns.KEEP:
            rows = rows.hstack([extra_column(batch.extra, rows.height)])
        return rows if sifted.rejected is None else rows.filter(~sifted.rejected)

    def _settle(self) -> None:
        """Rules on the whole file: rows that break them are read again, for their values and for the rejects file.

        Raises FileRejected for a file without rows.
        """
        if self.judging.seen == 0:
            raise FileRejected("no-rows", "The file has a header and no rows.")
        found = self.judging.finish()
        if not found:
            return
        told = pl.concat([pl.DataFrame({"row": late.rows}).with_columns(text=pl.lit(late.text)) for late in found])
        texts = told.group_by("row").agg(pl.col("text").str.join("; ")).sort("row")
        late = texts.filter(~self.judging.rejected.has(texts["row"]))
        values = Values(found, self.judging.findings)
        for batch in self.table.again(texts["row"]):
            values.add(batch)
            self.handback.add_late(batch, late)
        values.report()
        for each in found:
            self.handback.mark(each.key.rule, each.rows)
        self.late.add(late["row"])

    @property
    def _rejected(self) -> int:
        return self.judging.rejected.count + self.late.count

    def _found(self) -> Found:
        findings = self.judging.findings
        return Found(
            rows=self.judging.seen,
            rejected=self._rejected,
            errors=findings.total,
            broken=findings.broken,
            breached=self.judging.breached,
            counts=findings.counts,
        )

    def _keep(self) -> TimeRange | None:
        """Parts with none but accepted rows; their time range."""
        late = self.late.rows()
        if len(late):
            before = self.judging.rejected.before(late)
            self.parts.drop(late.cast(pl.Int64) - 1 - before)
        self.parts.close()
        return time_range(*self.parts.time_range())

    def _counts(self, problem: Problem | None, *, complete: bool) -> RowCounts:
        source = self.judging.seen if complete else None
        if problem:
            self.parts.discard()
            return RowCounts(source=source, accepted=0, rejected=source)
        return RowCounts(source=source, accepted=self.judging.seen - self._rejected, rejected=self._rejected)

    def _write_open_rows(self, problem: Problem | None) -> Sequence[str]:
        """Rows of the first file that are still rejected, where others of it are accepted."""
        if problem or not (self.correction or self._rejected):
            return ()
        rejected = self.judging.rejected
        rejected.add(self.late.rows())
        rows = self.correction.still_open(rejected) if self.correction else rejected.rows()
        file = paths.open_rows(self.folder)
        rows.alias("row").to_frame().write_parquet(file)
        return (file.name,)

    def _report(self, problem: Problem | None, counts: RowCounts) -> Report:
        job, findings = self.job, self.judging.findings
        facts = (("File", job.filename), ("Rows", counts.source or 0), ("Rows rejected", counts.rejected or 0))
        files, notes = self.handback.close(paths.input_file(self.folder), facts, findings.rules())
        return Report(
            task_id=job.task_id,
            datasource=job.contract.datasource,
            filename=job.filename,
            format=job.format,
            contract=ContractRef(datasource=job.contract.datasource, version=job.contract.version),
            corrects=job.corrects,
            verdict="rejected" if problem else "accepted",
            problem=problem,
            rows=counts,
            errors_total=findings.total,
            rules=findings.rules(),
            causes=self.handback.causes.found(),
            errors=findings.errors(),
            notes=(*self.table.notes, *notes),
            files=files,
            quality=self.judging.tallies.quality(counts.source),
        )
