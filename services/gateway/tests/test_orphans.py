"""Bytes without a record, as a crash between the two leaves them: removed by age; of everything else not one byte is touched."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs
from uuid_utils.compat import uuid7

from gateway.adapters.s3_ledger import S3Ledger
from gateway.adapters.s3_raw import S3Raw
from gateway.app import assemble
from gateway.domain.names import check_name
from gateway.settings import GatewaySettings
from gateway.usecases import AcceptUpload, Offer, SweepOrphans
from sluice.clock import utc_now
from sluice.errors import Transient
from sluice.events import ContractRef
from sluice.ledger import active_contract_key, raw_key
from sluice.tasks import Tasks
from sluice.testing import ManualClock, RecordingPublisher
from sluice.testing.bucket import Fault, InMemoryObjectStore

DAY = 86_400
OFFER = Offer(ContractRef(datasource="sales", version="1.0.0"), check_name("a.csv"))
KEYED = Offer(ContractRef(datasource="sales", version="1.0.0"), check_name("a.csv"), idempotency_key="k")


@dataclass
class World:
    """A gateway on a bucket in memory, and its sweep. Ids are drawn by the real clock, and tell the day."""

    store: InMemoryObjectStore
    clock: ManualClock
    accept: AcceptUpload
    resumable: Any
    sweep: SweepOrphans

    async def crash(self, offer: Offer = OFFER, method: str = "create", prefix: str = "accepted/") -> None:
        """An upload whose bytes land, and after which nothing of the gateway's runs."""
        self.store.faults.append(Fault(method, prefix))
        with pytest.raises(Transient):
            await self.accept(offer, body())

    def raw(self) -> list[str]:
        return list(self.store.keys("raw/"))

    async def swept(self, after: float) -> list[dict[str, Any]]:
        """What is told of a round."""
        self.clock.advance(after)
        with capture_logs() as lines:
            assert await self.sweep() is False
        return [line for line in lines if "without a record" in line["event"]]


async def body(content: bytes = b"a,b\n1,2\n") -> AsyncIterator[bytes]:
    yield content


@pytest.fixture
def world() -> World:
    clock = ManualClock(utc_now())
    store = InMemoryObjectStore(objects={active_contract_key("sales"): b"1.0.0"})
    settings = GatewaySettings(kafka_bootstrap="unused")
    edge = assemble(settings, store, RecordingPublisher(), clock).edge  # type: ignore[arg-type]
    uploads = edge.resumable.find.uploads
    sweep = SweepOrphans(
        S3Raw(store), S3Ledger(store), Tasks(store), uploads, clock, lifetime=timedelta(days=1), days=7
    )
    return World(store, clock, edge.accept, edge.resumable, sweep)


def put(world: World, task_id: UUID, content: bytes = b"12345678", name: str = "a.csv") -> str:
    key = raw_key("sales", task_id, uuid7(), name)
    world.store.objects[key] = content
    return key


async def test_bytes_that_no_record_names_are_removed_when_they_are_old_and_told_in_one_line(world: World) -> None:
    await world.accept(OFFER, body())
    (kept,) = world.raw()
    for _ in range(2):
        await world.crash()
    put(world, uuid4())
    assert await world.swept(after=DAY) == []
    assert len(world.raw()) == 4
    (line,) = await world.swept(after=2 * DAY)
    assert (line["objects"], line["bytes"], line["log_level"]) == (3, 24, "warning")
    assert world.raw() == [kept]
    world.store.faults.append(Fault("list", "raw/"))
    assert await world.swept(after=10) == []  # a day is listed once


async def test_of_two_objects_of_one_task_the_one_that_its_record_names_stays(world: World) -> None:
    task = (await world.accept(KEYED, body())).data.task_id
    (kept,) = world.raw()
    put(world, task)
    await world.swept(after=3 * DAY)
    assert world.raw() == [kept]


async def test_bytes_that_are_claimed_stay_for_the_upload_that_comes_again(world: World) -> None:
    await world.crash(KEYED)
    (kept,) = world.raw()
    assert await world.swept(after=3 * DAY) == []
    accepted = await world.accept(KEYED, body())
    assert accepted.data.object.uri == world.store.uri(kept)
    assert world.raw() == [kept]


async def test_the_day_of_an_object_is_that_of_its_upload_and_a_record_may_be_of_the_next(world: World) -> None:
    world.clock.advance(DAY)
    await world.accept(OFFER, body())
    await world.accept(KEYED, body())
    kept = world.raw()
    assert await world.swept(after=3 * DAY) == []
    assert world.raw() == kept


async def test_a_record_may_be_of_the_day_before_where_the_clock_was_set_back(world: World) -> None:
    world.clock.advance(-DAY)
    await world.accept(OFFER, body())
    kept = world.raw()
    assert await world.swept(after=5 * DAY) == []
    assert world.raw() == kept


async def test_an_old_upload_whose_bytes_are_young_is_looked_at_again(world: World) -> None:
    key = put(world, uuid4())
    young = world.clock() + timedelta(days=2.9)
    world.store.now = lambda: young
    assert await world.swept(after=3 * DAY) == []
    assert world.raw() == [key]
    await world.swept(after=3 * DAY)
    assert world.raw() == []


async def test_the_object_of_a_resumable_upload_is_left_to_its_own_sweep(world: World) -> None:
    upload = await world.resumable.create(OFFER, 8, "")
    world.store.objects[upload.key] = b"a,b\n1,2\n"
    assert await world.swept(after=3 * DAY) == []
    assert world.raw() == [upload.key]


async def test_other_names_are_none_of_ours(world: World) -> None:
    prefix = put(world, uuid4()).rsplit("/", 3)[0]
    strange = ["readme", f"{uuid4()}/x", f"{uuid4()}/x/a.csv", f"{uuid4()}/{uuid4()}/a/b.csv"]
    world.store.objects |= {f"{prefix}/{name}": b"" for name in strange}
    world.store.objects[f"raw/sales/{uuid4()}/{uuid4()}/a.csv"] = b"of an older release"
    await world.swept(after=3 * DAY)
    assert len(world.raw()) == len(strange) + 1


async def test_a_round_that_was_cut_off_is_done_again(world: World) -> None:
    for _ in range(3):
        await world.crash()
    world.store.faults.append(Fault("delete", "raw/"))
    with pytest.raises(Transient):
        await world.swept(after=3 * DAY)
    assert len(world.raw()) == 3
    (line,) = await world.swept(after=10)
    assert line["objects"] == 3
    assert world.raw() == []
