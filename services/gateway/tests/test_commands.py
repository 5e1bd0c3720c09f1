"""Commands over HTTP, on fakes: recorded before they are told, the same however often they come."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from sluice.claims import LAPSES_AFTER
from sluice.events import (
    Accepted,
    ContractRef,
    Envelope,
    FileValidated,
    Outcome,
    Receipt,
    TaskCommand,
    TaskCompleted,
    TimeRange,
)
from sluice.ledger import active_contract_key, outcome_key, verdict_key
from sluice.messaging import encode_structured

COMMANDS = ("cancel", "retract", "retry")


@pytest.fixture(autouse=True)
def _today(gateway: Any) -> None:
    gateway.clock.now = datetime.now(UTC)  # an id that was drawn tells the day on which its record is looked for


async def accepted(gateway: Any, **headers: str) -> str:
    answer = await gateway.put(body=f"a,b\n1,{uuid4()}\n".encode(), **headers)
    return answer.json()["task_id"]


async def ask(gateway: Any, command: str, task_id: str) -> Any:
    return await gateway.http.post(f"/v1/tasks/{task_id}/{command}")


def conclude(gateway: Any, task_id: str, outcome: Outcome, at: Any = None, retracts: str | None = None) -> None:
    now = gateway.clock.now
    at = at or now.replace(microsecond=now.microsecond // 1000 * 1000)
    fact = TaskCompleted(
        task_id=UUID(task_id),
        datasource="sales",
        filename="a.csv",
        accepted_at=at,
        outcome=outcome,
        rows=Receipt(),
        completed_at=at,
        retracts=UUID(retracts) if retracts else None,
    )
    document = encode_structured(Envelope(str(uuid4()), "sluice/druid-submitter", at, fact))
    gateway.store.objects[outcome_key(at, UUID(task_id))] = document


def told(gateway: Any, command: str) -> list[TaskCommand]:
    return [
        each.data
        for each in gateway.events.published
        if isinstance(each.data, TaskCommand) and each.data.command == command
    ]


def published(gateway: Any, task_id: str) -> list[Any]:
    return [each for each in gateway.events.published if str(each.data.task_id) == task_id]


async def publish(gateway: Any, version: str, eventually: Any) -> None:
    """Make a version active, and wait until the gateway has heard of it."""
    gateway.store.objects[active_contract_key("sales")] = version.encode()
    deadline = time.monotonic() + 10
    while True:
        task_id = await accepted(gateway)
        (event, *_) = await eventually(lambda task_id=task_id: published(gateway, task_id))
        if event.data.contract.version == version:
            return
        assert time.monotonic() < deadline, "the new version is not heard of"
        await asyncio.sleep(0.2)


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_task_that_nobody_knows_is_told_so(gateway: Any, command: str) -> None:
    answer = await ask(gateway, command, str(uuid4()))
    assert (answer.status_code, answer.json()["code"]) == (404, "task-not-found")


@pytest.mark.parametrize("command", COMMANDS)
async def test_an_id_that_is_none_is_refused(gateway: Any, command: str) -> None:
    answer = await ask(gateway, command, "7")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")


@pytest.mark.parametrize("keyed", [{}, {"idempotency_key": "k"}])
async def test_a_cancel_is_recorded_then_told_and_the_same_when_it_comes_again(
    gateway: Any, eventually: Any, keyed: dict[str, str]
) -> None:
    task_id = await accepted(gateway, **keyed)
    answers = [await ask(gateway, "cancel", task_id) for _ in range(2)]
    for answer in answers:
        assert answer.status_code == 202
        assert answer.json()["task_id"] == answer.json()["of_task"] == task_id
        assert answer.headers["location"] == answer.json()["status_url"] == f"https://sluice.example/v1/tasks/{task_id}"
    assert len(gateway.store.keys("commands/")) == 1
    asked = (await eventually(lambda: told(gateway, "cancel")))[0]
    assert (str(asked.task_id), asked.datasource, asked.filename) == (task_id, "sales", "a.csv")
    assert asked.accepted_at == gateway.record().data.accepted_at
    assert len({each.id for each in gateway.events.published if each.data.TYPE == TaskCommand.TYPE}) == 1


@pytest.mark.parametrize("outcome", Outcome)
async def test_a_task_that_has_ended_is_not_cancelled(gateway: Any, outcome: Outcome) -> None:
    task_id = await accepted(gateway)
    conclude(gateway, task_id, outcome)
    answer = await ask(gateway, "cancel", task_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing-to-cancel")
    assert ("retract" in answer.json()["detail"]) == (outcome is Outcome.SUCCEEDED)
    assert gateway.store.keys("commands/") == []


async def test_a_command_that_kafka_did_not_take_is_told_until_it_shows_its_effect(
    gateway: Any, eventually: Any
) -> None:
    task_id = await accepted(gateway)
    gateway.events.down = True
    assert (await ask(gateway, "cancel", task_id)).status_code == 202
    gateway.events.down = False
    await eventually(lambda: told(gateway, "cancel"))

    def told_again() -> bool:
        gateway.clock.forward(30)
        return len(told(gateway, "cancel")) > 2

    await eventually(told_again)
    conclude(gateway, task_id, Outcome.CANCELLED, gateway.record().data.accepted_at)
    heard = -1
    while len(told(gateway, "cancel")) != heard:  # what was on its way when the outcome came
        heard = len(told(gateway, "cancel"))
        gateway.clock.forward(100)
        await asyncio.sleep(0.2)


async def test_a_retract_is_a_task_of_its_own_and_one_until_it_fails(gateway: Any, eventually: Any) -> None:
    task_id = await accepted(gateway)
    early = await ask(gateway, "retract", task_id)
    assert (early.status_code, early.json()["code"]) == (409, "task-not-concluded")
    conclude(gateway, task_id, Outcome.SUCCEEDED)
    first, again = await ask(gateway, "retract", task_id), await ask(gateway, "retract", task_id)
    assert first.status_code == again.status_code == 202
    assert first.json() == again.json()
    retraction = first.json()["task_id"]
    assert retraction != task_id == first.json()["of_task"]
    (asked, *_) = await eventually(lambda: told(gateway, "retract"))
    assert (str(asked.task_id), str(asked.retraction)) == (task_id, retraction)

    conclude(gateway, retraction, Outcome.FAILED)
    second = (await ask(gateway, "retract", task_id)).json()["task_id"]
    assert second not in {retraction, task_id}
    conclude(gateway, second, Outcome.SUCCEEDED)
    done = await ask(gateway, "retract", task_id)
    assert (done.status_code, done.json()["code"]) == (409, "nothing-to-retract")
    assert second in done.json()["detail"]


async def test_of_many_retracts_at_once_one_task_comes(gateway: Any) -> None:
    task_id = await accepted(gateway)
    conclude(gateway, task_id, Outcome.SUCCEEDED)
    answers = await asyncio.gather(*(ask(gateway, "retract", task_id) for _ in range(20)))
    assert len({answer.json()["task_id"] for answer in answers}) == 1
    assert len(gateway.store.keys("retractions/")) == 1


async def retraction_of_a_file(gateway: Any) -> tuple[str, str]:
    """The task of the file, and the one that takes its rows out."""
    task_id = await accepted(gateway)
    conclude(gateway, task_id, Outcome.SUCCEEDED)
    return task_id, (await ask(gateway, "retract", task_id)).json()["task_id"]


async def test_a_retraction_is_cancelled_as_any_task_and_may_be_asked_for_again(gateway: Any, eventually: Any) -> None:
    task_id, retraction = await retraction_of_a_file(gateway)
    answers = [await ask(gateway, "cancel", retraction) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["task_id"] == answers[0].json()["of_task"] == retraction
    asked = (await eventually(lambda: told(gateway, "cancel")))[0]
    (made,) = {each.made() for each in await eventually(lambda: told(gateway, "retract"))}
    assert (asked.task_id, asked.datasource, asked.accepted_at) == (made.task_id, "sales", made.accepted_at)
    gateway.clock.forward(24 * 3600)
    early = await ask(gateway, "retract", task_id)
    assert (early.status_code, early.json()["code"]) == (409, "task-not-concluded")
    assert retraction in early.json()["detail"]
    conclude(gateway, retraction, Outcome.CANCELLED, made.accepted_at, retracts=task_id)
    over = await ask(gateway, "cancel", retraction)
    assert (over.status_code, over.json()["code"]) == (409, "nothing-to-cancel")
    again = await ask(gateway, "retract", task_id)
    assert again.status_code == 202
    assert again.json()["task_id"] != retraction


@pytest.mark.parametrize("outcome", [Outcome.SUCCEEDED, Outcome.FAILED, Outcome.CANCELLED])
async def test_a_retraction_has_no_file_and_no_rows_of_its_own(gateway: Any, outcome: Outcome) -> None:
    task_id, retraction = await retraction_of_a_file(gateway)
    for command in ("retract", "retry"):
        early = await ask(gateway, command, retraction)
        assert (early.status_code, early.json()["code"]) == (409, "task-not-concluded")
    conclude(gateway, retraction, outcome, retracts=task_id)
    for command in ("cancel", "retract", "retry"):
        answer = await ask(gateway, command, retraction)
        assert (answer.status_code, answer.json()["code"]) == (409, f"nothing-to-{command}")
        assert (task_id in answer.json()["detail"]) == (command != "cancel")
        assert "take its rows out" not in answer.json()["detail"]


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.REJECTED, Outcome.CANCELLED])
async def test_only_what_succeeded_is_retracted(gateway: Any, outcome: Outcome) -> None:
    task_id = await accepted(gateway)
    conclude(gateway, task_id, outcome)
    answer = await ask(gateway, "retract", task_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing-to-retract")


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.REJECTED, Outcome.CANCELLED])
async def test_a_retry_is_a_new_task_of_the_stored_file_under_the_contract_in_force(
    gateway: Any, outcome: Outcome, eventually: Any
) -> None:
    task_id = await accepted(gateway)
    first = gateway.record().data
    early = await ask(gateway, "retry", task_id)
    assert (early.status_code, early.json()["code"]) == (409, "task-not-concluded")
    conclude(gateway, task_id, outcome)
    await publish(gateway, "1.1.0", eventually)
    answers = await asyncio.gather(*(ask(gateway, "retry", task_id) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {202}
    (retry,) = {answer.json()["task_id"] for answer in answers}
    assert retry != task_id
    assert answers[0].json()["content_digest"]
    (second,) = {each.data for each in await eventually(lambda: published(gateway, retry))}
    assert (second.retries, second.corrects, second.object) == (first.task_id, first.task_id, first.object)
    assert second.contract == ContractRef(datasource="sales", version="1.1.0")

    conclude(gateway, retry, Outcome.FAILED)
    over = await ask(gateway, "retry", task_id)
    assert (over.status_code, over.json()["code"]) == (409, "nothing-to-retry")
    assert retry in over.json()["detail"]
    assert (await ask(gateway, "retry", retry)).json()["task_id"] not in {task_id, retry}


async def correct(gateway: Any, parent: str) -> Any:
    return await gateway.put(f"a.csv?corrects={parent}", body=f"a,b\n1,{uuid4()}\n".encode())


TAKEN = [(None, "correction-under-way"), (Outcome.SUCCEEDED, "already-corrected")]


@pytest.mark.parametrize(("ended", "code"), TAKEN)
async def test_a_task_that_is_corrected_is_not_tried_again(gateway: Any, ended: Outcome | None, code: str) -> None:
    parent = await accepted(gateway)
    conclude(gateway, parent, Outcome.FAILED)
    child = (await correct(gateway, parent)).json()["task_id"]
    if ended:
        conclude(gateway, child, ended)
    refused = await ask(gateway, "retry", parent)
    assert (refused.status_code, refused.json()["code"]) == (409, code)
    assert len(gateway.store.keys("accepted/")) == 2
    assert gateway.store.keys("keys/") == []


@pytest.mark.parametrize(("ended", "code"), TAKEN)
async def test_a_task_that_is_tried_again_is_not_corrected(gateway: Any, ended: Outcome | None, code: str) -> None:
    parent = await accepted(gateway)
    conclude(gateway, parent, Outcome.FAILED)
    retry = (await ask(gateway, "retry", parent)).json()["task_id"]
    if ended:
        conclude(gateway, retry, ended)
    refused = await correct(gateway, parent)
    assert (refused.status_code, refused.json()["code"]) == (409, code)
    assert (retry in refused.json()["detail"]) == (ended is not None)
    assert len(gateway.store.keys("accepted/")) == len(gateway.store.keys("raw/")) + 1 == 2


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.REJECTED, Outcome.CANCELLED])
async def test_whatever_did_not_succeed_makes_room_for_the_next_retry_or_correction(
    gateway: Any, outcome: Outcome
) -> None:
    first = await accepted(gateway)
    conclude(gateway, first, Outcome.FAILED)
    conclude(gateway, (await correct(gateway, first)).json()["task_id"], outcome)
    retry = (await ask(gateway, "retry", first)).json()["task_id"]
    conclude(gateway, retry, outcome)
    elsewhere = await correct(gateway, retry)
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (409, "correct-the-first")
    assert first in elsewhere.json()["detail"]
    child = (await correct(gateway, first)).json()["task_id"]
    assert (await ask(gateway, "retry", retry)).json()["code"] == "correction-under-way"
    conclude(gateway, child, outcome)
    assert (await ask(gateway, "retry", retry)).status_code == 202
    assert (await correct(gateway, first)).json()["code"] == "correction-under-way"


async def test_of_retries_and_corrections_at_once_one_task_comes(gateway: Any) -> None:
    parent = await accepted(gateway)
    conclude(gateway, parent, Outcome.FAILED)
    asked = [correct(gateway, parent) if n % 2 else ask(gateway, "retry", parent) for n in range(20)]
    answers = await asyncio.gather(*asked)
    assert len({answer.json()["task_id"] for answer in answers if answer.status_code == 202}) == 1
    assert {answer.json()["code"] for answer in answers if answer.status_code != 202} == {"correction-under-way"}
    assert len(gateway.store.keys("accepted/")) == 2


@pytest.mark.parametrize("landed", [True, False])
@pytest.mark.parametrize("step", ["keys/", "corrections/", "accepted/"])
async def test_a_retry_that_a_crash_left_half_done_is_finished_by_asking_again(
    gateway: Any, fault: Any, *, landed: bool, step: str
) -> None:
    parent = await accepted(gateway)
    conclude(gateway, parent, Outcome.FAILED)
    gateway.store.faults.append(fault("create", step, landed))
    assert (await ask(gateway, "retry", parent)).status_code == 503
    answers = [await ask(gateway, "retry", parent) for _ in range(2)]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["task_id"] for answer in answers}) == 1
    assert gateway.store.keys(f"corrections/{parent}/") == [f"corrections/{parent}/1.json"]
    assert len(gateway.store.keys("accepted/")) == 2


async def test_a_retry_that_nobody_finished_keeps_corrections_out_for_an_hour(gateway: Any, fault: Any) -> None:
    parent = await accepted(gateway)
    conclude(gateway, parent, Outcome.FAILED)
    gateway.store.faults.append(fault("create", "accepted/", landed=False))
    assert (await ask(gateway, "retry", parent)).status_code == 503
    assert (await correct(gateway, parent)).json()["code"] == "correction-under-way"
    gateway.clock.forward(LAPSES_AFTER.total_seconds())
    assert (await correct(gateway, parent)).status_code == 202


async def test_what_succeeded_is_not_tried_again(gateway: Any) -> None:
    task_id = await accepted(gateway)
    conclude(gateway, task_id, Outcome.SUCCEEDED)
    answer = await ask(gateway, "retry", task_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing-to-retry")
    assert len(gateway.store.keys("accepted/")) == 1


async def test_a_task_of_another_system_s_event_is_known_by_its_verdict(gateway: Any) -> None:
    at, task_id = gateway.clock.now.replace(microsecond=0), uuid4()
    verdict = Accepted(
        source=1,
        accepted=1,
        rejected=0,
        contract=ContractRef(datasource="sales", version="1.0.0"),
        canonical=("s3://sluice/canonical/a",),
        time_range=TimeRange(first=at, last=at),
        report="s3://sluice/reports/a",
    )
    fact = FileValidated(task_id=task_id, datasource="sales", filename="a.csv", accepted_at=at, verdict=verdict)
    gateway.store.objects[verdict_key("sales", task_id)] = encode_structured(
        Envelope("v", "sluice/validator", at, fact)
    )
    assert (await ask(gateway, "cancel", str(task_id))).status_code == 202
    conclude(gateway, str(task_id), Outcome.FAILED, at)
    refused = await ask(gateway, "retry", str(task_id))
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing-to-retry")
    assert "new id" in refused.json()["detail"]


@pytest.mark.parametrize("step", ["commands/", "retractions/"])
@pytest.mark.parametrize("landed", [False, True])
async def test_a_record_in_doubt_is_settled_by_asking_again(
    gateway: Any, fault: Any, *, step: str, landed: bool
) -> None:
    task_id = await accepted(gateway)
    conclude(gateway, task_id, Outcome.SUCCEEDED)
    gateway.store.faults.append(fault("create", step, landed))
    doubtful = await ask(gateway, "retract", task_id)
    assert (doubtful.status_code, doubtful.json()["code"]) == (503, "dependency-unavailable")
    assert (await ask(gateway, "retract", task_id)).status_code == 202
    assert len(gateway.store.keys("retractions/")) == len(gateway.store.keys("commands/")) == 1
