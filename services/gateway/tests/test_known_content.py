"""The same bytes once more without a key: the contract says what becomes of them, and exactly one of many wins."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from sluice.events import Envelope, Outcome, Receipt, TaskCommand, TaskCompleted
from sluice.ledger import contract_key, outcome_key, retraction_key
from sluice.messaging import decode_structured, encode_structured

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: t
version: 1.0.0
status: active
schema: [{{name: sales, properties: [{{name: at, logicalType: timestamp, required: true}}]}}]
customProperties: [{{property: sluice, value: {{druid: {{timeColumn: at}}, sameContent: {rule}}}}}]
"""


@pytest.fixture(autouse=True)
def rule(store: Any, clock: Any, request: pytest.FixtureRequest) -> str:
    rule = getattr(request, "param", "refuse")
    store.objects[contract_key("sales", "1.0.0")] = CONTRACT.format(rule=rule).encode()
    return rule


def conclude(gateway: Any, task_id: str, outcome: Outcome) -> None:
    about = next(
        event.data
        for key in gateway.store.keys("accepted/")
        if str((event := decode_structured(gateway.store.objects[key])).data.task_id) == task_id
    )
    conclude_task(gateway, UUID(task_id), about.accepted_at, outcome)


def conclude_task(gateway: Any, task_id: UUID, at: Any, outcome: Outcome) -> None:
    fact = TaskCompleted(
        task_id=task_id,
        datasource="sales",
        filename="a.csv",
        accepted_at=at,
        outcome=outcome,
        rows=Receipt(),
        completed_at=at,
    )
    document = encode_structured(Envelope(str(uuid4()), "sluice/druid-submitter", at, fact))
    gateway.store.objects[outcome_key(at, task_id)] = document


@pytest.mark.parametrize("rule", ["refuse", "return-existing"], indirect=True)
async def test_a_dry_run_holds_no_bytes_and_its_file_may_follow(gateway: Any, rule: str) -> None:
    tried = [(await gateway.put("a.csv?dry_run=true")).json()["task_id"] for _ in range(2)]
    loaded = (await gateway.put()).json()["task_id"]
    assert len({*tried, loaded}) == 3
    assert len(gateway.store.keys("contents/")) == 1, rule


@pytest.mark.parametrize("outcome", [None, Outcome.SUCCEEDED])
async def test_refused_while_the_earlier_one_is_on_its_way_or_loaded(gateway: Any, outcome: Outcome | None) -> None:
    first = (await gateway.put()).json()["task_id"]
    if outcome:
        conclude(gateway, first, outcome)
    for name in ("a.csv", "b.csv"):
        again = await gateway.put(name)
        assert (again.status_code, again.json()["code"]) == (409, "content-known")
        assert first in again.json()["detail"]
        assert ("Retract" in again.json()["detail"]) == (outcome is not None)
    assert len(gateway.store.keys("raw/")) == len(gateway.store.keys("accepted/")) == 1
    assert (await gateway.put(body=b"other")).status_code == 202


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.REJECTED, Outcome.CANCELLED])
async def test_a_claim_ends_with_a_task_that_did_not_succeed(gateway: Any, outcome: Outcome) -> None:
    first = (await gateway.put()).json()["task_id"]
    conclude(gateway, first, outcome)
    assert (await gateway.put()).status_code == 202
    assert (await gateway.put()).status_code == 409


async def test_a_claim_ends_when_its_rows_are_taken_out_again(gateway: Any) -> None:
    first, at = UUID((await gateway.put()).json()["task_id"]), gateway.record().data.accepted_at
    conclude(gateway, str(first), Outcome.SUCCEEDED)
    asked = TaskCommand(task_id=first, command="retract", requested_at=at, retraction=uuid4())
    gateway.store.objects[retraction_key(first, 1)] = encode_structured(Envelope("r", "sluice/gateway", at, asked))
    assert (await gateway.put()).status_code == 409
    conclude_task(gateway, asked.retraction, at, Outcome.SUCCEEDED)
    assert (await gateway.put()).status_code == 202


@pytest.mark.parametrize("rule", ["return-existing"], indirect=True)
async def test_the_earlier_task_is_returned(gateway: Any, rule: str, eventually: Any) -> None:
    gateway.clock.now = datetime.now(UTC)  # an id that is drawn tells the day on which its record is looked for
    first = await gateway.put()
    again = await gateway.put("b.csv")
    assert again.status_code == 202
    assert again.json() == first.json()
    assert len(gateway.store.keys("raw/")) == len(gateway.store.keys("accepted/")) == 1
    await eventually(lambda: gateway.events.published)
    assert {each.data.filename for each in gateway.events.published} == {"a.csv"}


