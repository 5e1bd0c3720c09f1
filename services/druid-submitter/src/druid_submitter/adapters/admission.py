"""Who goes to Druid next: one decision at a time of all replicas, made in Postgres."""

from dataclasses import dataclass

import asyncpg
import structlog

from druid_submitter.adapters.postgres import IS_SUPERSEDED
from druid_submitter.domain.admission import Capacity, Room, Wanted, grant
from druid_submitter.ports import Paused
from sluice.postgres import transaction

log = structlog.get_logger()

CAPACITY_IS_DUE = """
UPDATE submitter.overlord SET capacity_due = now() + interval '5 seconds'
WHERE capacity_due <= now()
AND EXISTS (SELECT 1 FROM submitter.ingestions WHERE phase = 'submitting' AND slots = 0)
RETURNING one
"""
TAKEN = """
SELECT coalesce(sum(slots), 0) FROM submitter.ingestions
WHERE slots > 0 AND phase IN ('submitting', 'submitted', 'ingesting')
"""
KEEP = f"""
UPDATE submitter.overlord SET slots = $1, most = $2, others = greatest($3 - ({TAKEN}), 0)
"""  # noqa: S608 - only texts of this file
"""What is used beyond what was given to ours is others'."""

WAITING = "SELECT EXISTS (SELECT 1 FROM submitter.ingestions WHERE phase = 'submitting' AND slots = 0)"
ROOM = f"SELECT slots, most, others, ({TAKEN}) AS taken FROM submitter.overlord"  # noqa: S608 - the same
ONE_AT_A_TIME = """
SELECT set_config('idle_in_transaction_session_timeout', $1, true),
    pg_advisory_xact_lock(hashtextextended('submitter.admission', 0))
"""
VANISHED = "5s"
"""A replica that says nothing for so long while it decides is gone, and others may."""

NEXT = f"""
WITH open AS (
    SELECT task_id, datasource, accepted_at, phase, alone, replaces, span, wished, needs, admitted, slots, resume_at
    FROM submitter.ingestions WHERE phase <> 'concluded'
), busy AS (
    SELECT datasource, bool_or(admitted) AS some, bool_or(admitted AND alone IS NOT FALSE) AS alone,
        count(*) FILTER (WHERE slots > 0 AND phase IN ('submitting', 'submitted', 'ingesting')) AS placed
    FROM open GROUP BY datasource
), waiting AS (
    SELECT task_id, datasource, alone, row_number() OVER (PARTITION BY datasource ORDER BY accepted_at, task_id) AS number
    FROM open WHERE phase = 'submitting' AND NOT admitted
), first_alone AS (
    SELECT datasource, min(number) AS number FROM waiting WHERE alone IS NOT FALSE GROUP BY datasource
), turns AS (
    SELECT waiting.task_id FROM waiting JOIN busy USING (datasource) LEFT JOIN first_alone USING (datasource)
    WHERE waiting.datasource <> ALL($2) AND CASE WHEN waiting.alone THEN waiting.number = 1 AND NOT busy.some
               ELSE waiting.alone IS FALSE AND NOT busy.alone
                    AND (first_alone.number IS NULL OR waiting.number < first_alone.number) END
    UNION ALL
    SELECT task_id FROM open
    WHERE datasource <> ALL($2) AND phase = 'submitting' AND admitted AND slots = 0 AND (resume_at IS NULL OR resume_at <= now())
), fair AS (
    SELECT open.*, busy.placed + row_number() OVER (PARTITION BY datasource ORDER BY accepted_at, task_id) AS number
    FROM turns JOIN open USING (task_id) JOIN busy USING (datasource)
    WHERE needs <= $3
    ORDER BY number, accepted_at, task_id LIMIT $1
)
SELECT task_id, wished, needs, NOT admitted AND {IS_SUPERSEDED} AS superseded
FROM fair AS mine ORDER BY number, accepted_at, task_id
"""  # noqa: S608 - only texts of ours
"""Those whose turn it is, in the order in which they get a place. One that runs alone has its turn when all that was accepted
before it is concluded; others, when nothing that runs alone is at work or was accepted before. A task whose wish is not known
yet may be one that runs alone. One that stepped back has its turn already. Who needs more slots than Druid has is passed by."""

ADMIT = """
UPDATE submitter.ingestions SET admitted = true, slots = given.slots, due_at = now()
FROM unnest($1::uuid[], $2::integer[]) AS given (task_id, slots)
WHERE ingestions.task_id = given.task_id AND phase = 'submitting' AND ingestions.slots = 0
"""
WAKE = "UPDATE submitter.ingestions SET due_at = now() WHERE task_id = ANY($1)"


@dataclass(frozen=True, slots=True)
class PostgresAdmission:
    """`tasks_per_slot`, `unknown_slots`: see the settings."""

    pool: asyncpg.Pool
    tasks_per_slot: float
    unknown_slots: int
    paused: Paused

    async def capacity_is_due(self) -> bool:
        async with transaction(self.pool) as connection:
            return await connection.fetchval(CAPACITY_IS_DUE) is not None

    async def keep(self, capacity: Capacity | None) -> None:
        told = (capacity.slots, capacity.most, capacity.used) if capacity else (None, 0, 0)
        async with transaction(self.pool) as connection:
            await connection.execute(KEEP, *told)

    async def admit(self) -> None:
        paused = list(await self.paused())
        async with transaction(self.pool) as connection:
            if not await connection.fetchval(WAITING) or self._places(await _room(connection)) <= 0:
                return
            await connection.execute(ONE_AT_A_TIME, VANISHED)
            room = await _room(connection)
            turns = await connection.fetch(NEXT, max(self._places(room), 0), paused, room.reach(self.unknown_slots))
            in_order = [row for row in turns if not row["superseded"]]
            wanted = [Wanted(row["wished"], row["needs"]) for row in in_order]
            slots = grant(wanted, room, self.tasks_per_slot, self.unknown_slots)
            admitted = [row["task_id"] for row in in_order[: len(slots)]]
            await connection.execute(ADMIT, admitted, slots)
            # they will find out
            await connection.execute(WAKE, [row["task_id"] for row in turns if row["superseded"]])
        if admitted:
            log.debug("admitted", tasks=len(admitted), slots=sum(slots), taken=room.taken)

    def _places(self, room: Room) -> int:
        return room.places(self.tasks_per_slot, self.unknown_slots)


async def _room(connection: asyncpg.Connection) -> Room:
    row = await connection.fetchrow(ROOM)
    return Room(row["slots"], row["most"], row["others"], row["taken"])
