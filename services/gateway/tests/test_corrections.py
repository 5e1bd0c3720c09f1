"""Uploads that correct a task: only what may be claimed is accepted, once, and what is refused leaves nothing."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from gateway.errors import CORRECTIONS
from sluice import corrections
from sluice.claims import LAPSES_AFTER
from sluice.events import Outcome, Problem, Receipt, TaskCompleted, follow
from sluice.ledger import outcome_key, run_file_key, verdict_key
from sluice.messaging import encode_structured
from sluice.testing.builders import NOW, file_validated, verdict_accepted, verdict_rejected

RUN = UUID(int=1)
BODY = b"a,b\n1,2\n"


def conclude(store: Any, task_id: UUID, outcome: Outcome, *, open_rows: bool = False) -> None:
    """What the validator and the druid-submitter leave on S3."""
    report = store.uri(run_file_key("sales", task_id, RUN, "report.json"))
    judged = verdict_accepted(report=report) if outcome is Outcome.SUCCEEDED else verdict_rejected()
    fact = file_validated(judged, task_id)
    store.objects[verdict_key("sales", task_id)] = encode_structured(fact)
    about = {name: getattr(fact.data, name) for name in ("task_id", "datasource", "filename", "accepted_at")}
    end = TaskCompleted(**about, outcome=outcome, rows=Receipt(), completed_at=NOW)
    store.objects[outcome_key(NOW, task_id)] = encode_structured(follow(fact, end, source="sluice/test", time=NOW))
    if open_rows:
        store.objects[run_file_key("sales", task_id, RUN, corrections.OPEN_ROWS)] = b"rows"


@pytest.fixture
def parent(store: Any) -> UUID:
    task_id = uuid4()
    conclude(store, task_id, Outcome.REJECTED)
    return task_id


async def put(gateway: Any, parent: UUID, body: Any = BODY, key: str | None = None, name: str = "a.csv") -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    url = f"/v1/datasources/sales/files/{name}"
    return await gateway.http.put(url, params={"corrects": str(parent)}, content=body, headers=headers)


def of_uploads(gateway: Any) -> list[str]:
    return [
        key
        for key in gateway.store.left_behind()
        if key.partition("/")[0] in {"raw", "keys", "accepted", "corrections"}
    ]


@pytest.mark.parametrize("route", ["put", "query of a form", "form"])
async def test_an_upload_names_the_task_that_it_corrects(gateway: Any, parent: UUID, route: str) -> None:
    if route == "put":
        answer = await put(gateway, parent)
    elif route == "form":
        answer = await gateway.post(data={"corrects": str(parent)})
    else:
        files = {"file": ("a.csv", BODY)}
        answer = await gateway.http.post(f"/v1/datasources/sales/files?corrects={parent}", files=files)
    assert answer.status_code == 202
    assert gateway.record().data.corrects == parent
    assert gateway.store.keys("corrections/") == sorted(
        (f"corrections/{parent}/1.json", f"corrections/{answer.json()['task_id']}/parent.json")
    )


async def refused_with_nothing_left(gateway: Any, parent: UUID) -> Any:
    before = of_uploads(gateway)
    answer = await put(gateway, parent)
    assert of_uploads(gateway) == before
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"].endswith(".")
    return answer


async def test_an_unknown_task_is_not_found(gateway: Any) -> None:
    answer = await refused_with_nothing_left(gateway, uuid4())
    assert (answer.status_code, answer.json()["code"]) == (404, "task-not-found")


async def test_what_is_refused_is_not_stored_first(gateway: Any, fault: Any) -> None:
    never = fault("write", "raw/")
    gateway.store.faults.append(never)
    await refused_with_nothing_left(gateway, uuid4())
    assert gateway.store.faults == [never]


async def test_a_task_under_way_is_to_be_waited_for(gateway: Any) -> None:
    parent = UUID((await gateway.put(idempotency_key="k")).json()["task_id"])
    answer = await refused_with_nothing_left(gateway, parent)
    assert (answer.status_code, answer.json()["code"]) == (409, "task-not-concluded")
    assert answer.headers["retry-after"]


async def test_nothing_is_to_be_corrected_where_all_rows_were_accepted(gateway: Any) -> None:
    parent = uuid4()
    conclude(gateway.store, parent, Outcome.SUCCEEDED)
    answer = await refused_with_nothing_left(gateway, parent)
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing-to-correct")
    conclude(gateway.store, parent, Outcome.SUCCEEDED, open_rows=True)
    assert (await put(gateway, parent)).status_code == 202


async def test_one_correction_at_a_time(gateway: Any, parent: UUID) -> None:
    first = UUID((await put(gateway, parent)).json()["task_id"])
    answer = await refused_with_nothing_left(gateway, parent)
    assert (answer.status_code, answer.json()["code"]) == (409, "correction-under-way")
    assert answer.headers["retry-after"]
    accepted_at = gateway.record().data.accepted_at
    conclude(gateway.store, first, Outcome.SUCCEEDED)
    gateway.store.objects[outcome_key(accepted_at, first)] = gateway.store.objects[outcome_key(NOW, first)]
    answer = await refused_with_nothing_left(gateway, parent)
    assert (answer.status_code, answer.json()["code"]) == (409, "already-corrected")
    assert str(first) in answer.json()["detail"]


async def test_a_correction_that_was_rejected_makes_room_for_the_next(gateway: Any, parent: UUID) -> None:
    first = UUID((await put(gateway, parent)).json()["task_id"])
    conclude(gateway.store, first, Outcome.REJECTED)
    accepted_at = gateway.record().data.accepted_at
    gateway.store.objects[outcome_key(accepted_at, first)] = gateway.store.objects[outcome_key(NOW, first)]
    answer = await refused_with_nothing_left(gateway, first)
    assert (answer.status_code, answer.json()["code"]) == (409, "correct-the-first")
    assert str(parent) in answer.json()["detail"]
    assert (await put(gateway, parent)).status_code == 202


@pytest.mark.parametrize("keyed", [False, True])
async def test_of_many_corrections_at_once_one_is_accepted(gateway: Any, parent: UUID, *, keyed: bool) -> None:
    answers = await asyncio.gather(*(put(gateway, parent, key=f"k{n}" if keyed else None) for n in range(6)))
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409, 409, 409]
    assert len(gateway.store.keys("accepted/")) == 1
    if not keyed:
        assert len(gateway.store.keys("raw/")) == 1


async def test_the_same_correction_again_is_the_same_task(gateway: Any, parent: UUID) -> None:
    first = await put(gateway, parent, key="k")
    before = of_uploads(gateway)
    again = await put(gateway, parent, key="k")
    assert (again.status_code, again.json()) == (202, first.json())
    assert of_uploads(gateway) == before
    other = uuid4()
    conclude(gateway.store, other, Outcome.FAILED)
    changed = await put(gateway, other, key="k")
    assert (changed.status_code, changed.json()["code"]) == (422, "idempotency-key-reused")


@pytest.mark.parametrize("landed", [True, False])
@pytest.mark.parametrize("step", ["corrections/", "accepted/"])
async def test_what_a_crash_left_between_claim_and_acceptance_is_finished(
    gateway: Any, parent: UUID, fault: Any, *, landed: bool, step: str
) -> None:
    gateway.store.faults.append(fault("create", step, landed))
    assert (await put(gateway, parent, key="k")).status_code == 503
    settled = await put(gateway, parent, key="k")
    assert settled.status_code == 202
    assert str(gateway.record().data.task_id) == settled.json()["task_id"]
    assert gateway.store.keys(f"corrections/{parent}/") == [f"corrections/{parent}/1.json"]
    event = gateway.record().data
    assert event.object.uri.removeprefix("s3://sluice/") in gateway.store.objects


async def test_a_claim_that_nobody_finished_is_free_after_an_hour(gateway: Any, parent: UUID, fault: Any) -> None:
    gateway.store.faults.append(fault("create", "accepted/", landed=False))
    assert (await put(gateway, parent)).status_code == 503
    assert (await refused_with_nothing_left(gateway, parent)).json()["code"] == "correction-under-way"
    gateway.clock.forward(LAPSES_AFTER.total_seconds())
    assert (await put(gateway, parent)).status_code == 202


async def test_no_task_is_no_correction(gateway: Any) -> None:
    answer = await gateway.http.put("/v1/datasources/sales/files/a.csv?corrects=me", content=BODY)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")


def test_every_refusal_of_the_library_is_known_here() -> None:
    said = {each.code for each in vars(corrections).values() if isinstance(each, Problem)}
    said |= {corrections._corrected_by(RUN).code, corrections._go_to(RUN).code}
    # the last is said by whoever judges, never to an upload
    assert said - {"correction-overtaken"} == set(CORRECTIONS)
