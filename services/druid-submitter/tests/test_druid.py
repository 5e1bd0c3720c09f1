"""What a real Druid answers to everything that it is asked."""

import asyncio
import io
import json
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import httpx
import polars as pl
import pytest
from secured_druid import SECURED, secured
from submitter_bench import idle_tasks
from submitter_fakes import CONTRACT

from druid_submitter.adapters.druid import HttpDruidTasks
from druid_submitter.adapters.evidence import S3Evidence
from druid_submitter.domain.failure import Why, Words, why
from druid_submitter.domain.interval import ALL_TIME, covering, parsed, spanning
from druid_submitter.domain.retention import first_drop
from druid_submitter.domain.spec import build_removal, build_spec
from druid_submitter.domain.watch import Presence, RowStats, TaskState
from druid_submitter.errors import IdBurnt, SegmentsUnknown, SpecRefused
from druid_submitter.settings import SubmitterSettings
from sluice.clock import utc_now
from sluice.contracts import DruidMode, Granularity
from sluice.druid import DruidConnection, Role, open_druid
from sluice.druid.places import Places
from sluice.errors import Transient
from sluice.events import TimeRange
from sluice.objectstore import open_objectstore
from sluice.testing import NOW, verdict_accepted

pytestmark = pytest.mark.real


@pytest.fixture
def settings(environment):
    return SubmitterSettings()


@pytest.fixture
async def druid(request, settings, tmp_path):
    with ExitStack() as servers:
        if getattr(request, "param", None) == SECURED:
            settings = secured(settings, tmp_path, servers)
        async with open_druid(settings) as druid:
            yield HttpDruidTasks(druid)


@pytest.fixture
async def canonical(settings):
    """Rows of one task, as the validator leaves them: (task, verdict)."""
    task_id = uuid4()
    frame = pl.DataFrame(
        {
            "__time": [NOW + timedelta(hours=n) for n in range(100)],
            "OrderID": [f"O{n}" for n in range(100)],
            "Quantity": list(range(100)),
            "__task_id": [str(task_id)] * 100,
        },
        schema_overrides={"__time": pl.Datetime("us", "UTC")},
    )
    body = io.BytesIO()
    frame.write_parquet(body)
    async with open_objectstore(settings) as store:
        key = f"canonical/sales/{task_id}/r/part-00000.parquet"
        await store.put(key, body.getvalue())
        span = TimeRange(first=NOW, last=NOW + timedelta(hours=99))
        yield task_id, verdict_accepted(100, canonical=(store.uri(key),), time_range=span)


async def eventually(ask, expected, seconds=60):
    async with asyncio.timeout(seconds):
        while (answer := await ask()) != expected:
            await asyncio.sleep(0.2)
    return answer


async def state_of(druid, task):
    return (await druid.statuses([task]))[task].state


@pytest.mark.parametrize("druid", ["at hand", SECURED], indirect=True)
async def test_rows_are_loaded_once_however_often_they_are_submitted(druid, canonical):
    task_id, verdict = canonical
    spec = build_spec(CONTRACT, verdict, task_id, 1)
    await asyncio.gather(*(druid.submit(spec) for _ in range(4)))
    await eventually(lambda: state_of(druid, spec["id"]), TaskState.SUCCESS)
    await druid.submit(spec)
    interval = covering(verdict.time_range.first, verdict.time_range.last, Granularity.DAY)
    await eventually(lambda: druid.presence("sales", task_id, interval), Presence(100, loaded=True))
    assert await eventually(lambda: druid.row_stats(spec["id"]), RowStats(100, 0))
    assert await druid.presence("sales", uuid4(), None) == Presence(0, loaded=True)


async def load(druid, store, datasource, hours, mode=DruidMode.APPEND, **more):
    """A hundred rows of a new task, from `hours` after NOW on; `more` columns of one value."""
    task_id = uuid4()
    columns = {
        "__time": [NOW + timedelta(hours=hours + n) for n in range(100)],
        "OrderID": [str(n) for n in range(100)],
    }
    frame = pl.DataFrame(columns, schema_overrides={"__time": pl.Datetime("us", "UTC")})
    frame = frame.with_columns(**{name: pl.lit(value) for name, value in more.items()}, __task_id=pl.lit(str(task_id)))
    body = io.BytesIO()
    frame.write_parquet(body)
    key = f"canonical/{datasource}/{task_id}/r/part-00000.parquet"
    await store.put(key, body.getvalue())
    span = TimeRange(first=columns["__time"][0], last=columns["__time"][-1])
    verdict = verdict_accepted(100, canonical=(store.uri(key),), time_range=span)
    fields = tuple(field for field in CONTRACT.fields if field.name in {*frame.columns, "TransactionTimestamp"})
    contract = replace(CONTRACT, datasource=datasource, fields=fields, druid=replace(CONTRACT.druid, mode=mode))
    spec = build_spec(contract, verdict, task_id, 1, there=await druid.extent(datasource))
    await druid.submit(spec)
    await eventually(lambda: state_of(druid, spec["id"]), TaskState.SUCCESS)
    interval = covering(span.first, span.last, Granularity.DAY)
    await eventually(lambda: druid.presence(datasource, task_id, interval), Presence(100, loaded=True))
    return task_id, interval


