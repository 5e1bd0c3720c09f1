"""A Druid that is just starting refuses nothing, and a task that it still runs is not concluded over its head."""

from uuid import uuid4

import httpx
import pytest
from submitter_fakes import Bench

from druid_submitter.adapters.druid import HttpDruidTasks
from druid_submitter.domain.interval import parsed
from druid_submitter.domain.watch import Presence, TaskState
from druid_submitter.errors import SpecRefused
from sluice.druid import DruidConnection, Role
from sluice.druid.places import Places
from sluice.errors import Permanent, Transient
from sluice.events import TaskCompleted
from sluice.testing import file_validated, verdict_accepted

SPEC = {"id": "sluice_sales_1", "type": "index_parallel"}


async def submit(status: int, text: str = "") -> None:
    answer = httpx.MockTransport(lambda _request: httpx.Response(status, text=text))
    async with httpx.AsyncClient(transport=answer) as http:
        places = Places(dict.fromkeys(Role, ("http://druid",)))
        await HttpDruidTasks(DruidConnection(http, places)).submit(SPEC)


async def test_a_segment_of_the_last_day_that_no_server_has_loaded_is_waited_for():
    """9999-12-31 is a favourite of many programs: a question that leaves it out would hear of no segment at all."""
    last_day = parsed("9999-12-31T00:00:00.000Z/10000-01-01T00:00:00.000Z")

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/sql"):
            return httpx.Response(200, json=[{"rows": 0}])
        asked = parsed(request.url.params["interval"].replace("_", "/"))
        return httpx.Response(200, json={"sales": 0.0}) if asked.overlaps(last_day) else httpx.Response(204)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        druid = HttpDruidTasks(DruidConnection(http, Places(dict.fromkeys(Role, ("http://druid",)))))
        assert await druid.presence("sales", uuid4(), last_day) == Presence(0, loaded=False)
        assert await druid.presence("sales", uuid4(), None) == Presence(0, loaded=False)


@pytest.mark.parametrize("status", [307, 401, 403, 404, 503])
async def test_an_answer_that_judges_no_spec_is_waited_out(status):
    with pytest.raises(Transient):
        await submit(status)


async def test_a_bad_request_is_druids_word_on_the_spec():
    with pytest.raises(SpecRefused, match="no such type"):
        await submit(400, '{"error": "no such type"}')


async def test_a_task_that_druid_still_runs_is_not_concluded_as_failed():
    bench = Bench()
    await bench.record(file_validated(verdict_accepted(10)))
    bench.druid.refusing = Permanent("the contract is gone")  # though an earlier post has reached Druid
    await bench.turn(5)
    assert bench.said(TaskCompleted) == []
    bench.druid.state = TaskState.FAILED
    await bench.turn(2)
    assert len(bench.said(TaskCompleted)) == 1
