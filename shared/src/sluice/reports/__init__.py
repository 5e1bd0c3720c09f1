"""The report on a file: its model and its JSON Schema. `sluice.reports.html` shows it to people; readers of files need not load that."""

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
