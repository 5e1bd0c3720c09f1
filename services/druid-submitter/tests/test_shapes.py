"""Every shape of the spec, run by Druid and by what stands in for it: all rows are there, and what was kept of them is right."""

import asyncio
import io
import time
from collections import Counter
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import product
from uuid import UUID, uuid4

import polars as pl
import pytest
from played_on import REAL, SIMULATOR
from submitter_fakes import CONTRACT

from druid_submitter.adapters.druid import HttpDruidTasks
from druid_submitter.domain.interval import LONGER_THAN_ONE, Interval, covering
from druid_submitter.domain.spec import build_removal, build_spec
from druid_submitter.domain.watch import Presence, RowStats, TaskState
from druid_submitter.settings import SubmitterSettings
from sluice.contracts import (
    Aggregator,
    AggregatorType,
    Contract,
    DruidMode,
    DruidTarget,
    FieldType,
    Granularity,
    Partitions,
    PartitionsType,
    QueryGranularity,
    Rollup,
)
from sluice.druid import Role, open_druid
from sluice.errors import Transient
from sluice.events import TimeRange
from sluice.objectstore import ObjectStore, open_objectstore
from sluice.testing import NOW, verdict_accepted

PARTS, ROWS = 3, 60
"""Of a task, and of each of its parts."""
SUMS = Rollup(
    QueryGranularity.HOUR,
    tuple(
        Aggregator(f"{column}{kind}", AggregatorType(f"{number}{kind}"), column)
        for column, number in (("Quantity", "long"), ("UnitPrice", "double"))
        for kind in ("Sum", "Min", "Max")
    ),
)
HASHED = PartitionsType.HASHED
PERFECT = (
    Partitions(HASHED),
    Partitions(HASHED, ("OrderID", "DeliveredOn"), 1_000),
    Partitions(HASHED, ("Gift",), shards=2),
)
RANGE = Partitions(PartitionsType.RANGE, ("Gift", "OrderID"))
SLOTS = (1, 3)
"""In one, parts are read one after the other; in three, two at a time beside their supervisor."""


@dataclass(frozen=True)
class Loaded:
    contract: Contract
    task_id: UUID
    spec: dict
    interval: Interval


