"""What a letter holds, and that a task that cannot be ended does not fill the topic with letters."""

from types import SimpleNamespace

import pytest

from sluice.errors import Permanent
from sluice.messaging import Delivery
from sluice.messaging.broker import MAX_LETTER_BYTES
from sluice.messaging.cloudevents import encode
from sluice.messaging.deadletter import DeadLetterLimit, bounded
from sluice.messaging.delivery import Stopped
from sluice.messaging.record import Record
from sluice.testing import file_uploaded

TOPIC = "file.uploaded"


def test_a_record_of_common_size_is_kept_whole():
    record = Record(TOPIC, 0, 0, b"k" * 100, b"\0" * 1_000_000, (("ce_id", b"\xff"), ("x", b"")))
    assert bounded(record) == record


@pytest.mark.parametrize(
    "record",
    [
        Record(TOPIC, 0, 0, None, b"x" * 50_000_000, ()),
        Record(TOPIC, 0, 0, b"k" * 5_000_000, b"", ()),
        Record(TOPIC, 0, 0, None, b"", tuple((f"h{n}", b"\xff" * 100_000) for n in range(40))),
        Record(TOPIC, 0, 0, b"k" * 9_000_000, b"x" * 9_000_000, (("h", b"\xff" * 9_000_000), ("i", b"\xff" * 250_000))),
    ],
    ids=["value", "key", "headers", "all"],
)
def test_a_giant_fits_into_a_letter(record):
    kept = bounded(record)
    escaped = sum(len(name) + len(value.decode("utf-8", "backslashreplace")) for name, value in kept.headers)
    assert len(kept.key or b"") + len(kept.value) + escaped < MAX_LETTER_BYTES - 10_000


async def test_a_task_that_cannot_be_ended_stops_the_consumer_rather_than_writing_letters_for_ever():
    letters = []

    class Publisher:
        async def publish_letter(self, topic, record, added):
            letters.append((topic, record, added))

    async def refuse(*_arguments):
        raise Permanent("S3 refuses")

    delivery = Delivery("test", refuse, Publisher(), abandon=refuse, limit=DeadLetterLimit(limit=3))
    key, value, headers = encode(file_uploaded())
    raw = SimpleNamespace(
        topic=TOPIC,
        partition=0,
        offset=0,
        key=key,
        value=value,
        headers=tuple((name, text.encode()) for name, text in headers.items()),
    )
    for _ in range(3):
        with pytest.raises(Permanent):
            await delivery(SimpleNamespace(raw_message=raw, consumer=None))
    with pytest.raises(Stopped):
        await delivery(SimpleNamespace(raw_message=raw, consumer=None))
    assert len(letters) == 3
