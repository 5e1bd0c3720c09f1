"""Ingestions in Postgres, schema `submitter`. What is said of a task goes to the outbox in the same transaction."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import asyncpg
import structlog

from druid_submitter.domain.ingestion import Cause, Ingestion, Load, Phase, about, first_phase
from druid_submitter.domain.turn import Later, Now, Superseded, Turn, Wish, kind_of
from sluice import outbox
from sluice.events import (
    DruidSubmitted,
    Envelope,
    Event,
    Outcome,
    Problem,
    TaskCommand,
    TaskCompleted,
    WaitsFor,
)
from sluice.messaging import decode_structured, encode_structured
from sluice.postgres import transaction

log = structlog.get_logger()

SCHEMA = "submitter"

RECORD = """
INSERT INTO submitter.ingestions (task_id, cause, phase, datasource, accepted_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (task_id) DO NOTHING
"""

LASTS = "$1 * interval '1 second'"
LEASE = """
UPDATE submitter.ingestions
SET lease = lease + 1, leased_until = now() + $1 * interval '1 second', due_at = now() + $1 * interval '1 second'
WHERE task_id IN (
    SELECT task_id FROM submitter.ingestions
    WHERE phase = ANY($2) AND phase <> 'concluded' AND due_at <= now() AND leased_until <= now()
    ORDER BY slots = 0, due_at LIMIT $3 FOR UPDATE SKIP LOCKED
)
RETURNING cause, phase, attempt, polls, unknown_polls, problem_code, problem_message, lease, waits_for, deadline, admitted,
    coalesce(now() - missing_since, interval '0') AS missing_for,
    EXISTS (SELECT 1 FROM submitter.cancels WHERE cancels.task_id = ingestions.task_id) AS cancelled
"""
"""Whoever has a place in Druid comes first: no crowd that only waits is to keep slots idle."""
UNLESS_WOKEN = "due_at = CASE WHEN due_at < leased_until THEN due_at ELSE now() + {pause} END"
"""While it is held, it is due when the lease ends; due earlier, it was woken meanwhile."""
GIVE_BACK = f"leased_until = now(), {UNLESS_WOKEN}"
RENEW = f"""
UPDATE submitter.ingestions SET leased_until = now() + {LASTS}, {UNLESS_WOKEN.format(pause=LASTS)}
WHERE task_id IN (
    SELECT task_id FROM submitter.ingestions JOIN unnest($2::uuid[], $3::bigint[]) AS held (task_id, lease) USING (task_id, lease)
    WHERE phase <> 'concluded' AND leased_until > clock_timestamp() FOR UPDATE OF ingestions SKIP LOCKED
)
"""  # noqa: S608 - only texts of this file
"""What was given back since this transaction began is free as well, and `now()` is too early to tell. What is locked at this moment is
renewed the next time, if it is not free then."""
WAIT_ALL = f"""
UPDATE submitter.ingestions SET polls = polls + 1, {GIVE_BACK.format(pause="waiting.pause")}
FROM unnest($1::uuid[], $2::bigint[], $3::interval[]) AS waiting (task_id, lease, pause)
WHERE ingestions.task_id = waiting.task_id AND ingestions.lease = waiting.lease
"""  # noqa: S608 - only texts of this file

CANCEL = "INSERT INTO submitter.cancels (task_id, cause) VALUES ($1, $2) ON CONFLICT (task_id) DO NOTHING"
WAKE = "UPDATE submitter.ingestions SET due_at = now() WHERE task_id = $1 AND phase <> 'concluded'"

WISH = """
UPDATE submitter.ingestions SET alone = $3, replaces = $4, span = $5, wished = $6, needs = $7
WHERE task_id = $1 AND lease = $2
RETURNING admitted, slots, resume_at > now() AS locked
"""
IS_SUPERSEDED = """
EXISTS (
    SELECT 1 FROM submitter.ingestions AS later
    WHERE later.datasource = mine.datasource AND later.loaded AND later.span && mine.span
    AND (mine.replaces OR later.replaces AND NOT mine.alone)
    AND (later.accepted_at, later.task_id) > (mine.accepted_at, mine.task_id)
)
"""
"""Of a row `mine`: is a later file loaded already, and does one of the two replace the other's rows?"""
SUPERSEDED = f"SELECT {IS_SUPERSEDED} FROM submitter.ingestions AS mine WHERE mine.task_id = $1"  # noqa: S608 - only texts of this file
WOULD_BE_SUPERSEDED = f"""
SELECT {IS_SUPERSEDED} FROM (
    SELECT $1::text AS datasource, $2::tstzrange AS span, $3::boolean AS replaces, $4::boolean AS alone,
        $5::timestamptz AS accepted_at, $6::uuid AS task_id
) AS mine
"""  # noqa: S608 - the same
"""Of one that takes no part."""
TAKEN_OUT = "UPDATE submitter.ingestions SET loaded = false WHERE task_id = $1"
"""What is retracted stands in nobody's way."""
REPLACED = """
SELECT EXISTS (
    SELECT 1 FROM submitter.ingestions AS mine JOIN submitter.ingestions AS later USING (datasource)
    WHERE mine.task_id = $1 AND later.loaded AND later.replaces AND later.span && mine.span
    AND (later.accepted_at, later.task_id) > (mine.accepted_at, mine.task_id)
)
"""
BEFORE = """
SELECT other.alone, other.replaces FROM submitter.ingestions AS mine JOIN submitter.ingestions AS other USING (datasource)
WHERE mine.task_id = $1 AND other.task_id <> mine.task_id AND other.phase <> 'concluded'
AND (mine.alone OR other.alone IS NOT FALSE)
AND (other.admitted OR other.phase = 'submitting'
     AND (other.accepted_at, other.task_id) < (mine.accepted_at, mine.task_id))
ORDER BY other.alone DESC NULLS LAST, other.accepted_at LIMIT 1
"""
"""What must be concluded first. A task whose wish is not known yet may be one that runs alone."""
NO_WORKERS = "SELECT slots IS NOT NULL AND most = 0 FROM submitter.overlord"

FREE = "due_at = now(), leased_until = now()"
"""Due at once, for anybody."""
AFRESH = "polls = 0, unknown_polls = 0, missing_since = NULL"
"""Nobody has looked yet."""


@dataclass(frozen=True, slots=True)
class PostgresIngestions:
    """Each change names the lease it was made under; one that is not the newest any more changes nothing."""

    pool: asyncpg.Pool
    lease_seconds: float

    async def record(self, cause: Cause) -> bool:
        async with transaction(self.pool) as connection:
            told = about(cause)
            document, phase = encode_structured(cause), first_phase(cause)
            done = await connection.execute(RECORD, told.task_id, document, phase, told.datasource, told.accepted_at)
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

    async def lease(self, phases: Collection[Phase], limit: int) -> list[Ingestion]:
        async with transaction(self.pool) as connection:
            rows = await connection.fetch(LEASE, self.lease_seconds, list(phases), limit)
        return [_ingestion(row) for row in rows]

    async def renew(self, held: Collection[Ingestion]) -> None:
        async with transaction(self.pool) as connection:
            ids, leases = [each.task_id for each in held], [each.lease for each in held]
            await connection.execute(RENEW, self.lease_seconds, ids, leases)

    async def turn(self, ingestion: Ingestion, wish: Wish) -> Turn:
        task_id, span = ingestion.task_id, asyncpg.Range(wish.span.start, wish.span.end)
        async with transaction(self.pool) as connection:
            wished = (task_id, ingestion.lease, wish.alone, wish.replaces, span, wish.slots, wish.needs)
            known = await connection.fetchrow(WISH, *wished)
            if known is None:
                log.warning("lease lost: another replica has taken over", lease=ingestion.lease)
                return Later(WaitsFor.SLOT)
            if known["slots"]:
                return Now(known["slots"])
            if known["admitted"]:
                return Later(WaitsFor.LOCK if known["locked"] else WaitsFor.SLOT)
            if await connection.fetchval(SUPERSEDED, task_id):
                return Superseded()
            if before := await connection.fetchrow(BEFORE, task_id):
                return Later(kind_of(alone=before["alone"], replaces=before["replaces"]))
            return Later(WaitsFor.WORKERS if await connection.fetchval(NO_WORKERS) else WaitsFor.SLOT)

    async def step_back(self, ingestion: Ingestion, pause: timedelta, waits_for: WaitsFor) -> None:
        change = f"slots = 0, resume_at = now() + $3, waits_for = $4, polls = polls + 1, {GIVE_BACK.format(pause='$3')}"
        await self._change(ingestion, change, pause, waits_for)

    async def superseded(self, ingestion: Ingestion, wish: Wish) -> bool:
        told, span = ingestion.about, asyncpg.Range(wish.span.start, wish.span.end)
        asked = (told.datasource, span, wish.replaces, wish.alone, told.accepted_at, told.task_id)
        async with transaction(self.pool) as connection:
            return bool(await connection.fetchval(WOULD_BE_SUPERSEDED, *asked))

    async def replaced(self, ingestion: Ingestion) -> bool:
        async with transaction(self.pool) as connection:
            return bool(await connection.fetchval(REPLACED, ingestion.task_id))

    async def submitted(self, ingestion: Ingestion, fact: Envelope[DruidSubmitted], deadline: datetime) -> None:
        change = f"phase = 'submitted', {AFRESH}, waits_for = NULL, druid_task_id = $3, deadline = $4, {FREE}"
        await self._change(ingestion, change, fact.data.druid_task_id, deadline, said=fact)

    async def ingesting(self, ingestion: Ingestion) -> None:
        await self._change(ingestion, "phase = 'ingesting'")

    async def proving(self, ingestion: Ingestion) -> None:
        await self._change(ingestion, f"phase = 'proving', {AFRESH}, {FREE}")

    async def look_again(self, ingestion: Ingestion) -> None:
        await self._change(ingestion, f"phase = 'ingesting', {AFRESH}, {FREE}")

    async def resubmit(self, ingestion: Ingestion, attempt: int, problem: Problem | None) -> None:
        change = f"phase = 'submitting', attempt = $3, problem_code = $4, problem_message = $5, {AFRESH}, {FREE}"
        told = (problem.code, problem.message) if problem else (None, None)
        await self._change(ingestion, change, attempt, *told)

    async def try_again(self, ingestion: Ingestion, pause: timedelta) -> None:
        places = "slots = 0, resume_at = now() + $3, due_at = now() + $3, leased_until = now()"
        await self._change(ingestion, f"phase = 'submitting', attempt = attempt + 1, {AFRESH}, {places}", pause)

    async def clearing(self, ingestion: Ingestion, problem: Problem) -> None:
        change = f"phase = 'clearing', problem_code = $3, problem_message = $4, {AFRESH}, {FREE}"
        await self._change(ingestion, change, problem.code, problem.message)

    async def conclude(self, ingestion: Ingestion, fact: Envelope[TaskCompleted]) -> None:
        loaded = fact.data.outcome is Outcome.SUCCEEDED and isinstance(ingestion.work, Load)
        change = "phase = 'concluded', outcome = $3, concluded_at = $4, loaded = $5"
        values = (encode_structured(fact), fact.time, loaded)
        taken_out = fact.data.retracts if fact.data.outcome is Outcome.SUCCEEDED else None
        await self._change(ingestion, change, *values, said=fact, taken_out=taken_out)

    async def wait(
        self,
        ingestion: Ingestion,
        pause: timedelta,
        *,
        unknown: bool = False,
        missing: bool = False,
        waits_for: WaitsFor | None = None,
    ) -> None:
        unknown_polls = "unknown_polls + 1" if unknown else "0"
        missing_since = "coalesce(missing_since, now())" if missing else "NULL"
        looked = f"polls = polls + 1, unknown_polls = {unknown_polls}, missing_since = {missing_since}"
        change = f"{looked}, waits_for = $4, {GIVE_BACK.format(pause='$3')}"
        await self._change(ingestion, change, pause, waits_for)

    async def wait_all(self, held: Sequence[tuple[Ingestion, timedelta]]) -> None:
        async with transaction(self.pool) as connection:
            ids, leases = [each.task_id for each, _ in held], [each.lease for each, _ in held]
            await connection.execute(WAIT_ALL, ids, leases, [pause for _, pause in held])

    async def _change(
        self,
        ingestion: Ingestion,
        change: str,
        *values: Any,
        said: Envelope[Event] | None = None,
        taken_out: UUID | None = None,
    ) -> None:
        statement = f"UPDATE submitter.ingestions SET {change} WHERE task_id = $1 AND lease = $2"  # noqa: S608 - only texts of this file
        async with transaction(self.pool) as connection:
            done = await connection.execute(statement, ingestion.task_id, ingestion.lease, *values)
            if not done.endswith(" 1"):
                log.warning("lease lost: another replica has taken over", lease=ingestion.lease)
                return
            if said is not None:
                await outbox.add(connection, SCHEMA, said)
            if taken_out is not None:
                await connection.execute(TAKEN_OUT, taken_out)


def _ingestion(row: asyncpg.Record) -> Ingestion:
    code, message = row["problem_code"], row["problem_message"]
    return Ingestion(
        cause=cast("Cause", decode_structured(row["cause"])),  # written by `record` alone
        phase=Phase(row["phase"]),
        attempt=row["attempt"],
        polls=row["polls"],
        unknown_polls=row["unknown_polls"],
        problem=Problem(code=code, message=message) if code else None,
        lease=row["lease"],
        cancelled=row["cancelled"],
        waits_for=WaitsFor(row["waits_for"]) if row["waits_for"] else None,
        deadline=row["deadline"],
        missing_for=row["missing_for"],
        admitted=row["admitted"],
    )