@dataclass(frozen=True)
class Bench:
    """A Druid and the bucket that it reads."""

    druid: HttpDruidTasks
    store: ObjectStore
    supervisors: asyncio.Semaphore
    """As many as leave a slot for a sub-task."""

    async def load(self, contract: Contract, slots: int = 1) -> Loaded:
        task_id = uuid4()
        frames = [rows_of(contract, task_id, part) for part in range(PARTS)]
        uris = [await self._keep(frame, f"canonical/{task_id}/{number}.parquet") for number, frame in enumerate(frames)]
        times = pl.concat(frames)["__time"]
        span = TimeRange(first=times.min(), last=times.max())
        verdict = verdict_accepted(PARTS * ROWS, canonical=tuple(uris), time_range=span)
        there = await self.druid.extent(contract.datasource)
        spec = build_spec(contract, verdict, task_id, 1, there=there, slots=slots)
        await self.run(spec)
        interval = covering(span.first, span.last, contract.druid.segment_granularity)
        return Loaded(contract, task_id, spec, interval)

    async def _keep(self, frame: pl.DataFrame, key: str) -> str:
        body = io.BytesIO()
        frame.write_parquet(body)
        await self.store.put(key, body.getvalue())
        return self.store.uri(key)

    async def run(self, spec: dict) -> None:
        async with self.supervisors if _supervises(spec) else _nothing():
            await self.druid.submit(spec)
            await eventually(lambda: self._ended(spec["id"]), TaskState.SUCCESS)

    async def _ended(self, druid_id: str) -> TaskState:
        status = (await self.druid.statuses([druid_id]))[druid_id]
        assert status.state is not TaskState.FAILED, status.error
        return status.state

    async def retract(self, loaded: Loaded) -> None:
        datasource = loaded.contract.datasource
        segments = await self.druid.segment_types(datasource, loaded.interval)
        await self.run(build_removal(datasource, f"sluice_{uuid4()}", loaded.task_id, loaded.interval, segments))
        await self.assert_counted(loaded, 0)

    async def assert_counted(self, loaded: Loaded, rows: int = PARTS * ROWS) -> None:
        async def presence() -> Presence:
            rolled_up = loaded.contract.druid.rollup is not None
            return await self.druid.presence(
                loaded.contract.datasource, loaded.task_id, loaded.interval, rolled_up=rolled_up
            )

        await eventually(presence, Presence(rows, loaded=True))

    async def assert_all_there(self, loaded: Loaded) -> None:
        """Counted, and what was kept of the numbers is what they come to."""
        await self.assert_counted(loaded)
        rollup = loaded.contract.druid.rollup
        if rollup is None:
            kept = {'SUM("Quantity")': "QuantitySum", 'SUM("UnitPrice")': "UnitPriceSum", "COUNT(*)": "rows"}
        else:
            kept = {
                f'{each.type[-3:].upper()}("{each.name}")': f"{each.column}{each.type[-3:]}"
                for each in rollup.aggregators
            }
        columns = ", ".join(kept)
        found = await self.ask(f'SELECT {columns} FROM "{loaded.contract.datasource}" WHERE "__task_id" = ?', loaded)  # noqa: S608 - names of ours
        frame = pl.concat(rows_of(loaded.contract, loaded.task_id, part) for part in range(PARTS))
        expected = {"rows": len(frame)}
        for column in ("Quantity", "UnitPrice"):
            expected |= {
                f"{column}Sum": frame[column].sum(),
                f"{column}Min": frame[column].min(),
                f"{column}Max": frame[column].max(),
            }
        assert found == [expected[name] for name in kept.values()], (loaded.spec, found)

    async def values(self, loaded: Loaded, column: str) -> Counter:
        """As segments have them: SQL would show all as of one type."""
        body = {
            "queryType": "scan",
            "dataSource": loaded.contract.datasource,
            "intervals": [loaded.interval.iso()],
            "columns": [column],
            "filter": {"type": "selector", "dimension": "__task_id", "value": str(loaded.task_id)},
        }
        found = (await self.druid.druid.ask(Role.BROKER, "POST", "/druid/v2", body)).json()
        return Counter(row[column] for each in found for row in each["events"])

    async def ask(self, query: str, loaded: Loaded) -> list:
        body = {
            "query": query,
            "parameters": [{"type": "VARCHAR", "value": str(loaded.task_id)}],
            "resultFormat": "array",
        }
        answer = await self.druid.druid.ask(Role.BROKER, "POST", "/druid/v2/sql", body)
        return answer.json()[0]


def _supervises(spec: dict) -> bool:
    tuning = spec["spec"]["tuningConfig"] if "spec" in spec else spec["tuningConfig"]
    return tuning["maxNumConcurrentSubTasks"] > 1 or tuning["partitionsSpec"]["type"] == "range"


@asynccontextmanager
async def _nothing():
    yield


async def eventually(ask, expected, seconds=90):
    end, found = time.monotonic() + seconds, None
    while found != expected:
        assert time.monotonic() < end, f"{found} is not {expected}"
        await asyncio.sleep(0.3)
        with suppress(Transient):
            found = await ask()


def rows_of(contract: Contract, task_id: UUID, part: int) -> pl.DataFrame:
    """Over three spans of segments; many agree in everything but the numbers. Some cells are empty."""
    numbers = range(part * ROWS, (part + 1) * ROWS)
    span = LONGER_THAN_ONE[contract.druid.segment_granularity]
    is_text, is_whole = (
        contract.field(name).type is kind
        for name, kind in (("OrderID", FieldType.STRING), ("Quantity", FieldType.INTEGER))
    )
    columns = {
        "__time": [NOW + (number % 3) * span + timedelta(seconds=number) for number in numbers],
        "OrderID": [(f"O{number % 4}" if is_text else number % 4) if number % 4 else None for number in numbers],
        "Quantity": [(number if is_whole else number + 0.5) if number % 5 else None for number in numbers],
        "UnitPrice": [number / 4 for number in numbers],
        "Gift": [number % 2 == 0 for number in numbers],
        "DeliveredOn": ["2024-01-31"] * ROWS,
        "__task_id": [str(task_id)] * ROWS,
    }
    return pl.DataFrame(columns, schema_overrides={"__time": pl.Datetime("us", "UTC")})


@pytest.fixture(params=[SIMULATOR, REAL])
def endpoints(request):
    return (
        request.getfixturevalue("simulator")
        if request.param == "simulator"
        else request.getfixturevalue("parts").endpoints
    )