@pytest.mark.parametrize("rule", ["refuse", "return-existing", "allow"], indirect=True)
async def test_of_many_at_once_exactly_one_is_loaded(gateway: Any, rule: str) -> None:
    gateway.clock.now = datetime.now(UTC)  # an id that is drawn tells the day on which its record is looked for
    answers = await asyncio.gather(*(gateway.put() for _ in range(15)))
    codes = {answer.json().get("code") for answer in answers if answer.status_code != 202}
    accepted = 15 if rule == "allow" else 1
    assert len({answer.json()["task_id"] for answer in answers if answer.status_code == 202}) == accepted
    assert len(gateway.store.keys("accepted/")) == len(gateway.store.keys("raw/")) == accepted
    assert codes <= {"refuse": {"content-known"}, "return-existing": {"content-under-way"}, "allow": set()}[rule]


async def test_a_key_of_one_s_own_is_not_asked(gateway: Any) -> None:
    assert (await gateway.put()).status_code == 202
    keyed = [await gateway.put(idempotency_key="k") for _ in range(2)]
    assert {each.status_code for each in keyed} == {202}
    assert len({each.json()["task_id"] for each in keyed}) == 1


async def test_an_upload_that_was_never_accepted_holds_nothing_for_long(gateway: Any, fault: Any) -> None:
    gateway.store.faults.append(fault("create", "accepted/"))
    assert (await gateway.put()).status_code == 503
    assert (await gateway.put()).status_code == 409
    gateway.clock.forward(3600)
    assert (await gateway.put()).status_code == 202


async def failed(gateway: Any) -> str:
    gateway.clock.now = datetime.now(UTC)  # an id that is drawn tells the day on which its record is looked for
    task_id = (await gateway.put()).json()["task_id"]
    conclude(gateway, task_id, Outcome.FAILED)
    return task_id


async def retry(gateway: Any, task_id: str) -> Any:
    return await gateway.http.post(f"/v1/tasks/{task_id}/retry")


@pytest.mark.parametrize("outcome", [None, Outcome.SUCCEEDED])
async def test_a_retry_is_refused_while_its_bytes_are_on_their_way_or_loaded(
    gateway: Any, outcome: Outcome | None
) -> None:
    first = await failed(gateway)
    second = (await gateway.put()).json()["task_id"]
    if outcome:
        conclude(gateway, second, outcome)
    before = gateway.store.left_behind()
    refused = await retry(gateway, first)
    assert (refused.status_code, refused.json()["code"]) == (409, "content-known")
    assert second in refused.json()["detail"]
    assert gateway.store.left_behind() == before


async def test_a_retry_holds_its_bytes_as_an_upload_does(gateway: Any) -> None:
    first = await failed(gateway)
    answers = await asyncio.gather(*(retry(gateway, first) for _ in range(10)))
    assert {each.status_code for each in answers} == {202}  # that its own file was claimed before is in nobody's way
    (task_id,) = {each.json()["task_id"] for each in answers}
    refused = await gateway.put()
    assert (refused.status_code, refused.json()["code"]) == (409, "content-known")
    assert task_id in refused.json()["detail"]
    conclude(gateway, task_id, Outcome.CANCELLED)
    assert (await retry(gateway, task_id)).status_code == 202
    assert (await gateway.put()).status_code == 409


@pytest.mark.parametrize("rule", ["return-existing"], indirect=True)
async def test_a_retry_of_bytes_that_came_again_is_the_task_of_those(gateway: Any, rule: str) -> None:
    first = await failed(gateway)
    second = (await gateway.put()).json()
    assert (await retry(gateway, first)).json() == second, rule
    conclude(gateway, second["task_id"], Outcome.FAILED)
    third = (await retry(gateway, first)).json()
    assert third["task_id"] not in {first, second["task_id"]}
    assert (await gateway.put()).json() == third


async def test_a_retry_that_was_never_accepted_holds_nothing_for_long(gateway: Any, fault: Any) -> None:
    first = await failed(gateway)
    gateway.store.faults.append(fault("create", "accepted/"))
    assert (await retry(gateway, first)).status_code == 503
    assert (await gateway.put()).status_code == 409
    gateway.clock.forward(3600)
    assert (await gateway.put()).status_code == 202
    assert (await retry(gateway, first)).json()["code"] == "content-known"
