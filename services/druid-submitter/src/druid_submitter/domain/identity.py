"""The Druid task id of an ingestion. Derived, so that submitting twice is one task."""

from uuid import UUID


def druid_task_id(datasource: str, task_id: UUID, attempt: int) -> str:
    """`sluice_<datasource>_<task>_<attempt>`, at most 120 characters. A failed id is never free again: hence the attempt."""
    return f"sluice_{datasource}_{task_id}_{attempt}"


def removal_id(ingestion_id: str) -> str:
    """Of the Druid task that takes out what an ingestion has left behind."""
    return f"{ingestion_id}_removal"
