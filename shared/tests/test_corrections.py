"""Who may correct what: on a ledger in memory, with two children at once, crashes in between, and everything delivered twice."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from sluice.claims import LAPSES_AFTER
from sluice.corrections import Basis, Corrections
from sluice.errors import ObjectExists, ObjectMissing
from sluice.events import Accepted, Outcome, Problem, Receipt, TaskCompleted, follow
from sluice.ledger import accepted_key, claim_key, correction_key, outcome_key, run_file_key, verdict_key
from sluice.messaging import encode_structured
from sluice.testing.builders import NOW, file_uploaded, file_validated, verdict_accepted, verdict_rejected
from sluice.testing.fakes import ManualClock

RUN = UUID(int=1)


@dataclass
class Ledger:
    """S3 in memory; every call lets others go first."""

    objects: dict[str, bytes] = field(default_factory=dict)

    def uri(self, key):
        return f"s3://sluice/{key}"

    async def get(self, key):
        await asyncio.sleep(0)
        if key not in self.objects:
            raise ObjectMissing(key)
        return self.objects[key]

    async def head(self, key):
        return await self.get(key)

    async def create(self, key, body, _content_type=""):
        await asyncio.sleep(0)
        if key in self.objects:
            raise ObjectExists(key)
        self.objects[key] = body

    async def delete(self, key):
        self.objects.pop(key, None)

    def accept(self, child):
        envelope = file_uploaded(child.task_id, accepted_at=child.accepted_at, corrects=child.corrects)
        self.objects[accepted_key(child.accepted_at, child.task_id)] = encode_structured(envelope)

    def conclude(self, task_id, outcome, *, open_rows=False, verdict=True):
        run = f"s3://sluice/{run_file_key('sales', task_id, RUN, 'report.json')}"
        judged = verdict_accepted(report=run) if outcome is Outcome.SUCCEEDED else verdict_rejected()
        fact = file_validated(judged, task_id)
        if verdict:
            self.objects[verdict_key("sales", task_id)] = encode_structured(fact)
        about = {name: getattr(fact.data, name) for name in ("task_id", "datasource", "filename", "accepted_at")}
        end = TaskCompleted(**about, outcome=outcome, rows=Receipt(), completed_at=NOW)
        self.objects[outcome_key(NOW, task_id)] = encode_structured(follow(fact, end, source="sluice/test", time=NOW))
        if open_rows:
            assert isinstance(judged, Accepted)
            self.objects[run_file_key("sales", task_id, RUN, "open-rows.parquet")] = b"rows"


@pytest.fixture
def ledger():
    return Ledger()


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def corrections(ledger, clock):
    return Corrections(ledger, clock)


def child_of(parent):
    return file_uploaded(corrects=parent).data


@pytest.fixture
def partly(ledger):
    """A task that succeeded with rows still open."""
    task_id = uuid4()
    ledger.conclude(task_id, Outcome.SUCCEEDED, open_rows=True)
    return task_id


def code(answer):
    return answer.code if isinstance(answer, Problem) else None


@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.FAILED, Outcome.CANCELLED])
async def test_what_did_not_succeed_is_corrected_by_a_whole_file(ledger, corrections, outcome):
    parent = uuid4()
    ledger.conclude(parent, outcome)
    assert await corrections.claim(child_of(parent)) == Basis(parent, None)


async def test_what_succeeded_in_part_is_corrected_by_its_open_rows(corrections, partly):
    assert await corrections.claim(child_of(partly)) == Basis(partly, f"reports/sales/{partly}/{RUN}/open-rows.parquet")


async def test_what_succeeded_whole_is_not_corrected(ledger, corrections):
    parent = uuid4()
    ledger.conclude(parent, Outcome.SUCCEEDED)
    assert code(await corrections.claim(child_of(parent))) == "nothing-to-correct"
    assert not [key for key in ledger.objects if key.startswith("corrections/")]


async def test_a_task_of_which_nothing_is_known_is_not_found(corrections):
    assert code(await corrections.claim(child_of(uuid4()))) == "task-not-found"


async def test_a_task_of_another_datasource_is_not_found(ledger, corrections, partly):
    child = child_of(partly).model_copy(update={"datasource": "weather"})
    assert code(await corrections.claim(child)) == "task-not-found"


SEVEN = UUID(int=(int(NOW.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62) | 5)


@pytest.mark.parametrize("task_id", [uuid4(), SEVEN, UUID(int=(SEVEN.int - (86_400_000 << 80)))])
async def test_a_task_under_way_is_waited_for(ledger, corrections, task_id):
    envelope = file_uploaded(task_id)
    key = accepted_key(NOW, task_id) if task_id.version == 7 else claim_key(task_id)
    ledger.objects[key] = encode_structured(envelope)
    assert code(await corrections.check("sales", task_id, uuid4())) == "task-not-concluded"
    assert code(await corrections.check("weather", task_id, uuid4())) == "task-not-found"
    ledger.conclude(task_id, Outcome.CANCELLED, verdict=False)
    assert await corrections.check("sales", task_id, uuid4()) == Basis(task_id, None)


async def test_a_verdict_without_outcome_is_waited_for(ledger, corrections, partly):
    del ledger.objects[outcome_key(NOW, partly)]
    assert code(await corrections.claim(child_of(partly))) == "task-not-concluded"


async def test_of_many_children_at_once_one_wins(ledger, corrections, partly):
    children = [child_of(partly) for _ in range(20)]
    answers = await asyncio.gather(*(corrections.claim(child) for child in children))
    winners = [child for child, answer in zip(children, answers, strict=True) if isinstance(answer, Basis)]
    assert len(winners) == 1
    assert {code(answer) for answer in answers} == {None, "correction-under-way"}
    assert [code(await corrections.confirm(child)) for child in children].count(None) == 1
    assert code(await corrections.confirm(winners[0])) is None


async def test_a_child_that_claims_many_times_at_once_holds_one_claim(ledger, corrections, partly):
    child = child_of(partly)
    answers = await asyncio.gather(*(corrections.claim(child) for _ in range(20)))
    assert {code(answer) for answer in answers} == {None}
    assert correction_key(partly, 2) not in ledger.objects


async def test_a_child_that_claims_again_finds_its_claim(ledger, corrections, partly):
    child = child_of(partly)
    first = await corrections.claim(child)
    keys = set(ledger.objects)
    assert await corrections.claim(child) == first
    assert await corrections.check("sales", partly, child.task_id) == first
    assert set(ledger.objects) == keys
    ledger.accept(child)
    ledger.conclude(child.task_id, Outcome.SUCCEEDED)
    assert await corrections.claim(child) == first


@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.FAILED, Outcome.CANCELLED])
async def test_the_next_may_come_after_a_child_that_did_not_succeed(ledger, corrections, partly, outcome):
    first, second = child_of(partly), child_of(partly)
    await corrections.claim(first)
    ledger.accept(first)
    assert code(await corrections.claim(second)) == "correction-under-way"
    ledger.conclude(first.task_id, outcome)
    assert isinstance(await corrections.claim(second), Basis)
    assert code(await corrections.confirm(first)) == "correction-overtaken"
    assert code(await corrections.confirm(second)) is None


async def test_after_a_child_that_succeeded_that_child_is_corrected(ledger, corrections, partly):
    first, second = child_of(partly), child_of(partly)
    await corrections.claim(first)
    ledger.conclude(first.task_id, Outcome.SUCCEEDED, open_rows=True)
    refused = await corrections.claim(second)
    assert (code(refused), str(first.task_id) in refused.message) == ("already-corrected", True)
    assert isinstance(await corrections.claim(child_of(first.task_id)), Basis)


async def test_a_correction_that_failed_is_not_corrected_itself(ledger, corrections):
    # or the same file could come in twice: for the child, and for its parent
    first = uuid4()
    ledger.conclude(first, Outcome.REJECTED)
    child = child_of(first)
    await corrections.claim(child)
    ledger.conclude(child.task_id, Outcome.REJECTED)
    refused = await corrections.claim(child_of(child.task_id))
    assert (code(refused), str(first) in refused.message) == ("correct-the-first", True)
    assert isinstance(await corrections.claim(child_of(first)), Basis)


async def test_a_claim_that_was_never_accepted_lapses(corrections, clock, partly):
    lost, later = child_of(partly), child_of(partly)
    await corrections.claim(lost)
    clock.advance(LAPSES_AFTER.total_seconds() - 1)
    assert code(await corrections.claim(later)) == "correction-under-way"
    clock.advance(1)
    assert isinstance(await corrections.claim(later), Basis)
    assert code(await corrections.confirm(lost)) == "correction-overtaken"


async def test_an_accepted_claim_never_lapses(ledger, corrections, clock, partly):
    child = child_of(partly)
    await corrections.claim(child)
    ledger.accept(child)
    clock.advance(timedelta(days=30).total_seconds())
    assert code(await corrections.claim(child_of(partly))) == "correction-under-way"


async def test_a_claim_from_outside_has_no_acceptance_to_wait_for(corrections, clock, partly):
    await corrections.claim(child_of(partly), recorded=False)
    clock.advance(timedelta(days=30).total_seconds())
    assert code(await corrections.claim(child_of(partly))) == "correction-under-way"


async def test_who_is_accepted_at_the_last_moment_keeps_its_claim(ledger, corrections, clock, partly):
    slow, quick = child_of(partly), child_of(partly)
    await corrections.claim(slow)
    clock.advance(LAPSES_AFTER.total_seconds())
    create = ledger.create

    async def accepted_meanwhile(key, body, content_type=""):
        await create(key, body, content_type)
        if key == correction_key(partly, 2):
            ledger.accept(slow)

    ledger.create = accepted_meanwhile
    assert code(await corrections.claim(quick)) == "correction-under-way"
    assert code(await corrections.confirm(slow)) is None
    assert correction_key(partly, 2) not in ledger.objects


async def test_a_report_outside_the_tasks_own_place_opens_nothing(ledger, corrections, partly):
    verdict = file_validated(verdict_accepted(report="s3://sluice/reports/sales/other/run/report.json"), partly)
    ledger.objects[verdict_key("sales", partly)] = encode_structured(verdict)
    ledger.objects["reports/sales/other/run/open-rows.parquet"] = b"rows"
    assert code(await corrections.claim(child_of(partly))) == "nothing-to-correct"
