"""Resumable uploads on replicas that may die at any moment: what is accepted is what was sent, and it is accepted once.

Replicas share a bucket in memory; each has a life of its own, and ends between any two requests to S3.
"""

import asyncio
import hashlib
import random
import selectors
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.app import assemble
from gateway.domain.names import check_name
from gateway.domain.resumable import Arrived, ResumableUpload, Seal, Why
from gateway.errors import UploadFinished, UploadGone, UploadIncomplete, UploadLocked
from gateway.settings import GatewaySettings
from gateway.usecases import Offer
from gateway.usecases.resumable import Resumable, Standing
from sluice.errors import SluiceError, Transient
from sluice.events import ContractRef, FileUploaded
from sluice.lease import LASTS
from sluice.ledger import active_contract_key
from sluice.messaging import decode_as
from sluice.multipart import Pieces
from sluice.testing import ManualClock, RecordingPublisher
from sluice.testing.bucket import InMemoryObjectStore

PART = 32
BODY = random.Random(4).randbytes(5 * PART + 7).replace(b"\0", b"\1").replace(b"PK", b"pk")
OFFER = Offer(ContractRef(datasource="sales", version="1.0.0"), check_name("a.csv"))


@dataclass
class MortalStore(InMemoryObjectStore):
    """One replica's way to the bucket. After `left` more requests it is cut; the last may or may not have taken effect."""

    left: int | None = None
    landed: bool = False

    def check(self, method: str, key: str, effect: Any = None) -> None:
        if self.left == 0 and not self.down:
            self.down = True
            if self.landed and effect:
                effect()
        super().check(method, key, effect)
        if self.left is not None:
            self.left -= 1


def bucket() -> MortalStore:
    return MortalStore(objects={active_contract_key("sales"): b"1.0.0"})


def replica_of(store: MortalStore, clock: ManualClock) -> tuple[MortalStore, Resumable]:
    own = replace(store, left=None, down=False)
    configured = GatewaySettings(kafka_bootstrap="unused", upload_lock_patience=5).model_copy(
        update={"upload_part_bytes": PART}
    )
    return own, assemble(configured, own, RecordingPublisher(), clock).edge.resumable


async def once(chunk: bytes) -> AsyncIterator[bytes]:
    yield chunk


def nothing() -> None:
    return


def records(store: InMemoryObjectStore) -> list[FileUploaded]:
    return [decode_as(FileUploaded, store.objects[key]).data for key in store.keys("accepted/")]


def assert_true(store: InMemoryObjectStore, body: bytes = BODY) -> None:
    """Whatever is accepted is the file that was sent, once."""
    found = records(store)
    assert len(found) <= 1
    for each in found:
        assert store.objects[each.object.uri.removeprefix("s3://sluice/")] == body
        assert (each.object.size, each.object.sha256) == (len(body), hashlib.sha256(body).hexdigest())


