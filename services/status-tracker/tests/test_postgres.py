"""Journals and projection on a real Postgres."""

import asyncio
import random
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from sluice.errors import Transient
from sluice.events import Outcome, TaskProgress
from sluice.postgres import open_pool
from sluice.settings import PostgresSettings
from status_tracker.adapters.files import PostgresTaskFiles
from status_tracker.adapters.tasks import PostgresTasks
from status_tracker.app import migrate, rebuild
from status_tracker.domain.page import Selection
from status_tracker.domain.task import State
from status_tracker.usecases import RecordEvent

pytestmark = pytest.mark.real


@pytest.fixture
def record(pool):
    return RecordEvent(PostgresTaskFiles(pool))


@pytest.fixture
def tasks(pool):
    return PostgresTasks(pool)


async def test_a_task_is_shown_as_its_events_say(record, tasks, tell):
    story = tell()
    for fact in story:
        await record(fact)
    task = await tasks.find(story[0].data.task_id)
    assert task.state is State.SUCCEEDED
    assert task.rows.queryable == 9
    assert task.filename == "März \x00.csv"
    assert list(await tasks.events(task.task_id)) == story


async def test_a_second_delivery_changes_nothing(record, tasks, tell, pool):
    story = tell()
    for fact in story:
        await record(fact)
        before = await _versions(pool)
        await record(fact)
        assert await _versions(pool) == before
    assert list(await tasks.events(story[0].data.task_id)) == story


async def _versions(pool):
    """Every row with the transaction that wrote it."""
    return await pool.fetch(
        "SELECT identity, xmin::text FROM tracker.events UNION ALL SELECT task_id, xmin::text FROM tracker.tasks"
    )


async def test_any_order_shows_the_same_task(record, tasks, tell):
    story = tell()
    for fact in reversed([*story, *story]):
        await record(fact)
    backwards = await tasks.find(story[0].data.task_id)
    assert list(await tasks.events(backwards.task_id)) == story
    assert backwards.state is State.SUCCEEDED
    assert backwards.stages.validating == story[1].time


async def test_eight_writers_at_once_lose_nothing(record, tasks, tell):
    """Each event comes twice, and all of one task at the same time."""
    for story in [tell() for _ in range(10)]:
        facts = random.sample([*story, *story], 2 * len(story))
        await asyncio.gather(*(record(fact) for fact in facts))
        task = await tasks.find(story[0].data.task_id)
        assert list(await tasks.events(task.task_id)) == story
        assert (task.state, list(dict(task.stages).values()).count(None)) == (State.SUCCEEDED, 0)


async def test_progress_is_kept_once_per_stage(record, tasks, tell):
    story = tell()
    again = [replace(fact, id=str(uuid4())) for fact in story if isinstance(fact.data, TaskProgress)]
    for fact in [*again, *story]:
        await record(fact)
    assert len(await tasks.events(story[0].data.task_id)) == len(story)


async def test_a_second_outcome_is_an_error_in_the_log_and_the_first_stays(record, tasks, tell):
    *story, end = tell()
    later = {"outcome": Outcome.FAILED, "completed_at": end.data.completed_at + timedelta(seconds=1)}
    other = replace(end, data=end.data.model_copy(update=later))
    for fact in [*story, end]:
        await record(fact)
    first = await tasks.find(end.data.task_id)
    with capture_logs() as logs:
        await record(other)
    assert [entry["log_level"] for entry in logs] == ["error"]
    assert await tasks.find(end.data.task_id) == first


async def test_a_task_of_which_only_advisory_news_came_is_not_shown(record, tasks, tell):
    story = tell()
    for fact in (story[1], story[5]):
        await record(fact)
    assert await tasks.find(story[0].data.task_id) is None
    assert len(await tasks.events(story[0].data.task_id)) == 2


async def test_a_retract_tells_of_both_tasks_once(record, tasks, tell, pool):
    story = tell()
    asked = {"command": "retract", "retraction": uuid4(), "datasource": "sales", "filename": "orders.csv"}
    command = replace(story[5], data=story[5].data.model_copy(update=asked))
    await record(command)
    before = await _versions(pool)
    await record(command)
    assert await _versions(pool) == before
    assert (await tasks.find(asked["retraction"])).retracts == story[0].data.task_id
    assert await tasks.find(story[0].data.task_id) is None
    for task_id in (story[0].data.task_id, asked["retraction"]):
        assert list(await tasks.events(task_id)) == [command]


async def test_a_rebuild_shows_the_same_tasks(record, tasks, tell, pool, dsn):
    stories = [tell() for _ in range(5)]
    for story in stories:
        for fact in story[: random.randint(1, 7)]:
            await record(fact)
    before = (await tasks.list(Selection())).tasks
    await pool.execute("TRUNCATE tracker.tasks")
    assert await rebuild(PostgresSettings(postgres_dsn=SecretStr(dsn))) == 5
    assert (await tasks.list(Selection())).tasks == before
    assert len(before) == 5


async def test_migrating_again_keeps_everything(record, tasks, tell, dsn):
    story = tell()
    await record(story[0])
    await asyncio.gather(*(migrate(PostgresSettings(postgres_dsn=SecretStr(dsn))) for _ in range(3)))
    assert await tasks.find(story[0].data.task_id) is not None


async def test_an_event_waits_while_the_schema_is_missing(postgres_server, tell):
    async with open_pool(postgres_server.dsn) as bare:
        with pytest.raises(Transient):
            await RecordEvent(PostgresTaskFiles(bare))(tell()[0])
