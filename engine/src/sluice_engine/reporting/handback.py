"""What goes back to the sender beside the report, as the file is judged: rejected rows, causes, marks for a workbook."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from sluice.contracts import Contract
from sluice.events import FileFormat
from sluice.reports import Note, ReportFile, RuleCount
from sluice_engine import paths
from sluice_engine.judging.customs import Broken
from sluice_engine.judging.judge import Sifted
from sluice_engine.judging.rules import Rule
from sluice_engine.parsing.columns import as_text
from sluice_engine.reading.excel import ExcelTable
from sluice_engine.reading.header import ERRORS, ROW, is_ours
from sluice_engine.reading.table import Batch, Table
from sluice_engine.reporting.causes import MENDABLE, Causes
from sluice_engine.reporting.rejects import RejectsWriter, open_rejects
from sluice_engine.reporting.texts import ErrorTexts
from sluice_engine.reporting.workbook import MOST_MARKS, Mark, Summary, write_workbook

STEPS = (
    "Cells that break a rule are coloured; their comments say what is expected.",
    "Correct them, save the workbook, and upload it again as the task's page says.",
)
SHEETS = (FileFormat.XLSX, FileFormat.XLS)


@dataclass(slots=True)
class Handback:
    """Takes judged batches in their order."""

    run: Path
    format: FileFormat
    contract: Contract
    table: Table
    causes: Causes = field(init=False)
    marks: list[tuple[int, str | None, str]] = field(default_factory=list)
    """Row, column, what is wrong: of spreadsheets, MOST_MARKS and one, by which the workbook knows of more."""
    _texts: ErrorTexts = field(default_factory=ErrorTexts)
    _rejects: RejectsWriter | None = None

    def __post_init__(self) -> None:
        self.causes = Causes(self.contract)

    def add(self, sifted: Sifted) -> None:
        batch = sifted.batch
        self.causes.see(batch.cells)
        for each in sifted.broken:
            if each.rule.id in MENDABLE and each.rule.column in batch.cells.columns and each.where is not None:
                cells = batch.cells[each.rule.column].filter(each.where)
                self.causes.add(each.rule.column, each.rule.id, cells if cells.dtype == pl.String else as_text(cells))
        self._mark(sifted.broken, batch.rows)
        if sifted.rejected is not None or batch.faults.height:
            self._reject(sifted)

    def add_late(self, batch: Batch, texts: pl.DataFrame) -> None:
        """Rows (`row`, ascending, and `text`) of a batch that is read again, rejected only at the end of the file."""
        there = texts.filter(texts["row"].is_in(batch.rows.implode()))
        if there.height:
            where = batch.rows.is_in(there["row"].implode())
            self._writer().add(self._frame(batch, where, there["text"]))

    def mark(self, rule: Rule, rows: pl.Series) -> None:
        self._mark((Broken(rule, None),), rows)

    def close(
        self, source: Path, facts: Sequence[tuple[str, str | int]], rules: Sequence[RuleCount]
    ) -> tuple[tuple[ReportFile, ...], tuple[Note, ...]]:
        """The files that were written, none where no row was rejected; what is to be said of them."""
        files = [self._rejects.close()] if self._rejects else []
        notes: tuple[Note, ...] = ()
        if self.marks and isinstance(self.table, ExcelTable):
            summary = Summary("What Sluice found in this workbook", facts, rules, STEPS)
            target = paths.workbook_file(self.run)
            written = write_workbook(source, target, self.table.sheet, self._cells(), summary)
            notes = written.notes
            if written.made:
                files.append(ReportFile(kind="workbook", name="workbook.xlsx", rows=files[0].rows if files else 0))
        return tuple(files), notes

    def _cells(self) -> Iterator[Mark]:
        for row, column, text in sorted(self.marks, key=lambda mark: mark[0]):
            if column in self.contract.columns and (cell := self.table.place(row, column).cell):
                yield Mark(cell, text)

    def _mark(self, broken: Sequence[Broken], rows: pl.Series) -> None:
        if self.format not in SHEETS:
            return
        for each in broken:
            room = MOST_MARKS + 1 - len(self.marks)
            bad = rows if each.where is None else rows.filter(each.where)
            text = ". ".join(filter(None, (f"{each.rule.id}: expected {each.rule.expected}", each.rule.hint)))
            self.marks += [(row, each.rule.column, text) for row in bad.head(room)]

    def _reject(self, sifted: Sifted) -> None:
        batch = sifted.batch
        frames = list(self._faults(batch))
        if sifted.rejected is not None:
            texts = self._texts.of(sifted.broken, sifted.rejected)
            frames.append(self._frame(batch, sifted.rejected, texts))
        self._writer().add(pl.concat(frames).sort(ROW) if len(frames) > 1 else frames[0])

    def _writer(self) -> RejectsWriter:
        if self._rejects is None:
            self._rejects = open_rejects(self.run, self.format, self._names, self.contract.dialect)
        return self._rejects

    @property
    def _names(self) -> list[str]:
        return [each.name for each in self.table.columns if not is_ours(each.name)]

    def _frame(self, batch: Batch, where: pl.Series, texts: pl.Series) -> pl.DataFrame:
        """Rows as they came, by the names in the file; then their numbers, and what is wrong with them."""
        cells = [
            (batch.cells[each.field] if each.field else batch.extra[each.name]).filter(where).alias(each.name)
            for each in self.table.columns
            if not is_ours(each.name)
        ]
        return pl.DataFrame([*cells, batch.rows.filter(where).alias(ROW), texts.alias(ERRORS)])

    def _faults(self, batch: Batch) -> Iterator[pl.DataFrame]:
        """Rows that could not be split: as many cells as could be told apart."""
        if not batch.faults.height:
            return
        cells = pl.col("cells")
        places = [at for at, each in enumerate(self.table.columns) if not is_ours(each.name)]
        frame = batch.faults.select(
            *(cells.list.get(at, null_on_oob=True).alias(name) for at, name in zip(places, self._names, strict=True)),
            pl.col("row").alias(ROW),
            pl.col("rule").alias(ERRORS),
        )
        yield frame
