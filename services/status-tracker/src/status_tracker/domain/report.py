"""Which report may be shown for a task: its own, at the place where the ledger says, and nothing else."""

from uuid import UUID

from sluice.ledger import report_key
from status_tracker.domain.task import Task


def own_report_key(task: Task, bucket: str) -> str | None:
    """Key of the task's report in `bucket`; None if it has none, or if the URI it was told points elsewhere."""
    if task.report is None:
        return None
    run = task.report.split("/")[-2]
    try:
        key = report_key(task.datasource, task.task_id, UUID(run))
    except ValueError:
        return None
    return key if task.report == f"s3://{bucket}/{key}" else None
