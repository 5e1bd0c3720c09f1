"""The report on a file: its model, its JSON Schema, and how it is shown to people."""

from sluice.reports.model import (
    MASK,
    Cause,
    ColumnQuality,
    DayCount,
    Distinct,
    Note,
    Quality,
    Report,
    ReportedError,
    ReportFile,
    RowCounts,
    RuleCount,
    TopValue,
)

__all__ = [
    "MASK",
    "Cause",
    "ColumnQuality",
    "DayCount",
    "Distinct",
    "Note",
    "Quality",
    "Report",
    "ReportFile",
    "ReportedError",
    "RowCounts",
    "RuleCount",
    "TopValue",
]
