"""The submitter with its real adapters, in process, on a Druid: the simulator or a real one. What others do to it, tests say."""

import asyncio
import io
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import polars as pl
from submitter_fakes import CONTRACT, KnownVerdicts

from druid_submitter.adapters.admission import PostgresAdmission
from druid_submitter.adapters.druid import HttpDruidTasks
from druid_submitter.adapters.evidence import S3Evidence
from druid_submitter.adapters.pace import PostgresPace
from druid_submitter.adapters.paused import PausedOnS3
from druid_submitter.adapters.postgres import SCHEMA, PostgresIngestions
from druid_submitter.domain.failure import Attempts
from druid_submitter.domain.identity import druid_task_id
from druid_submitter.domain.ingestion import Ingestion, Phase
from druid_submitter.settings import SubmitterSettings
from druid_submitter.usecases import AdvanceIngestions, Limits, RecordCommand, RecordVerdict, World, advance_ingestions
from sluice import outbox, postgres
from sluice.clock import utc_now
from sluice.contracts import DruidMode
from sluice.druid import open_druid
from sluice.events import (
    ContractRef,
    Envelope,
    FileValidated,
    Outcome,
    TaskCommand,
    TaskCompleted,
    TimeRange,
    WaitsFor,
)
from sluice.objectstore import ObjectStore, open_objectstore
from sluice.pauses import Pauses
from sluice.testing import NOW, RecordingPublisher, file_validated, verdict_accepted

SECONDS = 60.0
VERSIONS = {DruidMode.APPEND: "1.0.0", DruidMode.REPLACE: "2.0.0", DruidMode.REPLACE_ALL: "3.0.0"}
"""Of the contract, each with a mode of its own."""
ROWS_A_DAY = 2
FAST, AT_ONCE = 100, timedelta(0)
LEASE = timedelta(seconds=30)


class ContractOfEachMode:
    async def get(self, reference: ContractRef):
        (mode,) = [mode for mode, version in VERSIONS.items() if version == reference.version]
        return replace(CONTRACT, datasource=reference.datasource, druid=replace(CONTRACT.druid, mode=mode))


class ImpatientIngestions(PostgresIngestions):
    """Every pause is over as soon as it begins, and whatever takes its time takes a hundredth."""

    async def lease(self, phases: Collection[Phase], limit: int) -> list[Ingestion]:
        return [replace(each, missing_for=FAST * each.missing_for) for each in await super().lease(phases, limit)]

    async def step_back(self, ingestion: Ingestion, _pause: timedelta, waits_for: WaitsFor) -> None:
        await super().step_back(ingestion, AT_ONCE, waits_for)

    async def try_again(self, ingestion: Ingestion, _pause: timedelta) -> None:
        await super().try_again(ingestion, AT_ONCE)

    async def wait(self, ingestion: Ingestion, _pause: timedelta, **told: Any) -> None:
        await super().wait(ingestion, AT_ONCE, **told)

    async def wait_all(self, held: Sequence[tuple[Ingestion, timedelta]]) -> None:
        await super().wait_all([(ingestion, AT_ONCE) for ingestion, _ in held])


@dataclass(frozen=True)
class Replica:
    pool: asyncpg.Pool
    advance: AdvanceIngestions

    async def step(self) -> None:
        """All of its loops, once, however soon after the last time."""
        await self.pool.execute("UPDATE submitter.overlord SET capacity_due = '-infinity', status_due = '-infinity'")
        for loop in (self.advance.submit, self.advance.watch, self.advance.conclude):
            await loop()


@dataclass(frozen=True)
class File:
    """An accepted file with some rows on each of its days. Days are numbers."""

    verdict: Envelope[FileValidated]
    days: tuple[int, ...]

    @property
    def task_id(self) -> UUID:
        return self.verdict.data.task_id

    @property
    def rows(self) -> int:
        return ROWS_A_DAY * len(self.days)

    def druid_id(self, attempt: int = 1) -> str:
        return druid_task_id(self.verdict.data.datasource, self.task_id, attempt)


@dataclass(frozen=True)
class Outcomes:
    """That have been told."""

    bench: "SubmitterBench"

    async def outcome(self, _accepted_at: datetime, task_id: UUID) -> TaskCompleted | None:
        return (await self.bench.told()).get(task_id)


