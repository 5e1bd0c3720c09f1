"""The Druid task id of an ingestion. Derived, so that submitting twice is one task."""

from uuid import UUID


def druid_task_id(datasource: str, task_id: UUID, attempt: int) -> str:
    """`sluice_<datasource>_<task>_<attempt>`, at most 120 characters. A failed id is never free again: hence the attempt."""
    return f"sluice_{datasource}_{task_id}_{attempt}"


REMOVALS = 3


def removal_ids(ingestion_id: str) -> list[str]:
    """Of the Druid tasks that take out what an ingestion has left behind: each is for when the one before has failed."""
    return [f"{ingestion_id}_removal", *(f"{ingestion_id}_removal_{n}" for n in range(2, REMOVALS + 1))]
