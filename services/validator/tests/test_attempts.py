"""A file may kill three readers, wherever they ran; an outage, a stop or a second replica counts for nothing."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from sluice.errors import ObjectExists, ObjectMissing, Transient
from sluice.events import Problem
from sluice.ledger import attempt_key
from sluice.testing import NOW, ManualClock
from validator.adapters import attempts as adapter
from validator.adapters.attempts import S3Attempts
from validator.domain.attempts import MOST, SILENT_AFTER, Mark, spent

LIVING = Mark(seen_at=NOW)
SILENT = Mark(seen_at=NOW - SILENT_AFTER - timedelta(seconds=1))
CRASHED = Mark(seen_at=NOW, crashed="signal 6")


@pytest.mark.parametrize(
    ("marks", "code"),
    [
        ([SILENT, SILENT, SILENT], "too-many-attempts"),
        ([CRASHED, CRASHED, CRASHED], "parser-crashed"),
        ([SILENT, CRASHED, SILENT], "parser-crashed"),
        ([SILENT, SILENT, LIVING], None),
        ([CRASHED, CRASHED, None], None),
    ],
)
def test_only_the_dead_count(marks, code):
    problem = spent(marks, NOW)
    assert (problem and problem.code) == code


@dataclass
class InMemoryStore:
    objects: dict[str, bytes] = field(default_factory=dict)
    down: bool = False

    def _answer(self) -> None:
        if self.down:
            raise Transient("no S3")

    async def create(self, key: str, body: bytes, _content_type: str) -> None:
        self._answer()
        if key in self.objects:
            raise ObjectExists(key)
        self.objects[key] = body

    async def put(self, key: str, body: bytes, _content_type: str) -> None:
        self._answer()
        self.objects[key] = body

    async def get(self, key: str) -> bytes:
        self._answer()
        if key not in self.objects:
            raise ObjectMissing(key)
        return self.objects[key]

    async def delete(self, key: str) -> None:
        self._answer()
        self.objects.pop(key, None)


@dataclass
class Ledger:
    """The store, and validators that share it."""

    store: InMemoryStore = field(default_factory=InMemoryStore)
    clock: ManualClock = field(default_factory=ManualClock)

    def replica(self) -> S3Attempts:
        return S3Attempts(self.store, self.clock)

    async def die_in_mid_work(self, fact) -> None:
        """What a killed validator leaves: its mark, and nobody who renews it."""
        before = dict(self.store.objects)
        async with await self.replica().begin(fact):
            left = dict(self.store.objects)
        assert before.items() < left.items()
        self.store.objects = left

    def silence(self) -> None:
        self.clock.advance(SILENT_AFTER.total_seconds() + 1)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


async def test_validators_that_died_with_the_file_are_counted_up_to_the_third(ledger, make_fact):
    fact = make_fact("csv")
    for number in range(1, MOST + 1):
        await ledger.die_in_mid_work(fact)
        assert attempt_key(fact.datasource, fact.task_id, number) in ledger.store.objects
    with pytest.raises(Transient):  # the last one might be at work elsewhere
        await ledger.replica().begin(fact)
    ledger.silence()
    ended = await ledger.replica().begin(fact)
    assert isinstance(ended, Problem)
    assert ended.code == "too-many-attempts"


async def test_crashes_are_counted_across_restarts_and_known_at_once(ledger, make_fact):
    fact = make_fact("csv")
    await ledger.die_in_mid_work(fact)
    ledger.silence()
    for _ in range(2):
        async with await ledger.replica().begin(fact) as attempt:
            await attempt.crashed("signal 11, with 5 MB of memory taken")
    ended = await ledger.replica().begin(fact)
    assert isinstance(ended, Problem)
    assert ended.code == "parser-crashed"
    assert "signal 11" in ended.message


@pytest.mark.parametrize("error", [None, Transient("no Kafka"), asyncio.CancelledError()])
async def test_orderly_end_leaves_no_mark_however_often(error, ledger, make_fact):
    replica = ledger.replica()
    for _ in range(2 * MOST):
        try:
            async with await replica.begin(make_fact("csv")):
                assert len(ledger.store.objects) == 1
                if error:
                    raise error
        except (Transient, asyncio.CancelledError):
            pass
        assert ledger.store.objects == {}


async def test_outage_at_the_end_of_an_attempt_uses_none_up_and_hides_no_result(ledger, make_fact):
    replica = ledger.replica()
    for _ in range(2 * MOST):
        async with await replica.begin(make_fact("csv")):
            ledger.store.down = True
        with pytest.raises(Transient):
            await replica.begin(make_fact("csv"))
        ledger.store.down = False
        ledger.silence()
    async with await replica.begin(make_fact("csv")):
        assert len(ledger.store.objects) == 1


async def test_three_replicas_at_once_all_read_and_a_fourth_waits_for_them(ledger, make_fact, monkeypatch):
    monkeypatch.setattr(adapter, "BEAT", 0.001)
    fact = make_fact("csv")
    async with await ledger.replica().begin(fact), await ledger.replica().begin(fact):
        async with await ledger.replica().begin(fact):
            ledger.silence()
            async with asyncio.timeout(5):
                while not all(
                    Mark.model_validate_json(each).seen_at == ledger.clock() for each in ledger.store.objects.values()
                ):
                    await asyncio.sleep(0.001)
            with pytest.raises(Transient):
                await ledger.replica().begin(fact)
        async with await ledger.replica().begin(fact):
            assert len(ledger.store.objects) == MOST
    assert ledger.store.objects == {}


async def test_files_are_counted_apart(ledger, make_fact):
    for _ in range(MOST):
        await ledger.die_in_mid_work(make_fact("csv"))
    ledger.silence()
    async with await ledger.replica().begin(make_fact("csv", "other")):
        pass
