"""What is not Druid's answer, though it is JSON, says nothing: it is waited out, and is nobody's crash."""

import json
from contextlib import suppress
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from druid_submitter.adapters.druid import HttpDruidTasks
from druid_submitter.domain.interval import parsed
from druid_submitter.domain.watch import TaskState, TaskStatus
from sluice.druid import DruidConnection, Role
from sluice.druid.places import Places
from sluice.errors import Transient

TASK = UUID("0190a000-0000-7000-8000-000000000001")
DAY = parsed("2024-03-04T00:00:00.000Z/2024-03-05T00:00:00.000Z")
QUESTIONS = {
    "statuses": lambda druid: druid.statuses(["a"]),
    "capacity": lambda druid: druid.capacity(),
    "locked": lambda druid: druid.locked("sales"),
    "rules": lambda druid: druid.rules("sales"),
    "row_stats": lambda druid: druid.row_stats("a"),
    "extent": lambda druid: druid.extent("sales"),
    "rows": lambda druid: druid.rows("sales", DAY),
    "columns": lambda druid: druid.columns("sales"),
    "segment_types": lambda druid: druid.segment_types("sales", DAY),
    "presence": lambda druid: druid.presence("sales", TASK, None),
    "submit": lambda druid: druid.submit({"id": "a", "type": "index_parallel"}),
}
KEYS = st.sampled_from(["a", "sales", "status", "statusCode", "currentClusterCapacity", "payload", "rows", "name"])
WORDS = st.sampled_from(["", "WEIRD", "SUCCESS", "a_b", "2024-03-04T00:00:00.000Z/2024-03-05T00:00:00.000Z"])
BODIES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.floats(-2, 2) | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


async def ask(question: str, body: object):
    answer = httpx.MockTransport(lambda _request: httpx.Response(200, json=body))
    async with httpx.AsyncClient(transport=answer) as http:
        return await QUESTIONS[question](
            HttpDruidTasks(DruidConnection(http, Places(dict.fromkeys(Role, ("http://druid",)))))
        )


@pytest.mark.parametrize("question", QUESTIONS)
@given(body=BODIES)
async def test_any_other_shape_is_waited_out(question, body):
    with suppress(Transient):
        await ask(question, body)


@pytest.mark.parametrize(
    ("question", "body"),
    [
        ("statuses", []),
        ("statuses", {"a": None}),
        ("statuses", {"a": {}}),
        ("capacity", {"currentClusterCapacity": "4"}),
        ("row_stats", {"ingestionStatsAndErrors": None}),
        ("extent", {}),
        ("extent", ["sales"]),
        ("rules", {}),
        ("columns", {}),
        ("rows", {}),
        ("segment_types", {}),
        ("segment_types", [{}]),
        ("segment_types", [{"id": "a", "columns": {}}]),
        ("presence", {"sales": "all"}),
        ("presence", []),
    ],
)
async def test_another_shape_is_no_answer_and_the_log_says_where_it_came_from(question, body):
    with pytest.raises(Transient, match="another shape at http://druid/") as said:
        await ask(question, body)
    assert json.dumps(body, separators=(",", ":"))[:10] in str(said.value).replace(" ", "")


async def test_a_state_that_is_not_known_is_that_of_no_end_and_hides_no_other_task():
    states = {"a": {"status": "WEIRD"}, "b": {"status": "SUCCESS"}}
    assert await ask("statuses", states) == {"a": TaskStatus(TaskState.RUNNING), "b": TaskStatus(TaskState.SUCCESS)}