async def retract(druid, datasource, task_id, interval):
    spec = build_removal(datasource, f"sluice_{datasource}_{uuid4()}_1", task_id, interval)
    await asyncio.gather(*(druid.submit(spec) for _ in range(3)))
    await eventually(lambda: state_of(druid, spec["id"]), TaskState.SUCCESS)
    await eventually(lambda: druid.presence(datasource, task_id, interval), Presence(0, loaded=True))


async def columns_of(druid, datasource):
    query = f"SELECT COLUMN_NAME, DATA_TYPE FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = '{datasource}'"  # noqa: S608 - a name of ours
    asked = {"query": query, "resultFormat": "array"}
    answer = await druid.druid.ask(Role.BROKER, "POST", "/druid/v2/sql", asked)
    return sorted(map(tuple, answer.json()))


async def test_rows_of_one_upload_are_taken_out_and_those_of_others_stay_as_they_were(druid, settings):
    datasource = f"r{uuid4().hex[:12]}"
    async with open_objectstore(settings) as store:
        first, span = await load(druid, store, datasource, 0)
        second, other = await load(druid, store, datasource, 50, Quantity=7, UnitPrice=0.5)
    before = await columns_of(druid, datasource)
    await retract(druid, datasource, first, span)
    await eventually(lambda: druid.presence(datasource, second, other), Presence(100, loaded=True))
    assert await columns_of(druid, datasource) == before
    await retract(druid, datasource, second, other)
    assert await druid.presence(datasource, second, None) == Presence(0, loaded=True)


async def test_a_file_replaces_the_rows_of_its_own_days_or_all_that_there_are(druid, settings):
    datasource = f"r{uuid4().hex[:12]}"
    assert await druid.extent(datasource) is None
    assert (await druid.rows(datasource, ALL_TIME), await druid.columns(datasource)) == (0, frozenset())
    elsewhere = parsed("1999-01-01T00:00:00.000Z/2000-01-01T00:00:00.000Z")
    async with open_objectstore(settings) as store:
        old, span = await load(druid, store, datasource, 0)
        other, far = await load(druid, store, datasource, 240)
        assert await druid.extent(datasource) == spanning(span, far)
        assert [await druid.rows(datasource, each) for each in (span, far, ALL_TIME, elsewhere)] == [100, 100, 200, 0]
        assert {"__time", "__task_id", "OrderID"} == await druid.columns(datasource)
        new, _ = await load(druid, store, datasource, 24, DruidMode.REPLACE)
        # its first day is the old one's second
        await eventually(lambda: count(druid, datasource), {str(old): 24 - NOW.hour, str(new): 100, str(other): 100})
        last, _ = await load(druid, store, datasource, 48, DruidMode.REPLACE_ALL)
        await eventually(lambda: count(druid, datasource), {str(last): 100})


async def test_the_extent_is_that_of_all_segments_also_of_those_that_no_server_has():
    ids = [
        "a_b_2024-01-01T00:00:00.000Z_2024-01-02T00:00:00.000Z_2026-01-01T00:00:00.000Z",
        "a_b_2025-01-01T00:00:00.000Z_2025-01-02T00:00:00.000Z_2026-01-01T00:00:00.000Z_3",
    ]

    def answer(request):
        known = request.method == "POST" and "/metadata/datasources/a_b/" in request.url.path
        return httpx.Response(200, json=ids if known else [])

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        druid = DruidConnection(http, Places(dict.fromkeys(Role, ("http://druid",))))
        extent = await HttpDruidTasks(druid).extent("a_b")
    assert extent == parsed("2024-01-01T00:00:00.000Z/2025-01-02T00:00:00.000Z")


def segment(dimensions, shards="numbered"):
    return {"dimensions": dimensions, "shardSpec": {"type": shards}}