class Timeless(selectors.SelectSelector):
    """Where everybody waits, time goes on by itself: nothing takes any, and every run is like the one before."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        events = super().select(0)
        self.now += 0.0 if events else timeout or 0.0
        return events


def timeless_loop() -> asyncio.SelectorEventLoop:
    selector = Timeless()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now  # type: ignore[method-assign]
    return loop


async def carry_through(resumable: Resumable, upload: ResumableUpload, body: bytes) -> UUID:
    """As a client does that was cut off: ask, go on."""
    standing = await resumable.look(upload)
    if not standing.finished:
        standing = await resumable.append(upload, standing.offset, once(body[standing.offset :]), nothing)
    assert standing.finished
    return standing.finished.task_id


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("landed", [True, False])
@pytest.mark.parametrize("size", [20, len(BODY)])
async def test_a_gateway_may_die_between_any_two_requests_to_s3(*, size: int, landed: bool, strict: bool) -> None:
    body = BODY[:size]
    for lives in range(200):
        store, clock = bucket(), ManualClock()
        store.strict = strict
        first, resumable = replica_of(store, clock)
        upload = await resumable.create(OFFER, size, "")
        await resumable.append(upload, 0, once(body[:10]), nothing)
        first.left, first.landed = lives, landed
        died = False
        try:
            standing = await resumable.append(upload, 10, once(body[10:]), nothing)
        except Transient:
            died = True
        clock.advance(LASTS.total_seconds() + 1)
        _, second = replica_of(store, clock)
        task_id = await carry_through(second, upload, body)
        assert_true(store, body)
        assert [each.task_id for each in records(store)] == [task_id] == [upload.upload_id]
        if not died:
            assert standing.finished
            break
    else:
        raise AssertionError("it never came to an end")
    assert lives > 10


@dataclass
class Two:
    """Two replicas, and an upload that both of them know."""

    store: MortalStore
    clock: ManualClock
    first: Resumable
    second: Resumable
    upload: ResumableUpload

    @classmethod
    async def at(cls, size: int) -> "Two":
        store, clock = bucket(), ManualClock()
        (_, first), (_, second) = replica_of(store, clock), replica_of(store, clock)
        return cls(store, clock, first, second, await first.create(OFFER, size, ""))

    async def all_but_finished(self, body: bytes) -> Arrived:
        """Every byte is there, and nobody has made anything of it."""
        uploads = self.first.append.uploads
        await self.first.append.take(self.upload, await uploads.arrived(self.upload), once(body))
        return await uploads.arrived(self.upload)


@pytest.mark.parametrize("size", [20, len(BODY)])
async def test_an_upload_that_was_given_up_is_not_finished_by_one_who_saw_it_complete(size: int) -> None:
    two = await Two.at(size)
    complete = await two.all_but_finished(BODY[:size])
    await two.second.terminate(two.upload)
    with pytest.raises(UploadGone):
        await two.first.append.finish(two.upload, complete)
    assert records(two.store) == []
    assert two.store.keys("raw/") == []


@pytest.mark.parametrize("size", [20, len(BODY)])
async def test_an_upload_that_is_being_finished_is_not_given_up(size: int) -> None:
    two = await Two.at(size)
    complete = await two.all_but_finished(BODY[:size])
    finish = two.first.append.finish
    assert (await finish.uploads.seal(two.upload, Seal(why=Why.COMPLETE))).why is Why.COMPLETE
    with pytest.raises(UploadFinished):
        await two.second.terminate(two.upload)
    if not complete.is_stored:
        await finish.uploads.join(two.upload, complete.parts)
    assert await carry_through(two.second, two.upload, BODY[:size]) == two.upload.upload_id
    assert_true(two.store, BODY[:size])


async def test_of_two_who_finish_at_once_one_task_comes_of_it() -> None:
    two = await Two.at(len(BODY))
    complete = await two.all_but_finished(BODY)
    both = [each.append.finish(two.upload, complete) for each in (two.first, two.second)]
    assert {(await each).task_id for each in both} == {two.upload.upload_id}
    assert len(records(two.store)) == 1
    assert_true(two.store)


async def test_what_another_replica_has_written_is_read_before_it_is_vouched_for() -> None:
    two = await Two.at(len(BODY))
    await two.first.append(two.upload, 0, once(BODY[:40]), nothing)
    take = two.second.append.take
    await take(two.upload, await take.uploads.arrived(two.upload), once(BODY[40:]))
    await two.first.look(two.upload)
    assert_true(two.store)
    assert len(records(two.store)) == 1


async def test_a_part_that_was_written_over_is_read_before_it_is_vouched_for() -> None:
    """By somebody who sends another file to the same upload: what is accepted is told truly, whichever it is."""
    two = await Two.at(2 * PART)
    other = b"x" * PART
    complete = await two.all_but_finished(BODY[: 2 * PART])
    await two.store.resume(two.upload.key, two.upload.multipart or "").put(1, Pieces(other))
    with pytest.raises(Transient):
        await two.first.append.finish(two.upload, complete)
    await two.first.look(two.upload)
    assert_true(two.store, other + BODY[PART : 2 * PART])
    assert len(records(two.store)) == 1


async def test_a_gap_between_parts_is_not_counted_and_is_filled() -> None:
    two = await Two.at(len(BODY))
    multipart = two.store.resume(two.upload.key, two.upload.multipart or "")
    for number in (1, 3):
        await multipart.put(number, Pieces(BODY[(number - 1) * PART : number * PART]))
    assert (await two.first.look(two.upload)).offset == PART
    await carry_through(two.second, two.upload, BODY)
    assert_true(two.store)


class Uploads(RuleBasedStateMachine):
    """Two replicas, several clients of one upload, one file. Nobody knows what the others do."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=timeless_loop)
        self.clock = ManualClock()
        self.store = bucket()
        self.known = 0
        self.over = False
        self.running: list[Running] = []
        self.replicas = [replica_of(self.store, self.clock) for _ in range(2)]

    @initialize(size=st.sampled_from([1, 20, PART, 2 * PART, len(BODY)]), strict=st.booleans())
    def begin(self, size: int, *, strict: bool) -> None:
        self.store.strict = strict
        self.replicas = [replica_of(self.store, self.clock) for _ in range(2)]
        self.body = BODY[:size]
        self.upload = self.runner.run(self.replicas[0][1].create(OFFER, size, ""))

    @rule(at=st.integers(0, 1))
    def look(self, at: int) -> None:
        with suppress(SluiceError):
            self.note(self.runner.run(self.replicas[at][1].look(self.upload)))

    @rule(
        at=st.integers(0, 1), size=st.integers(0, 2 * PART), cut=st.booleans(), back=st.sampled_from([0, 0, 0, 5, 33])
    )
    def send(self, at: int, size: int, back: int, *, cut: bool) -> None:
        """A request from what the client believes is the offset, or from before it."""
        start = max(0, self.known - back)

        async def chunks() -> AsyncIterator[bytes]:
            piece = self.body[start : start + size]
            yield piece[: size // 2]
            yield piece[size // 2 :]
            if cut:
                raise UploadIncomplete("cut")

        with suppress(SluiceError):
            self.note(self.runner.run(self.replicas[at][1].append(self.upload, start, chunks(), nothing)))

    @rule(at=st.integers(0, 1), size=st.integers(1, 3 * PART), obeys=st.booleans())
    def send_slowly(self, at: int, size: int, *, obeys: bool) -> None:
        """A request whose body does not come to its end for now; where it does not obey, it sleeps through being stopped, too."""
        running = Running(self.body[self.known : self.known + size], obeys)
        self.running.append(running)
        running.task = self.runner.get_loop().create_task(
            self.replicas[at][1].append(self.upload, self.known, running.body(), running.stop)
        )
        self.runner.run(settled())

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0, 7), size=st.integers(1, PART), ends=st.booleans())
    def wake(self, which: int, size: int, *, ends: bool) -> None:
        """Some more of such a body comes, however late."""
        running = self.running[which % len(self.running)]
        self.runner.run(running.go_on(size, ends=ends))
        if running.task and running.task.done():
            with suppress(SluiceError):
                self.note(running.task.result())

    @rule(at=st.integers(0, 1), lives=st.integers(0, 25), landed=st.booleans())
    def doom(self, at: int, lives: int, *, landed: bool) -> None:
        """This replica dies after so many requests to S3."""
        self.replicas[at][0].left, self.replicas[at][0].landed = lives, landed

    @rule(at=st.integers(0, 1))
    def start_anew(self, at: int) -> None:
        """In the place of a replica that died. Whatever it was at is over."""
        self.replicas[at][0].down = True
        self.replicas[at] = replica_of(self.store, self.clock)

    @rule()
    def let_leases_end(self) -> None:
        self.clock.advance(LASTS.total_seconds() + 1)

    @rule(at=st.integers(0, 1), really=st.integers(0, 9))
    def terminate(self, at: int, really: int) -> None:
        if really == 9:
            with suppress(SluiceError):
                self.runner.run(self.replicas[at][1].terminate(self.upload))

    def note(self, standing: Standing) -> None:
        """What a client learns must be true."""
        self.known = standing.offset
        recorded = {each.task_id for each in records(self.store)}
        assert (standing.offset == len(self.body)) == bool(standing.finished)
        if standing.finished:
            assert recorded == {standing.finished.task_id}

    @invariant()
    def only_the_file_is_accepted(self) -> None:
        assert_true(self.store, getattr(self, "body", BODY))

    def teardown(self) -> None:
        try:
            if hasattr(self, "upload"):
                self.runner.run(self.end())
        finally:
            self.runner.close()

    async def end(self) -> None:
        """Those that sleep wake up for the last time; then one client carries it through, or it was terminated."""
        for running in self.running:
            await running.go_on(len(BODY), ends=True)
            if running.task:
                running.task.cancel()
        await asyncio.gather(*(each.task for each in self.running if each.task), return_exceptions=True)
        self.clock.advance(LASTS.total_seconds() + 1)
        _, resumable = replica_of(self.store, self.clock)
        try:
            await carry_through(resumable, self.upload, self.body)
        except UploadGone:
            assert records(self.store) == []
        else:
            assert len(records(self.store)) == 1
        assert_true(self.store, self.body)


@dataclass
class Running:
    """A request whose body is in the test's hands."""

    rest: bytes
    obeys: bool
    more: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue)
    task: asyncio.Task[Standing] | None = None

    def stop(self) -> None:
        if self.obeys:
            self.more.put_nowait(None)

    async def body(self) -> AsyncIterator[bytes]:
        while chunk := await self.more.get():
            yield chunk
        if chunk is None:
            raise UploadLocked("taken over")

    async def go_on(self, size: int, *, ends: bool) -> None:
        piece, self.rest = self.rest[:size], self.rest[size:]
        if piece:
            self.more.put_nowait(piece)
        if ends or not self.rest:
            self.more.put_nowait(b"")
        await settled()


async def settled() -> None:
    """Everything has gone as far as it can."""
    for _ in range(200):
        await asyncio.sleep(0)


Uploads.TestCase.settings = settings(max_examples=150, stateful_step_count=25, suppress_health_check=list(HealthCheck))
TestUploads = Uploads.TestCase
