"""How often Druid is asked for states, kept in Postgres: all replicas together are one asker."""

import random
from dataclasses import dataclass

import asyncpg

from druid_submitter.domain.pace import back_off
from sluice.postgres import transaction

MAY_ASK = """
UPDATE submitter.overlord
SET status_due = now() + least(greatest(watched.number * interval '1 millisecond', interval '0.2 s'), interval '1 s')
FROM (SELECT count(*) AS number FROM submitter.ingestions WHERE phase IN ('submitted', 'ingesting')) AS watched
WHERE status_due <= now() AND EXISTS (
    SELECT 1 FROM submitter.ingestions
    WHERE phase IN ('submitted', 'ingesting') AND due_at <= now() AND leased_until <= now()
)
RETURNING one
"""
"""Five times a second while there are few, once where there are many."""
HEARD = "UPDATE submitter.overlord SET silences = 0 WHERE silences > 0"
SILENT = "UPDATE submitter.overlord SET silences = silences + 1 RETURNING silences"
LATER = "UPDATE submitter.overlord SET status_due = now() + $1"


@dataclass(frozen=True, slots=True)
class PostgresPace:
    pool: asyncpg.Pool

    async def may_ask(self) -> bool:
        async with transaction(self.pool) as connection:
            return await connection.fetchval(MAY_ASK) is not None

    async def heard(self) -> None:
        async with transaction(self.pool) as connection:
            await connection.execute(HEARD)

    async def silent(self) -> None:
        async with transaction(self.pool) as connection:
            silences = await connection.fetchval(SILENT)
            await connection.execute(LATER, back_off(silences, random.random()))  # noqa: S311 - spreads, hides nothing