@pytest.mark.parametrize("unknown", ["Object 'sales' not found", "Column '__task_id' not found in any table"])
@pytest.mark.parametrize(
    ("segments", "certain"),
    [
        ([segment("OrderID,__task_id")], False),
        ([segment("OrderID"), segment("__task_id")], False),
        ([segment("OrderID"), segment("not__task_id")], True),
        ([segment("OrderID,__task_id", "tombstone")], True),
    ],
)
async def test_what_the_broker_does_not_know_yet_is_not_taken_for_no_rows(unknown, segments, certain):
    """It hears of tables and columns late: by default, within a minute."""

    def answer(request):
        if request.url.path.endswith("/loadstatus"):
            return httpx.Response(200, json={"sales": 100.0})
        if request.url.path.endswith("/segments"):
            return httpx.Response(200, json=segments)
        return httpx.Response(400, json={"errorCode": "invalidInput", "errorMessage": unknown})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        druid = HttpDruidTasks(DruidConnection(http, Places(dict.fromkeys(Role, ("http://druid",)))))
        for rolled_up in (False, True):
            found = await druid.presence("sales", uuid4(), None, rolled_up=rolled_up)
            assert found == Presence(0, loaded=certain)


DAY = "2024-03-04T00:00:00.000Z/2024-03-05T00:00:00.000Z"
HOUR = "2024-03-04T07:00:00.000Z/2024-03-04T08:00:00.000Z"
WEEK = "2024-03-04T00:00:00.000Z/2024-03-11T00:00:00.000Z"


@pytest.mark.parametrize(
    ("interval", "version", "shards", "waits"),
    [
        (DAY, "2", "numbered", True),
        (DAY, "1", "numbered", False),
        (DAY, "2", "tombstone", False),
        (HOUR, "1", "numbered", False),
        (HOUR, "2", "numbered", True),
        (HOUR, "3", "numbered", True),
        (WEEK, "1", "numbered", True),
    ],
    ids=["not known yet", "replaced", "without rows", "in a day replaced", "in the day", "newer", "replaced in part"],
)
async def test_a_removal_waits_until_the_broker_knows_each_segment_that_has_rows(interval, version, shards, waits):
    """Of one that it does not know, nobody says the types, and the compaction might lose what they hold."""
    known = {"identifier": "known", "interval": DAY, "version": "2", **segment("OrderID")}
    other = {"identifier": "other", "interval": interval, "version": version, **segment("OrderID", shards)}
    told = {"id": "known", "columns": {"__time": {"type": "LONG"}, "OrderID": {"type": "STRING"}}, "aggregators": None}

    def answer(request):
        return httpx.Response(200, json=[other, known] if request.url.path.endswith("/segments") else [told])

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        druid = HttpDruidTasks(DruidConnection(http, Places(dict.fromkeys(Role, ("http://druid",)))))
        if waits:
            with pytest.raises(SegmentsUnknown, match="does not know 1 of the segments of sales"):
                await druid.segment_types("sales", ALL_TIME)
        else:
            assert await druid.segment_types("sales", ALL_TIME) == [{"OrderID": "STRING"}]


async def test_druid_says_which_columns_its_segments_have(druid, settings):
    datasource = f"r{uuid4().hex[:12]}"
    async with open_objectstore(settings) as store:
        _, span = await load(druid, store, datasource, 0)
    path = f"/druid/coordinator/v1/metadata/datasources/{datasource}/segments?full"
    segments = (await druid.druid.ask(Role.COORDINATOR, "POST", path, [span.iso()])).json()
    assert segments
    assert {each["dimensions"] for each in segments} == {"OrderID,__task_id"}
    assert await druid.segment_types(datasource, span) == [{"OrderID": "STRING", "__task_id": "STRING"}] * len(segments)
    assert not await druid._holds_none_of_ours(datasource, None)


async def count(druid, datasource):
    """Rows by task."""
    query = f'SELECT __task_id, COUNT(*) FROM "{datasource}" GROUP BY 1'  # noqa: S608 - a name of ours
    asked = {"query": query, "resultFormat": "array"}
    answer = await druid.druid.ask(Role.BROKER, "POST", "/druid/v2/sql", asked)
    return dict(answer.json())


async def test_a_running_task_is_stopped_and_one_that_has_ended_or_is_unknown_is_left(druid, canonical):
    noop = f"sluice_sales_{uuid4()}_1"
    await druid.submit({"type": "noop", "id": noop, "dataSource": "sales", "runTime": 600_000})
    await druid.stop(noop)
    await eventually(lambda: state_of(druid, noop), TaskState.FAILED)
    await druid.stop(noop)
    await druid.stop(f"sluice_sales_{uuid4()}_1")


