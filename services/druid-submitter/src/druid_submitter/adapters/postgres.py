"""Ingestions in Postgres, schema `submitter`. What is said of a task goes to the outbox in the same transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import asyncpg
import structlog

from druid_submitter.domain.ingestion import Cause, Ingestion, Phase, about, first_phase
from sluice import outbox
from sluice.events import DruidSubmitted, Envelope, Event, FileValidated, Problem, TaskCommand, TaskCompleted
from sluice.messaging import decode_as, decode_structured, encode_structured
from sluice.postgres import transaction

log = structlog.get_logger()

SCHEMA = "submitter"

RECORD = """
INSERT INTO submitter.ingestions (task_id, cause, phase) VALUES ($1, $2, $3) ON CONFLICT (task_id) DO NOTHING
"""

LEASE = """
UPDATE submitter.ingestions SET lease = lease + 1, leased_until = now() + $1 * interval '1 second'
WHERE task_id IN (
    SELECT task_id FROM submitter.ingestions
    WHERE phase <> 'concluded' AND due_at <= now() AND leased_until <= now()
    ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
RETURNING cause, phase, attempt, polls, unknown_polls, problem_code, problem_message, lease,
    EXISTS (SELECT 1 FROM submitter.cancels WHERE cancels.task_id = ingestions.task_id) AS cancelled
"""

CANCEL = "INSERT INTO submitter.cancels (task_id, cause) VALUES ($1, $2) ON CONFLICT (task_id) DO NOTHING"
WAKE = "UPDATE submitter.ingestions SET due_at = now() WHERE task_id = $1 AND phase <> 'concluded'"

FREE = "due_at = now(), leased_until = now()"
"""Due at once, for anybody."""


@dataclass(frozen=True, slots=True)
class PostgresIngestions:
    """Each change names the lease it was made under; one that is not the newest any more changes nothing."""

    pool: asyncpg.Pool
    lease_seconds: float
    batch_size: int

    async def record(self, cause: Cause) -> bool:
        async with transaction(self.pool) as connection:
            done = await connection.execute(RECORD, about(cause).task_id, encode_structured(cause), first_phase(cause))
        return cast("str", done).endswith(" 1")

    async def cancel(self, command: Envelope[TaskCommand]) -> None:
        async with transaction(self.pool) as connection:
            done = await connection.execute(CANCEL, command.data.task_id, encode_structured(command))
            if cast("str", done).endswith(" 1"):
                await connection.execute(WAKE, command.data.task_id)

    async def repeat_outcome(self, task_id: UUID) -> None:
        async with transaction(self.pool) as connection:
            document = await connection.fetchval(
                "SELECT outcome FROM submitter.ingestions WHERE task_id = $1 AND phase = 'concluded'", task_id
            )
            if document is not None:
                await outbox.add(connection, SCHEMA, decode_structured(document))

    async def lease(self) -> list[Ingestion]:
        async with transaction(self.pool) as connection:
            rows = await connection.fetch(LEASE, self.lease_seconds, self.batch_size)
        return [_ingestion(row) for row in rows]

    async def submitted(self, ingestion: Ingestion, fact: Envelope[DruidSubmitted]) -> None:
        change = f"phase = 'submitted', polls = 0, unknown_polls = 0, druid_task_id = $3, {FREE}"
        await self._change(ingestion, change, fact.data.druid_task_id, said=fact)

    async def ingesting(self, ingestion: Ingestion) -> None:
        await self._change(ingestion, "phase = 'ingesting'")

    async def resubmit(self, ingestion: Ingestion, attempt: int) -> None:
        change = f"phase = 'submitting', attempt = $3, polls = 0, unknown_polls = 0, {FREE}"
        await self._change(ingestion, change, attempt)

    async def clearing(self, ingestion: Ingestion, problem: Problem) -> None:
        change = f"phase = 'clearing', problem_code = $3, problem_message = $4, polls = 0, {FREE}"
        await self._change(ingestion, change, problem.code, problem.message)

    async def conclude(self, ingestion: Ingestion, fact: Envelope[TaskCompleted]) -> None:
        change = "phase = 'concluded', outcome = $3, concluded_at = $4"
        await self._change(ingestion, change, encode_structured(fact), fact.time, said=fact)

    async def wait(self, ingestion: Ingestion, until: datetime, *, unknown: bool = False) -> None:
        unknown_polls = "unknown_polls + 1" if unknown else "0"
        change = f"polls = polls + 1, unknown_polls = {unknown_polls}, due_at = $3, leased_until = now()"
        await self._change(ingestion, change, until)

    async def _change(
        self, ingestion: Ingestion, change: str, *values: Any, said: Envelope[Event] | None = None
    ) -> None:
        statement = f"UPDATE submitter.ingestions SET {change} WHERE task_id = $1 AND lease = $2"  # noqa: S608 - only texts of this file
        async with transaction(self.pool) as connection:
            done = await connection.execute(statement, ingestion.task_id, ingestion.lease, *values)
            if not done.endswith(" 1"):
                log.warning("lease lost: another replica has taken over", lease=ingestion.lease)
                return
            if said is not None:
                await outbox.add(connection, SCHEMA, said)


def _ingestion(row: asyncpg.Record) -> Ingestion:
    code, message = row["problem_code"], row["problem_message"]
    return Ingestion(
        cause=_cause(row["cause"]),
        phase=Phase(row["phase"]),
        attempt=row["attempt"],
        polls=row["polls"],
        unknown_polls=row["unknown_polls"],
        problem=Problem(code=code, message=message) if code else None,
        lease=row["lease"],
        cancelled=row["cancelled"],
    )


def _cause(document: bytes) -> Cause:
    envelope = decode_structured(document)
    if isinstance(envelope.data, TaskCommand):
        return cast("Envelope[TaskCommand]", envelope)
    return decode_as(FileValidated, document)
