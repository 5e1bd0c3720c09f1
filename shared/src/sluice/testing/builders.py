"""Events with everything filled in; a test names only what it is about."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sluice.events import (
    Accepted,
    ContractRef,
    Envelope,
    FileFormat,
    FileUploaded,
    FileValidated,
    ObjectRef,
    Problem,
    Rejected,
    TimeRange,
    Verdict,
    accepted,
    follow,
)

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
CONTRACT = ContractRef(datasource="sales", version="1.0.0")


def file_uploaded(task_id: UUID | None = None, **changes: Any) -> Envelope[FileUploaded]:
    """A CSV that the gateway accepted for `sales`."""
    fields = {
        "task_id": task_id or uuid4(),
        "datasource": "sales",
        "filename": "orders.csv",
        "accepted_at": NOW,
        "format": FileFormat.CSV,
        "object": ObjectRef(uri="s3://sluice/raw/sales/orders.csv"),
        "contract": CONTRACT,
    }
    return accepted(FileUploaded(**(fields | changes)))


def verdict_accepted(rows: int = 10, **changes: Any) -> Accepted:
    fields = {
        "source": rows,
        "accepted": rows,
        "rejected": 0,
        "contract": CONTRACT,
        "canonical": ("s3://sluice/canonical/sales/x/r/part-00000.parquet",),
        "time_range": TimeRange(first=NOW, last=NOW),
        "report": "s3://sluice/reports/sales/x/r/report.json",
    }
    return Accepted(**(fields | changes))


def verdict_rejected(rows: int = 10, errors: int = 3) -> Rejected:
    problem = Problem(code="contract-broken", message="3 cells break the contract; see the report.")
    return Rejected(source=rows, rejected=rows, errors=errors, problem=problem)


def file_validated(verdict: Verdict | None = None, task_id: UUID | None = None) -> Envelope[FileValidated]:
    """The verdict on such a file; accepted unless told otherwise."""
    cause = file_uploaded(task_id)
    fact = FileValidated(
        task_id=cause.data.task_id,
        datasource=cause.data.datasource,
        filename=cause.data.filename,
        accepted_at=cause.data.accepted_at,
        verdict=verdict or verdict_accepted(),
    )
    return follow(cause, fact, source="sluice/validator", time=NOW)
