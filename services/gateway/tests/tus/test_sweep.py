"""Uploads that nobody finished in time, and what else is left of them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from gateway.app import assemble, assemble_resumable
from gateway.domain.names import check_name
from gateway.domain.resumable import ResumableUpload, Seal, Why
from gateway.settings import GatewaySettings
from gateway.usecases import Offer
from gateway.usecases.resumable import Resumable
from sluice.errors import Transient
from sluice.events import ContractRef
from sluice.ledger import active_contract_key
from sluice.multipart import Part, Pieces
from sluice.testing import ManualClock, RecordingPublisher
from sluice.testing.bucket import Fault, InMemoryObjectStore

DAY, GRACE, PART = 86_400, 3_600, 32
BODY = b"a,b\n" + b"1,2\n" * 20
OFFER = Offer(ContractRef(datasource="sales", version="1.0.0"), check_name("a.csv"))


@dataclass
class World:
    store: InMemoryObjectStore
    clock: ManualClock
    resumable: Resumable
    sweep: Callable[[], Awaitable[bool]]

    async def upload(self, come: int, length: int = len(BODY), offer: Offer = OFFER) -> ResumableUpload:
        upload = await self.resumable.create(offer, length, "")
        await self.resumable.append(upload, 0, once(BODY[:come]), lambda: None)
        return upload

    def left(self) -> list[str]:
        return [key for key in self.store.left_behind() if not key.startswith(("accepted/", "keys/"))]


async def once(chunk: bytes) -> AsyncIterator[bytes]:
    yield chunk


def assembled(store: InMemoryObjectStore, clock: ManualClock) -> World:
    settings = GatewaySettings(kafka_bootstrap="unused").model_copy(update={"upload_part_bytes": PART})
    finish = assemble(settings, store, RecordingPublisher(), clock).edge.resumable.append.finish  # type: ignore[arg-type]
    return World(store, clock, *assemble_resumable(settings, finish, clock))


@pytest.fixture
def world() -> World:
    clock = ManualClock(datetime.now(UTC))  # ids are drawn by the real clock, and tell how old an upload is
    return assembled(InMemoryObjectStore(objects={active_contract_key("sales"): b"1.0.0"}), clock)


@pytest.mark.parametrize("length", [20, len(BODY)])
async def test_what_was_not_finished_in_time_is_removed_and_told_in_one_line(world: World, length: int) -> None:
    for come in (0, 10):
        await world.upload(come, length)
    world.clock.advance(DAY + GRACE - 5)
    before = dict(world.store.objects)
    await world.sweep()
    assert world.store.objects == before
    world.clock.advance(10)
    await world.upload(10, length)
    young = len(world.left())
    with capture_logs() as lines:
        await world.sweep()
    assert [line for line in lines if line["event"] == "resumable uploads swept"] == [
        {"event": "resumable uploads swept", "log_level": "info", "expired": 2, "aborted": 0}
    ]
    assert len(world.left()) > 0
    assert len(world.store.multiparts) == (1 if length > PART else 0)
    world.clock.advance(DAY + GRACE + 5)
    await world.sweep()
    assert world.left() == []
    assert young > 0


async def test_of_a_finished_upload_the_file_stays(world: World) -> None:
    await world.upload(len(BODY))
    world.clock.advance(DAY + GRACE + 5)
    await world.sweep()
    (raw,) = world.left()
    assert world.store.objects[raw] == BODY
    assert len(world.store.keys("accepted/")) == 1


async def test_one_whose_bytes_had_all_come_is_finished_when_nobody_asks(world: World) -> None:
    upload = await world.upload(0)
    take = world.resumable.append.take
    await take(upload, await take.uploads.arrived(upload), once(BODY))
    await take.uploads.join(upload, (await take.uploads.arrived(upload)).parts)
    await take.uploads.seal(upload, Seal(why=Why.COMPLETE))
    assert world.store.keys("accepted/") == []
    world.clock.advance(DAY + GRACE + 5)
    with capture_logs() as lines:
        await world.sweep()
    assert [line.get("accepted") for line in lines if line["event"] == "resumable uploads swept"] == [1]
    assert len(world.store.keys("accepted/")) == 1
    (raw,) = world.left()
    assert world.store.objects[raw] == BODY


async def test_one_that_was_terminated_leaves_nothing_at_all(world: World) -> None:
    await world.resumable.terminate(await world.upload(40))
    assert world.left() != []
    world.clock.advance(DAY + GRACE + 5)
    await world.sweep()
    assert world.left() == []


async def test_parts_whose_upload_was_never_written_down_are_aborted_by_their_age(world: World) -> None:
    world.store.faults.append(Fault("create", "uploads/"))
    with pytest.raises(Transient):
        await world.upload(0)
    await world.store.begin(f"raw/sales/{uuid4()}/{uuid4()}/a.csv")  # its name tells no age
    await world.store.begin("canonical/sales/x/part-00000.parquet")  # not ours
    await world.sweep()
    assert len(world.store.multiparts) == 3
    world.clock.advance(DAY + GRACE + 5)
    with capture_logs() as lines:
        await world.sweep()
    assert [line.get("aborted") for line in lines if line["event"] == "resumable uploads swept"] == [1]
    assert len(world.store.multiparts) == 2


async def test_a_round_that_was_cut_off_is_finished_by_the_next(world: World) -> None:
    for _ in range(2):
        await world.upload(40)
    world.clock.advance(DAY + GRACE + 5)
    for number in range(60):
        dying = _Dying(**{**vars(world.store), "left": number})
        with pytest.raises(Transient):
            await assembled(dying, world.clock).sweep()
        if not world.left():
            break
    replaced = assembled(replace(world.store), world.clock)
    await replaced.sweep()
    assert world.left() == []
    assert world.store.multiparts == {}


@dataclass
class _Dying(InMemoryObjectStore):
    left: int = 0

    def check(self, method: str, key: str, effect: Any = None) -> None:
        self.left -= 1
        if self.left < 0:
            raise Transient("down")
        super().check(method, key, effect)


def test_only_parts_on_the_grid_count() -> None:
    upload = ResumableUpload.model_validate(
        {
            **dict.fromkeys(("caller", "filename", "metadata", "key"), ""),
            "upload_id": uuid4(),
            "contract": OFFER.contract,
            "format": "csv",
            "idempotency_key": None,
            "corrects": None,
            "length": 100,
            "part_size": 32,
            "created_at": datetime.now(UTC),
            "expires_at": datetime.now(UTC),
            "multipart": "1",
        }
    )

    def whole(*sizes: int) -> int:
        return len(upload.whole(Part(number + 1, size, "") for number, size in enumerate(sizes)))

    assert whole() == 0
    assert whole(32, 32, 32, 4) == 4
    assert whole(32, 31, 32) == 1
    assert whole(32, 32, 4) == 2
    assert whole(32, 32, 32, 32) == 3
    assert whole(32, 32, 32, 4, 32) == 4
    assert len(upload.whole([Part(1, 32, ""), Part(3, 32, "")])) == 1
    assert len(Pieces()) == 0