@pytest.fixture
async def bench(endpoints, monkeypatch):
    for name, value in endpoints.environment().items():
        monkeypatch.setenv(name, value)
    settings = SubmitterSettings()
    async with open_druid(settings) as connection, open_objectstore(settings) as store:
        yield Bench(HttpDruidTasks(connection), store, asyncio.Semaphore(2))


def target(**how) -> Contract:
    return replace(CONTRACT, datasource=f"s{uuid4().hex[:12]}", druid=DruidTarget("TransactionTimestamp", **how))


def shapes():
    modes = [(DruidMode.APPEND, Partitions())]
    modes += product((DruidMode.REPLACE, DruidMode.REPLACE_ALL), (Partitions(), *PERFECT))
    for number, ((mode, partitions), rollup) in enumerate(product(modes, (None, SUMS))):
        slots = SLOTS[(number + number // 2) % 2]  # each with each mode and each roll-up, not with each pair of them
        granularity = list(Granularity)[number % len(Granularity)]
        cut = rollup and replace(rollup, query_granularity=list(QueryGranularity)[number // 2 % 4])
        how = {"segment_granularity": granularity, "mode": mode, "rollup": cut, "partitions": partitions}
        yield target(**how), slots
    yield target(mode=DruidMode.REPLACE_ALL, rollup=SUMS, partitions=RANGE), 3


async def test_every_mode_with_every_partition_and_roll_up_is_taken_and_run(bench):
    few = asyncio.Semaphore(6)

    async def scenario(contract, slots):
        async with few:
            loaded = await bench.load(contract, slots)
            await eventually(lambda: bench.druid.row_stats(loaded.spec["id"]), RowStats(PARTS * ROWS, 0))
            await bench.assert_all_there(loaded)

    await asyncio.gather(*(scenario(*shape) for shape in shapes()))


async def test_rows_in_ranges_are_made_in_two_slots_and_taken_out(bench):
    loaded = await bench.load(target(mode=DruidMode.REPLACE, partitions=RANGE), slots=2)
    await eventually(lambda: bench.druid.row_stats(loaded.spec["id"]), RowStats(PARTS * ROWS, 0))
    await bench.assert_all_there(loaded)
    await bench.retract(loaded)


async def test_rows_of_one_file_are_taken_out_and_those_beside_them_keep_what_was_kept(bench):
    """Rolled up to the hour, to the day with other metrics, and not at all: side by side in the segments of the same days."""
    rolled_up = target(rollup=SUMS)
    others = Rollup(
        QueryGranularity.DAY, (*SUMS.aggregators[:4], Aggregator("Most", AggregatorType.LONG_MAX, "Quantity"))
    )
    versions = [rolled_up, rolled_up, *(with_rollup(rolled_up, each) for each in (others, None))]
    first, second, third, plain = [await bench.load(each) for each in versions]
    for each in (first, second, third, plain):
        await bench.assert_all_there(each)
    await bench.retract(first)
    await asyncio.gather(*(bench.assert_all_there(each) for each in (second, third, plain)))
    await bench.retract(plain)
    await asyncio.gather(*(bench.assert_all_there(each) for each in (second, third)))


def with_rollup(contract: Contract, rollup: Rollup | None) -> Contract:
    return replace(contract, druid=replace(contract.druid, rollup=rollup))


@pytest.mark.parametrize("endpoints", [REAL], indirect=True)  # in the simulator a column has one type
@pytest.mark.parametrize("of_whole_numbers", ["Quantity", "OrderID"])
async def test_a_removal_keeps_what_stands_beside_whole_numbers(bench, of_whole_numbers):
    """Loaded under a version of the contract in which the column is of another type: fractions, or texts."""
    now = target(mode=DruidMode.APPEND)
    number = [replace(each, type=FieldType.INTEGER) if each.name == of_whole_numbers else each for each in now.fields]
    other = [replace(each, type=FieldType.NUMBER) if each.name == "Quantity" else each for each in now.fields]
    before, after = replace(now, fields=tuple(number)), replace(now, fields=tuple(other))
    first, second, third = [await bench.load(each) for each in (before, after, after)]
    for each in (first, second, third):
        await bench.assert_counted(each)
    kept = await bench.values(second, of_whole_numbers)
    assert len(kept) > 3
    await bench.retract(third)
    assert await bench.values(second, of_whole_numbers) == kept
    await bench.retract(first)
    assert await bench.values(second, of_whole_numbers) == kept
