"""The mock broker under the settings of the services: one member per group, earliest, idempotent with acks=all."""

import asyncio
import time
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from sluice_local.site import open_site
from sluice_local.standins.parts import StandinKafka

SECONDS = 30.0


@pytest.fixture
def kafka(tmp_path) -> Iterator[StandinKafka]:
    site = open_site(tmp_path, print)
    part = StandinKafka(site)
    try:
        part.start()
        part.wait_ready(time.monotonic() + SECONDS)
        yield part
    finally:
        part.stop()
        site.close()


async def publish(bootstrap: str, values: list[bytes]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True) as producer:
        for value in values:
            await producer.send_and_wait("file.uploaded", value, key=value, headers=[("ce_id", value)])


async def consume(bootstrap: str, count: int) -> list[tuple[bytes, object]]:
    consumer = AIOKafkaConsumer("file.uploaded", bootstrap_servers=bootstrap, group_id="validator",
                                auto_offset_reset="earliest", enable_auto_commit=False)  # fmt: skip
    async with consumer:
        records = [await asyncio.wait_for(consumer.getone(), SECONDS) for _ in range(count)]
        await consumer.commit()
    return sorted((record.value, tuple(record.headers)) for record in records)


async def test_a_group_goes_on_where_its_last_member_committed(kafka):
    first, second = [b"1", b"2", b"3"], [b"4", b"5"]
    await publish(kafka.bootstrap, first)
    assert await consume(kafka.bootstrap, 3) == [(value, (("ce_id", value),)) for value in first]
    await publish(kafka.bootstrap, second)
    assert await consume(kafka.bootstrap, 2) == [(value, (("ce_id", value),)) for value in second]


async def test_the_topics_asked_for_exist(kafka):
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        assert {"file.uploaded", "file.uploaded.dlq"} <= set(await admin.list_topics())
    finally:
        await admin.close()


def test_it_ends_when_told_and_forgets(kafka):
    kafka.stop()
    assert not kafka.alive()
    kafka.start()
    kafka.wait_ready(time.monotonic() + SECONDS)
    assert kafka.alive()
