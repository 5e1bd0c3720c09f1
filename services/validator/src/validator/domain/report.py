"""`report.json`: what the sender reads. Version 1; a change that old readers cannot bear is a new `report_version`."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from sluice.events import ContractRef, FileFormat, Problem, TimeRange


class Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class RuleCount(Part):
    """How many cells (or rows, or columns) break one rule. Exact."""

    rule: str
    column: str | None
    count: int
    expected: str


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


class ColumnQuality(Part):
    """What a column holds. `min` and `max` are text; ••• where the contract classifies the column."""

    name: str
    type: str
    nulls: int
    min: str | None
    max: str | None


class Quality(Part):
    """Of the rows that were read; the whole file where `rows` is not null."""

    rows: int | None
    columns: tuple[ColumnQuality, ...]
    time_range: TimeRange | None


class Report(Part):
    """Everything that one run of the validator found."""

    report_version: Literal[1] = 1
    task_id: UUID
    datasource: str
    filename: str
    format: FileFormat
    contract: ContractRef
    verdict: Literal["accepted", "rejected"]
    problem: Problem | None
    errors_total: int = Field(description="exact")
    rules: tuple[RuleCount, ...]
    errors: tuple[ReportedError, ...] = Field(
        description="the first ones: at most 100 of a rule and column, 1000 together"
    )
    quality: Quality
