"""The outbox table of one schema. A row is an event as its structured CloudEvents document; it goes when it was delivered."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import structlog

from sluice.errors import Permanent, Transient
from sluice.events import Envelope, Event
from sluice.messaging.cloudevents import decode_structured, encode_structured
from sluice.postgres import transaction

log = structlog.get_logger()

Deliver = Callable[[Envelope[Any]], Awaitable[None]]

CREATE_TABLE = """
CREATE TABLE {schema}.outbox (
    position   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id   text NOT NULL UNIQUE,
    document   bytea NOT NULL
)
"""
"""For a migration; `{schema}`, here and below, is that of a service, and never from outside."""
ADD = "INSERT INTO {schema}.outbox (event_id, document) VALUES ($1, $2) ON CONFLICT (event_id) DO NOTHING"
NEXT = "SELECT position, event_id, document FROM {schema}.outbox ORDER BY position LIMIT $1 FOR UPDATE SKIP LOCKED"
FORGET = "DELETE FROM {schema}.outbox WHERE position = $1"
MOVE_BEHIND = "UPDATE {schema}.outbox SET position = DEFAULT WHERE position = $1"

BATCH = 100
SECONDS = 20.0
"""After which a batch ends; well below what Postgres is told a transaction may take."""


async def add(connection: asyncpg.Connection, schema: str, envelope: Envelope[Event]) -> None:
    """Keep the event for delivery. The same event added twice is one row."""
    await connection.execute(ADD.format(schema=schema), envelope.id, encode_structured(envelope))


async def relay(pool: asyncpg.Pool, schema: str, deliver: Deliver) -> int:
    """Deliver what is waiting, oldest first, and forget it. Returns how many; replicas share the work by skipping locked rows.

    A process that dies between delivery and commit delivers again. Raises what `deliver` raises; the rest stays. What can never
    be delivered is moved behind all others, so that it holds none of them up; Transient where nothing else was delivered.
    """
    delivered, deadline = 0, time.monotonic() + SECONDS
    stuck: list[str] = []
    async with transaction(pool) as connection:
        for row in await connection.fetch(NEXT.format(schema=schema), BATCH):
            try:
                await deliver(decode_structured(row["document"]))
            except Permanent as error:
                stuck.append(f"{row['event_id']}: {error}")
                done = MOVE_BEHIND
            else:
                delivered, done = delivered + 1, FORGET
            # one by one: Postgres undoes a transaction in which nothing is said for long
            await connection.execute(done.format(schema=schema), row["position"])
            if time.monotonic() >= deadline:
                break
    if stuck:
        said = f"events cannot be told: {'; '.join(stuck)}"
        if not delivered:
            raise Transient(said)
        log.error(said)
    return delivered
