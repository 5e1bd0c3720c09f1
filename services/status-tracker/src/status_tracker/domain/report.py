"""Which files may be handed out for a task: those of its own run, at the place where the ledger says; and how they are called."""

import re
from urllib.parse import quote
from uuid import UUID

from pydantic import ValidationError

from sluice.events import display_name, safe_key_name
from sluice.ledger import report_key, run_file_key
from sluice.reports import Report
from status_tracker.domain.task import Task

REPORT = "report.json"
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xls": "application/vnd.ms-excel",
    "parquet": "application/vnd.apache.parquet",
}
"""By the extension of a file that a report names."""


def own_file_key(task: Task, bucket: str, name: str) -> str | None:
    """Key of a file beside the task's report in `bucket`; None if it has no report, or if the URI it was told points elsewhere."""
    if task.report is None:
        return None
    try:
        run = UUID(task.report.split("/")[-2])
    except ValueError:
        return None
    key = report_key(task.datasource, task.task_id, run)
    return run_file_key(task.datasource, task.task_id, run, name) if task.report == f"s3://{bucket}/{key}" else None


def parse_report(content: bytes) -> Report | None:
    """The report; None where it is of another version."""
    try:
        return Report.model_validate_json(content)
    except ValidationError:
        return None


def content_disposition(filename: str, kind: str, name: str) -> str:
    """`attachment`, called after the sender's file: `orders-rejects.csv`, in ASCII for all and in full for those who can."""
    stem = re.sub(r"(\.csv)?\.[A-Za-z0-9]{1,10}$", "", display_name(filename), flags=re.IGNORECASE).strip() or "file"
    called = f"{stem[:150]}-{kind}.{name.rpartition('.')[2]}"
    return f"attachment; filename=\"{safe_key_name(called)}\"; filename*=UTF-8''{quote(called, safe='')}"
