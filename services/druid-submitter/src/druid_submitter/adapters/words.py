"""Find what Druid says of a failure in its reports and lists. Whatever cannot be read says nothing."""

import json
from typing import Any

LONGEST_WORDS, LONGEST_REPORT = 65_536, 4_194_304
"""Characters that are kept."""
NEIGHBOURS = 100
"""Tasks of the datasource that ended last, among which those are looked for that belong to ours."""
SUB_TASKS = 5


def error_in(report: str) -> str:
    """`errorMsg` of a task report, and what it says of rows that could not be read."""
    said = []
    for part in _parsed(report, dict).values():
        payload = part.get("payload") if isinstance(part, dict) else None
        if isinstance(payload, dict):
            said += [payload.get("errorMsg"), payload.get("unparseableEvents")]
    return "\n".join(each if isinstance(each, str) else json.dumps(each) for each in said if each)


def errors_of(listed: str, group: str) -> tuple[str, ...]:
    """`errorMsg` of the first failed tasks of a list that belong to the group, but for the one that gives it its name."""
    failed = (
        str(each["errorMsg"])
        for each in _parsed(listed, list)
        if isinstance(each, dict) and each.get("groupId") == group != each.get("id") and each.get("errorMsg")
    )
    return tuple(said for _, said in zip(range(SUB_TASKS), failed, strict=False))


def _parsed(text: str, kind: type[Any]) -> Any:
    try:
        found = json.loads(text)
    except ValueError:
        return kind()
    return found if isinstance(found, kind) else kind()
