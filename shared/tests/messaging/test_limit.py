"""Whose dead letters stop the consumer."""

import pytest

from sluice.errors import Permanent
from sluice.messaging.cloudevents import encode
from sluice.messaging.deadletter import DeadLetterLimit
from sluice.messaging.delivery import Delivery, Stopped
from sluice.messaging.record import Record
from sluice.testing import file_uploaded


class Letters:
    def __init__(self):
        self.written = []

    async def publish_letter(self, topic, record, _added):
        self.written.append((topic, record.value))


@pytest.fixture
def letters():
    return Letters()


@pytest.fixture
def delivery(letters):
    async def handle(_envelope):
        raise Permanent("a bad deploy")

    return Delivery("test", handle, letters, limit=DeadLetterLimit(limit=3))


def record(source: bytes, value: bytes = b"junk") -> Record:
    return Record("file.uploaded", 0, 0, None, value, (("ce_source", source),))


async def test_junk_from_outside_is_put_aside_and_stops_nobody(delivery, letters):
    for _ in range(50):
        await delivery._deliver(record(b"somebody"))
    assert len(letters.written) == 50
    assert await delivery.reading()


async def test_events_of_our_own_that_nobody_can_read_stop_the_consumer(delivery, letters):
    for _ in range(3):
        await delivery._deliver(record(b"sluice/gateway"))
    with pytest.raises(Stopped):
        await delivery._deliver(record(b"sluice/gateway"))
    assert len(letters.written) == 3
    assert not await delivery.reading()


async def test_events_that_cannot_be_handled_stop_the_consumer(delivery, letters):
    key, value, headers = encode(file_uploaded())
    whole = Record("file.uploaded", 0, 0, key, value, tuple((name, text.encode()) for name, text in headers.items()))
    for _ in range(3):
        await delivery._deliver(whole)
    with pytest.raises(Stopped):
        await delivery._deliver(whole)
    assert len(letters.written) == 3
