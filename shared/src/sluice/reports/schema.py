"""The report as a JSON Schema: generated, committed, compared in tests."""

import json
from pathlib import Path
from typing import Any

from sluice.reports.model import Report

SCHEMA = Path(__file__).parent / "schemas" / "sluice.report.v2.json"


def report_schema() -> dict[str, Any]:
    """The schema of `report.json`, as a reader may rely on it."""
    schema = Report.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:sluice.report.v2", **schema}


def written(document: dict[str, Any]) -> str:
    """A document as it is committed."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def write_schema() -> None:
    SCHEMA.parent.mkdir(exist_ok=True)
    SCHEMA.write_text(written(report_schema()))
