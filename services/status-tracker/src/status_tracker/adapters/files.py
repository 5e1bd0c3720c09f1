"""Journals and projection in Postgres."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from sluice.events import Envelope, Event
from sluice.messaging import decode_structured, encode_structured
from sluice.postgres import transaction
from status_tracker.domain.journal import Journal
from status_tracker.domain.task import Task

SCHEMA = "tracker"

LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('sluice.tracker ' || $1::text, 0))"

JOURNAL = "SELECT identity, event FROM tracker.events WHERE task_id = $1"

KEEP = """
INSERT INTO tracker.events (identity, task_id, type, time, event) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (task_id, identity) DO UPDATE SET time = excluded.time, event = excluded.event
"""

PROJECT = """
INSERT INTO tracker.tasks (task_id, datasource, state, accepted_at, updated_at, corrects, task)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (task_id) DO UPDATE SET datasource = excluded.datasource, state = excluded.state,
    accepted_at = excluded.accepted_at, updated_at = excluded.updated_at, corrects = excluded.corrects, task = excluded.task
"""

BATCH = "SELECT DISTINCT task_id FROM tracker.events WHERE $1::uuid IS NULL OR task_id > $1 ORDER BY task_id LIMIT 1000"


@dataclass(frozen=True, slots=True)
class PostgresTaskFile:
    """One task inside a transaction that holds its lock."""

    connection: asyncpg.Connection
    task_id: UUID

    async def journal(self) -> Journal:
        rows = await self.connection.fetch(JOURNAL, self.task_id)
        return {row["identity"]: event_of(row) for row in rows}

    async def keep(self, identity: UUID, fact: Envelope[Event]) -> None:
        document = encode_structured(fact).decode()
        await self.connection.execute(KEEP, identity, self.task_id, fact.data.TYPE, fact.time, document)

    async def project(self, task: Task) -> None:
        document = task.model_dump_json()
        columns = (task.datasource, task.state, task.accepted_at, task.updated_at, task.corrects, document)
        await self.connection.execute(PROJECT, self.task_id, *columns)


@dataclass(frozen=True, slots=True)
class PostgresTaskFiles:
    pool: asyncpg.Pool

    @asynccontextmanager
    async def open(self, task_id: UUID) -> AsyncIterator[PostgresTaskFile]:
        async with transaction(self.pool) as connection:
            await connection.execute(LOCK, str(task_id))
            yield PostgresTaskFile(connection, task_id)

    async def task_ids(self) -> AsyncIterator[UUID]:
        last = None
        while True:
            async with transaction(self.pool) as connection:
                batch = [row["task_id"] for row in await connection.fetch(BATCH, last)]
            for last in batch:
                yield last
            if not batch:
                return


def event_of(row: Any) -> Envelope[Event]:
    """The event as it was kept."""
    return decode_structured(row["event"].encode())