async def test_a_missing_part_fails_the_ingestion_leaves_no_row_and_druids_words_are_kept(druid, settings):
    task_id = uuid4()
    spec = build_spec(CONTRACT, verdict_accepted(canonical=("s3://sluice/canonical/none.parquet",)), task_id, 1)
    await druid.submit(spec)
    await eventually(lambda: state_of(druid, spec["id"]), TaskState.FAILED)
    assert (await druid.presence("sales", task_id, None)).counted == 0
    words = await druid.words("sales", spec["id"])
    assert why(words) is Why.ROWS_MISSING
    async with open_objectstore(settings) as store:
        evidence = S3Evidence(store)
        kept = {await evidence.keep("sales", task_id, 1, each) for each in (words, Words())}
        assert kept == {store.uri(f"reports/sales/{task_id}/druid-1.json")}
        stands = json.loads(await store.get(f"reports/sales/{task_id}/druid-1.json"))
    assert stands["status"] == words.status


async def test_retention_rules_are_read_in_their_order_with_those_of_all(druid):
    datasource = f"r{uuid4().hex[:12]}"
    (kept, *others) = await druid.rules(datasource)
    assert (kept["type"], others) == ("loadForever", [])
    asked = [{"type": "dropBeforeByPeriod", "period": "P1M"}, {"type": "dropByInterval", "interval": "2020-01-01/P1D"}]
    await druid.druid.ask(Role.COORDINATOR, "POST", f"/druid/coordinator/v1/rules/{datasource}", asked)
    rules = await druid.rules(datasource)
    assert [each["type"] for each in rules] == ["dropBeforeByPeriod", "dropByInterval", "loadForever"]
    old = [parsed(f"2020-01-0{day}T00:00:00.000Z/2020-01-0{day + 1}T00:00:00.000Z") for day in (1, 2)]
    dropped = [first_drop(each, old, utc_now()) for each in (rules, rules[1:], rules[2:])]
    assert [drop and drop.rule and drop.rule["type"] for drop in dropped] == [
        "dropBeforeByPeriod",
        "dropByInterval",
        None,
    ]


async def test_a_datasource_that_does_not_exist_holds_no_row(druid):
    assert await druid.presence("never_seen", uuid4(), None) == Presence(0, loaded=True)


async def test_an_id_that_druid_does_not_know_is_said_to_be_unknown(druid):
    assert await state_of(druid, f"sluice_sales_{uuid4()}_1") is TaskState.UNKNOWN
    assert await druid.row_stats(f"sluice_sales_{uuid4()}_1") is None


async def test_a_burnt_id_is_recognised(druid, canonical):
    task_id, verdict = canonical
    spec = build_spec(CONTRACT, verdict, task_id, 1)
    await druid.submit({"type": "noop", "id": spec["id"], "dataSource": "sales", "runTime": 1})
    with pytest.raises(IdBurnt):
        await druid.submit(spec)


async def test_an_id_is_burnt_where_nothing_stands_and_only_there(druid, canonical):
    task_id, verdict = canonical
    first, second = build_spec(CONTRACT, verdict, task_id, 1), build_spec(CONTRACT, verdict, task_id, 2)
    assert await druid.burn(first["id"], "sales")
    assert await druid.burn(first["id"], "sales"), "burning twice is as good as once"
    with pytest.raises(IdBurnt):
        await druid.submit(first)
    await druid.submit(second)
    assert not await druid.burn(second["id"], "sales")
    await eventually(lambda: state_of(druid, second["id"]), TaskState.SUCCESS)


async def test_slots_and_locks_as_druid_tells_them(druid, canonical):
    task_id, verdict = canonical
    datasource = f"r{uuid4().hex[:12]}"
    capacity = await druid.capacity()
    assert 0 < capacity.slots == capacity.most
    contract = replace(CONTRACT, datasource=datasource, druid=replace(CONTRACT.druid, mode=DruidMode.REPLACE))
    spec = build_spec(contract, verdict, task_id, 1)
    interval = covering(verdict.time_range.first, verdict.time_range.last, Granularity.DAY)
    assert await druid.locked("never_seen") == []

    async def locked():
        held = await druid.locked(datasource)
        return bool(held) and all(interval.start <= each.start < each.end <= interval.end for each in held)

    async def used():
        return (await druid.capacity()).used

    async with idle_tasks(druid, capacity.slots):
        await eventually(used, capacity.slots)
        await druid.submit(spec)  # waits for a slot, and holds its lock already
        await eventually(locked, expected=True)
        await druid.stop(spec["id"])


async def test_a_spec_that_druid_does_not_take_is_refused(druid):
    with pytest.raises(SpecRefused, match="Druid refuses"):
        await druid.submit({"type": "no_such_type", "id": f"x-{uuid4()}"})


async def test_a_druid_that_is_not_there_is_transient():
    async with httpx.AsyncClient() as http:
        nowhere = HttpDruidTasks(DruidConnection(http, Places(dict.fromkeys(Role, ("http://127.0.0.1:9",)))))
        with pytest.raises(Transient):
            await nowhere.statuses(["x"])
        assert not await nowhere.answers()