@dataclass
class SubmitterBench:
    """`accepted` counts what has been accepted: later is later in the order of acceptance."""

    pool: asyncpg.Pool
    store: ObjectStore
    http: httpx.AsyncClient
    druid: HttpDruidTasks
    overlord: str
    broker: str
    datasource: str = field(default_factory=lambda: f"s{uuid4().hex[:12]}")
    accepted: int = 0
    verdicts: KnownVerdicts = field(default_factory=KnownVerdicts)
    published: RecordingPublisher = field(default_factory=RecordingPublisher)

    def replica(self) -> Replica:
        paused, pace = PausedOnS3(Pauses(self.store)), PostgresPace(self.pool)
        admission = PostgresAdmission(self.pool, tasks_per_slot=3.0, unknown_slots=20, paused=paused)
        contracts, events = ContractOfEachMode(), RecordingPublisher()
        world = World(
            ingestions=self.ingestions,
            admission=admission,
            paused=paused,
            pace=pace,
            druid=self.druid,
            contracts=contracts,
            verdicts=self.verdicts,
            outcomes=Outcomes(self),
            evidence=S3Evidence(self.store),
            events=events,
            clock=utc_now,
            monotonic=lambda: FAST * time.monotonic(),
        )
        limits = Limits(
            batch_size=50,
            lease=LEASE,
            step=timedelta(minutes=5),
            attempts=Attempts(3, timedelta(seconds=10)),
            time=timedelta(days=1000),
        )
        return Replica(self.pool, advance_ingestions(world, limits))

    @property
    def ingestions(self) -> ImpatientIngestions:
        return ImpatientIngestions(self.pool, lease_seconds=LEASE.total_seconds())

    # what comes in

    async def file(
        self, *days: int, mode: DruidMode = DruidMode.APPEND, stored: int | None = None, told: TimeRange | None = None
    ) -> File:
        """Accepted and judged, but not yet heard of. `stored`: rows that its Parquet really has; `told`: times that the verdict names."""
        task_id, at = uuid4(), self._next()
        times = [NOW + timedelta(days=day, hours=hour) for day in days for hour in range(ROWS_A_DAY)]
        frame = pl.DataFrame(
            {
                "__time": times,
                "OrderID": [f"O{n}" for n in range(len(times))],
                "__task_id": [str(task_id)] * len(times),
            },
            schema_overrides={"__time": pl.Datetime("us", "UTC")},
        )
        body, key = io.BytesIO(), f"canonical/{self.datasource}/{task_id}/r/part-00000.parquet"
        frame.head(len(times) if stored is None else stored).write_parquet(body)
        await self.store.put(key, body.getvalue())
        verdict = verdict_accepted(
            len(times),
            canonical=(self.store.uri(key),),
            time_range=told or TimeRange(first=times[0], last=times[-1]),
            contract=ContractRef(datasource=self.datasource, version=VERSIONS[mode]),
        )
        event = file_validated(verdict, task_id)
        fact = event.data.model_copy(update={"datasource": self.datasource, "accepted_at": at})
        self.verdicts.facts[task_id] = fact
        return File(replace(event, data=fact), days)

    async def hears(self, *files: File) -> None:
        for file in files:
            await RecordVerdict(self.ingestions)(file.verdict)

    async def has(self, *days: int, mode: DruidMode = DruidMode.APPEND, **more: Any) -> File:
        """A file whose verdict has been heard."""
        file = await self.file(*days, mode=mode, **more)
        await self.hears(file)
        return file

    async def cancel(self, task_id: UUID) -> None:
        await self.command(TaskCommand(task_id=task_id, command="cancel", requested_at=NOW))

    async def retract(self, file: File, times: int = 1) -> UUID:
        """The task that does it."""
        about = {"datasource": self.datasource, "filename": "a.csv", "accepted_at": NOW, "retraction": uuid4()}
        fact = TaskCommand(task_id=file.task_id, command="retract", requested_at=self._next(), **about)
        for _ in range(times):
            await self.command(fact)
        return about["retraction"]

    async def command(self, fact: TaskCommand) -> None:
        await RecordCommand(self.ingestions)(Envelope(str(uuid4()), "sluice/gateway", NOW, fact))

    def _next(self) -> datetime:
        self.accepted += 1
        return NOW + timedelta(seconds=self.accepted)

    # what becomes of it

    async def told(self) -> dict[UUID, TaskCompleted]:
        """The outcome of each task that has one. A second one that differs is a failure."""
        await outbox.relay(self.pool, SCHEMA, self.published.publish)
        first: dict[UUID, Envelope[Any]] = {}
        for each in self.published.published:
            if isinstance(each.data, TaskCompleted):
                assert first.setdefault(each.data.task_id, each) == each, "a second outcome"
        return {task_id: each.data for task_id, each in first.items()}

    async def steps(self, number: int) -> None:
        replica = self.replica()
        for _ in range(number):
            await replica.step()

    async def until(self, reached: Callable[[], Awaitable[bool]], seconds: float = SECONDS) -> None:
        """Take steps until it is."""
        replica = self.replica()
        async with asyncio.timeout(seconds):
            while not await reached():
                await replica.step()
                await asyncio.sleep(0.02)

    async def outcomes(self, *task_ids: UUID) -> list[Outcome]:
        """How they end."""

        async def all_told() -> bool:
            return set(task_ids) <= set(await self.told())

        await self.until(all_told)
        return [(await self.told())[task_id].outcome for task_id in task_ids]

    async def phase(self, task_id: UUID) -> str:
        return await self.pool.fetchval("SELECT phase FROM submitter.ingestions WHERE task_id = $1", task_id)

    async def reaches(self, task_id: UUID, phase: str) -> None:
        """Or a later one, where it was quicker."""
        later = list(Phase)[list(Phase).index(Phase(phase)) :]

        async def there() -> bool:
            return await self.phase(task_id) in later

        await self.until(there)

    async def holds(self, *loaded: File) -> None:
        """Druid, once it has come to rest, has all rows of these tasks and of no others, and their outcomes agree."""
        rows = {str(file.task_id): file.rows for file in loaded}
        await self.holds_rows(rows)
        for task_id, done in (await self.told()).items():
            if task_id in self.verdicts.facts and done.outcome is not Outcome.SUCCEEDED:
                assert str(task_id) not in rows
                assert done.rows.queryable == 0

    async def holds_rows(self, rows: dict[str, int]) -> None:
        """By task."""
        found: dict[str, int] = {}
        deadline = asyncio.get_running_loop().time() + SECONDS
        while await self._used_slots() or (found := await self.counts()) != rows:
            assert asyncio.get_running_loop().time() < deadline, f"{found} is not {rows}"
            await asyncio.sleep(0.05)

    async def _used_slots(self) -> int:
        answer = await self.http.get(f"{self.overlord}/druid/indexer/v1/totalWorkerCapacity")
        return answer.json()["usedClusterCapacity"]

    async def counts(self) -> dict[str, int]:
        """Rows by task."""
        query = f'SELECT __task_id, COUNT(*) FROM "{self.datasource}" GROUP BY 1'  # noqa: S608 - a name of ours
        answer = await self.http.post(f"{self.broker}/druid/v2/sql", json={"query": query, "resultFormat": "array"})
        return {} if answer.status_code == httpx.codes.BAD_REQUEST else dict(answer.json())

    async def fault(self, name: str, **fields: Any) -> None:
        """Of the simulator."""
        (await self.http.put(f"{self.overlord}/simulator/faults/{name}", json=fields)).raise_for_status()

    async def no_fault(self) -> None:
        await self.http.delete(f"{self.overlord}/simulator/faults")


