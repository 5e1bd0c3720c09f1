"""One task, as the API's description shows it: a mended workbook. FastAPI drops every null from an example, so there is none."""

from pydantic import JsonValue

TASK_ID = "0197f3c2-7d51-7c3e-9a54-2f1f2c1b7a10"
FIRST = "0197f3a0-1111-7c3e-9a54-2f1f2c1b7a10"
HERE = f"/v1/tasks/{TASK_ID}"
CURSOR = "MjAyNi0wMy0wNFQwNTowNjowNyswMDowMCAwMTk3ZjNjMi03ZDUxLTdjM2UtOWE1NC0yZjFmMmMxYjdhMTA"
ETAG = '"5d41402abc4b2a76b9719d911017c592"'

TASK: dict[str, JsonValue] = {
    "task_id": TASK_ID,
    "datasource": "orders",
    "filename": "orders.xlsx",
    "format": "xlsx",
    "size": 4096,
    "state": "succeeded",
    "rows": {"source": 100, "accepted": 98, "rejected": 2, "ingested": 98, "queryable": 98},
    "errors": 2,
    "contract": {"datasource": "orders", "version": "1.0.0"},
    "corrects": FIRST,
    "retries": None,
    "retracts": None,
    "corrected_by": [],
    "druid_task_id": f"sluice_{TASK_ID}_1",
    "report": f"s3://sluice/reports/orders/{TASK_ID}/0197f3c2-8a00-7000-8000-000000000000/report.json",
    "accepted_at": "2026-03-04T05:06:07Z",
    "updated_at": "2026-03-04T05:06:31Z",
    "completed_at": "2026-03-04T05:06:31Z",
    "stages": {
        "pending": "2026-03-04T05:06:07Z",
        "validating": "2026-03-04T05:06:08Z",
        "validated": "2026-03-04T05:06:09Z",
        "submitted": "2026-03-04T05:06:10Z",
        "ingesting": "2026-03-04T05:06:12Z",
        "completed": "2026-03-04T05:06:31Z",
    },
    "links": {
        "events": f"{HERE}/events",
        "report": f"{HERE}/report",
        "rejects": f"{HERE}/rejects",
        "workbook": f"{HERE}/workbook",
        "corrects": f"/v1/tasks/{FIRST}",
        "corrected_by": [],
    },
}
EVENT: JsonValue = {
    "id": "b0f5a3a2-6a1f-5f0e-9d5e-0d3f0c1b2a39",
    "type": "sluice.task.progress.v1",
    "source": "sluice/validator",
    "time": "2026-03-04T05:06:08Z",
    "data": {"task_id": TASK_ID, "stage": "validating", "at": "2026-03-04T05:06:08Z"},
}
REPORT_DOCUMENT: JsonValue = {"report_version": 2, "task_id": TASK_ID, "verdict": "accepted", "errors_total": 2}
REPORT_PAGE = '<!doctype html><html lang="en"><title>orders.xlsx · validation report</title>…</html>'
REJECTS = "__row,sold_at,amount,__errors\n17,2026-03-04T05:06:07Z,twelve,amount: is no number\n"
