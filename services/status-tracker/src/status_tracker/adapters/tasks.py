"""Questions about tasks, answered from Postgres."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from sluice.events import Envelope, Event
from sluice.postgres import transaction
from status_tracker.adapters.files import event_of
from status_tracker.domain.page import Cursor, Page, Selection
from status_tracker.domain.task import Task

FIND = "SELECT task FROM tracker.tasks WHERE task_id = $1"

EVENTS = "SELECT event FROM tracker.events WHERE task_id = $1 ORDER BY time, position"

CORRECTIONS = """
SELECT corrects, task_id FROM (
    SELECT corrects, task_id, accepted_at, row_number() OVER (PARTITION BY corrects ORDER BY accepted_at, task_id) AS place
    FROM tracker.tasks WHERE corrects = ANY($1::uuid[])
) AS corrections WHERE place <= 20 ORDER BY accepted_at, task_id
"""


@dataclass(frozen=True, slots=True)
class PostgresTasks:
    pool: asyncpg.Pool

    async def find(self, task_id: UUID) -> Task | None:
        async with transaction(self.pool) as connection:
            document = await connection.fetchval(FIND, task_id)
        return Task.model_validate_json(document) if document is not None else None

    async def events(self, task_id: UUID) -> tuple[Envelope[Event], ...]:
        async with transaction(self.pool) as connection:
            return tuple(event_of(row) for row in await connection.fetch(EVENTS, task_id))

    async def corrections(self, task_ids: Sequence[UUID]) -> Mapping[UUID, tuple[UUID, ...]]:
        found: dict[UUID, tuple[UUID, ...]] = {}
        async with transaction(self.pool) as connection:
            for row in await connection.fetch(CORRECTIONS, task_ids):
                found[row["corrects"]] = (*found.get(row["corrects"], ()), row["task_id"])
        return found

    async def list(self, selection: Selection) -> Page:
        query, arguments = _listing(selection)
        async with transaction(self.pool) as connection:
            rows = await connection.fetch(query, *arguments)
        tasks = tuple(Task.model_validate_json(row["task"]) for row in rows[: selection.limit])
        more = len(rows) > selection.limit
        return Page(tasks, Cursor(tasks[-1].accepted_at, tasks[-1].task_id) if more else None)


def _listing(selection: Selection) -> tuple[str, list[object]]:
    """Only the conditions that are asked for, so that each kind of list has its index. One row more says if there is more."""
    conditions, arguments = ["true"], list[object]()

    def also(condition: str, *values: object) -> None:
        numbers = range(len(arguments) + 1, len(arguments) + len(values) + 1)
        conditions.append(condition.format(*(f"${number}" for number in numbers)))
        arguments.extend(values)

    match sorted(selection.datasources) if selection.datasources is not None else None:
        case None:
            pass
        case [one]:  # the index of a datasource is in the order of the list
            also("datasource = {}", one)
        case several:
            also("datasource = ANY({})", several)
    if selection.state is not None:
        also("state = {}", selection.state)
    if selection.after is not None:
        also("(accepted_at, task_id) < ({}, {})", selection.after.accepted_at, selection.after.task_id)
    arguments.append(selection.limit + 1)
    where = " AND ".join(conditions)
    order = f"ORDER BY accepted_at DESC, task_id DESC LIMIT ${len(arguments)}"
    return f"SELECT task FROM tracker.tasks WHERE {where} {order}", arguments  # noqa: S608 - literals of this module alone
