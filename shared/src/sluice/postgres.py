"""Postgres: a pool, translated errors, and migrations that only one process runs at a time."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import stamina
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from sluice.errors import Permanent, Transient

ENVIRONMENT = Path(__file__).parent / "migrations"
PASSING = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.QueryCanceledError,
    asyncpg.IdleInTransactionSessionTimeoutError,  # this process was stopped for a while
    asyncpg.TransactionTimeoutError,  # the same, between two halves of a statement
    asyncpg.InsufficientResourcesError,  # a full disk among them
    asyncpg.ReadOnlySQLTransactionError,  # a failover
    asyncpg.UndefinedTableError,  # started before its migration
)


@contextmanager
def translate_postgres_errors() -> Iterator[None]:
    """What an operator or time mends is Transient; a value that Postgres cannot hold, or a wrong query, is Permanent."""
    try:
        yield
    except asyncpg.exceptions._base.DataError as error:  # noqa: SLF001 - an InterfaceError, hidden by its public namesake
        raise Permanent("Postgres cannot hold a value") from error
    except PASSING as error:
        raise Transient(f"Postgres does not answer: {error!r}") from error
    except asyncpg.PostgresError as error:
        raise Permanent(f"Postgres refuses: {type(error).__name__}") from error


CONNECTIONS = 8
SILENCE, LONGEST = "30s", "60s"
"""Above what one delivery of the outbox takes; above what any transaction of ours takes."""
TRANSACTION_TIMEOUT = "transaction_timeout"
"""Of Postgres 17 and newer."""


async def _connect(*where: Any, server_settings: dict[str, str], **more: Any) -> asyncpg.Connection:
    """Without the limit where Postgres has none."""
    try:
        return await asyncpg.connect(*where, server_settings=server_settings, **more)
    except asyncpg.UndefinedObjectError:
        known = {name: value for name, value in server_settings.items() if name != TRANSACTION_TIMEOUT}
        return await asyncpg.connect(*where, server_settings=known, **more)


@asynccontextmanager
async def open_pool(dsn: str, *, silence: str = SILENCE, longest: str = LONGEST) -> AsyncIterator[asyncpg.Pool]:
    """A pool that connects on first use, so that a service starts before its database does.

    `silence`, `longest`: a process that says nothing for so long in the midst of a transaction, or does not end it for so
    long, is stopped or out of reach; the transaction is undone, and others may have the rows and locks that it held. Only
    the second sees one that stops between the preparation of a statement and its execution.
    """
    pool = asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=CONNECTIONS,
        command_timeout=30,
        timeout=5,
        server_settings={"idle_in_transaction_session_timeout": silence, TRANSACTION_TIMEOUT: longest},
        connect=_connect,
    )
    await pool
    try:
        yield pool
    finally:
        try:
            await asyncio.wait_for(pool.close(), 10)
        except TimeoutError:
            pool.terminate()


@asynccontextmanager
async def transaction(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """One connection, one transaction, translated errors."""
    with translate_postgres_errors():
        async with pool.acquire(timeout=10) as connection, connection.transaction():
            yield connection


async def answers(pool: asyncpg.Pool) -> bool:
    try:
        async with asyncio.timeout(2), pool.acquire() as connection:
            await connection.execute("SELECT 1")
    except (*PASSING, asyncpg.PostgresError):
        return False
    return True


@stamina.retry(on=(OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError), attempts=30, timeout=60)
async def migrate(dsn: str, schema: str, versions: Path) -> None:
    """Bring `schema` to the newest of the migrations in `versions`. Safe to run from many processes at once."""

    async def connect() -> Any:
        return await asyncpg.connect(dsn)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect)
    try:
        async with engine.begin() as connection:
            await connection.execute(
                text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"sluice.{schema}"}
            )
            await connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
            await connection.run_sync(_upgrade, schema, versions)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, schema: str, versions: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(ENVIRONMENT))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(versions))
    config.attributes.update(connection=connection, schema=schema)
    command.upgrade(config, "heads")
