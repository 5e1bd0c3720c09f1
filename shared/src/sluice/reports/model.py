"""`report.json`: what the sender reads. Version 2; a change that old readers cannot bear is a new `report_version`."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from sluice.events import ContractRef, FileFormat, Problem, TimeRange

MASK = "•••"
"""Stands for a value of a column that the contract classifies."""


class Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class RowCounts(Part):
    """source = accepted + rejected, where all are known."""

    source: int | None = Field(description="data rows of the file; null where they could not be counted")
    accepted: int
    rejected: int | None


class RuleCount(Part):
    """How many cells (or rows, or columns, or 1 for the file) break one rule. Exact."""

    rule: str
    column: str | None = Field(description="several columns of one rule are joined by ', '")
    count: int
    listed: int = Field(description="how many of them stand in `errors`")
    expected: str
    severity: Literal["error", "warning", "info"] = "error"


class ReportedError(Part):
    """One error and its place."""

    rule: str
    row: int | None = Field(description="1 is the first data row")
    line: int | None = Field(description="physical line of the file where the record begins; text formats only")
    cell: str | None = Field(description="such as Sales!F12; spreadsheets only")
    column: str | None
    value: str | None = Field(description="as it stood, at most 100 characters; ••• where the contract classifies it")
    expected: str
    hint: str
    severity: Literal["error", "warning", "info"] = "error"


class Cause(Part):
    """Many errors, one cause. `rows` of them are explained by it."""

    code: str = Field(description="stable, such as decimal-comma")
    column: str | None
    rows: int
    message: str = Field(description="a sentence: what is the matter, in how many rows, and what to do")
    dialect: dict[str, str] = Field(
        description="settings of the contract's dialect that mend it, such as {'decimal': ','}, or the `format` of a date column, "
        "as they are written in YAML; empty where the file must change"
    )
    verified: bool = Field(
        description="the remedy was tried on the failed cells, and `rows` counts those that it mends"
    )
    exact: bool = Field(
        default=True, description="false where there were too many cells to look at all: then `rows` are the least"
    )


class Note(Part):
    """Something that was found while reading, and that is no error: an encoding, a hidden sheet, columns left out."""

    code: str
    message: str


class Distinct(Part):
    """How many different values a column holds, empty cells not counted."""

    count: int
    exact: bool


class TopValue(Part):
    value: str
    count: int


class ColumnQuality(Part):
    """What a column holds. `min` and `max` are text; ••• where the contract classifies the column, and then `top` is empty."""

    name: str
    type: str
    nulls: int
    min: str | None
    max: str | None
    distinct: Distinct
    top: tuple[TopValue, ...] = Field(description="most frequent first, at most 10")
    top_of: int = Field(description="rows among which `top` was counted: all, or the sample that was looked at")


class DayCount(Part):
    day: date = Field(description="UTC")
    rows: int


class Quality(Part):
    """Of the rows that were read; the whole file where `rows` is not null."""

    rows: int | None
    columns: tuple[ColumnQuality, ...]
    time_range: TimeRange | None
    rows_per_day: tuple[DayCount, ...] = Field(description="at most 400 days, the first ones")
    days: int = Field(description="how many days there are in all")


class ReportFile(Part):
    """A file for the sender that stands beside the report. Names are our own, never the sender's."""

    kind: Literal["rejects", "workbook"]
    name: Literal["rejects.csv", "rejects.xlsx", "rejects.xls", "rejects.parquet", "workbook.xlsx"]
    rows: int = Field(description="rejected rows in it")


class Report(Part):
    """Everything that one run of the validator found."""

    report_version: Literal[2] = 2
    task_id: UUID
    datasource: str
    filename: str
    format: FileFormat
    contract: ContractRef
    corrects: UUID | None = Field(default=None, description="the task whose rejected rows this file brings back")
    verdict: Literal["accepted", "rejected"]
    problem: Problem | None
    rows: RowCounts
    errors_total: int = Field(description="exact; of severity error")
    rules: tuple[RuleCount, ...]
    causes: tuple[Cause, ...] = ()
    errors: tuple[ReportedError, ...] = Field(
        description="the first ones: at most 100 of a rule and column, 1000 together"
    )
    notes: tuple[Note, ...] = ()
    files: tuple[ReportFile, ...] = ()
    quality: Quality