@asynccontextmanager
async def open_bench(settings: SubmitterSettings) -> AsyncIterator[SubmitterBench]:
    """With nothing in Postgres. A real Druid has no faults to end."""
    (overlord, *_), (broker, *_) = settings.druid_overlord_url, settings.druid_broker_url
    async with (
        postgres.open_pool(settings.postgres_dsn.get_secret_value()) as pool,
        open_objectstore(settings) as store,
        httpx.AsyncClient(timeout=20) as http,
        open_druid(settings) as druid,
    ):
        await pool.execute("TRUNCATE submitter.ingestions, submitter.cancels, submitter.outbox")
        bench = SubmitterBench(pool, store, http, HttpDruidTasks(druid), overlord, broker)
        try:
            yield bench
        finally:
            await bench.no_fault()


@asynccontextmanager
async def idle_tasks(druid: HttpDruidTasks, slots: int) -> AsyncIterator[None]:
    """As many that each hold a slot, and give it back whatever happens: others wait for it."""
    ids = [f"idle_{uuid4()}" for _ in range(slots)]
    idle = {"type": "noop", "dataSource": "none", "runTime": 600_000}
    try:
        await asyncio.gather(*(druid.submit({**idle, "id": each}) for each in ids))
        yield
    finally:
        await asyncio.gather(*(druid.stop(each) for each in ids))
