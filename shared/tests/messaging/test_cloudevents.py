import json

import pytest

from sluice.errors import Undecodable
from sluice.events import FileUploaded, FileValidated, task_id_for_outside
from sluice.messaging.cloudevents import decode, decode_as, decode_structured, encode, encode_structured
from sluice.messaging.record import Record
from sluice.testing import file_uploaded, file_validated


def record(envelope, topic=None, **changes) -> Record:
    key, value, headers = encode(envelope)
    headers |= changes.pop("headers", {})
    raw = tuple(
        (name, text.encode() if isinstance(text, str) else text) for name, text in headers.items() if text is not None
    )
    return Record(topic or envelope.data.TOPIC, 0, 7, key, changes.get("value", value), raw)


@pytest.mark.parametrize("envelope", [file_uploaded(), file_validated()], ids=["uploaded", "validated"])
def test_binary_and_structured_mode_say_the_same(envelope):
    assert decode(record(envelope)) == envelope
    assert decode_structured(encode_structured(envelope)) == envelope


def test_a_document_of_another_type_is_not_taken_for_ours():
    document = encode_structured(file_uploaded())
    assert decode_as(FileUploaded, document) == decode_structured(document)
    with pytest.raises(Undecodable, match=FileValidated.TYPE):
        decode_as(FileValidated, document)


def test_the_key_and_the_subject_are_the_task():
    envelope = file_uploaded()
    key, _, headers = encode(envelope)
    assert key.decode() == headers["ce_subject"] == str(envelope.data.task_id)


@pytest.mark.parametrize("said", ["z" * 1_000_000, "a\0b", "x\r\ny: z", "00-0-0-00"])
def test_a_traceparent_that_is_none_does_not_travel_on(said):
    assert decode(record(file_uploaded(), headers={"ce_traceparent": said})).traceparent is None
    real = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert decode(record(file_uploaded(), headers={"ce_traceparent": real})).traceparent == real


def test_structured_mode_is_accepted_on_a_topic():
    envelope = file_uploaded()
    headers = (("content-type", b"application/cloudevents+json; charset=utf-8"),)
    assert decode(Record("file.uploaded", 0, 0, None, encode_structured(envelope), headers)) == envelope


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"value": b"{"}, "JSON"),
        ({"value": b""}, "JSON object"),
        ({"value": b"[1]"}, "JSON object"),
        ({"value": b"\xff\xfe\x00"}, "JSON"),
        ({"headers": {"ce_type": "sluice.file.uploaded.v9"}}, "version of the event is not known"),
        ({"headers": {"ce_type": None}}, "CloudEvent"),
        ({"headers": {"ce_id": None}}, "CloudEvent"),
        ({"headers": {"ce_time": "yesterday"}}, "CloudEvent"),
        ({"headers": {"ce_time": None}}, "time"),
        ({"headers": {"ce_source": b"\xff"}}, "CloudEvent"),
        ({"headers": {"content-type": "application/cloudevents+json"}, "value": b"7"}, "CloudEvent"),
    ],
)
def test_what_is_no_event_of_ours_is_undecodable(change, said):
    with pytest.raises(Undecodable, match=said):
        decode(record(file_uploaded(), **change))


def test_a_broken_body_is_described_by_its_fields_never_by_its_values():
    body = json.loads(encode(file_uploaded())[1]) | {"datasource": "SECRET VALUE; DROP"}
    with pytest.raises(Undecodable, match="datasource") as caught:
        decode(record(file_uploaded(), value=json.dumps(body).encode()))
    assert "SECRET" not in str(caught.value)


def test_an_event_on_a_foreign_topic_is_refused():
    with pytest.raises(Undecodable, match=r"file\.validated"):
        decode(record(file_validated(), topic="file.uploaded"))


def outside(**body) -> Record:
    headers = (
        ("ce_specversion", b"1.0"),
        ("ce_type", b"sluice.file.uploaded.v1"),
        ("ce_source", b"erp/berlin"),
        ("ce_id", b"order-17"),
        ("ce_time", b"2026-03-01T08:00:00+01:00"),
        ("content-type", b"application/json"),
    )
    said = {"datasource": "sales", "filename": "a.parquet", "object": {"uri": "s3://erp/a.parquet"}} | body
    return Record("file.uploaded", 0, 0, None, json.dumps(said).encode(), headers)


def test_another_system_needs_to_say_little():
    event = decode(outside()).data
    assert event.task_id == task_id_for_outside("erp/berlin", "order-17")
    assert event.format == "parquet"
    assert event.accepted_at.isoformat() == "2026-03-01T08:00:00+01:00"
    assert event.caller == "erp/berlin"


def test_a_name_from_outside_is_made_safe_to_show():
    assert decode(outside(filename="a\u202egnp\r\n\x00.csv")).data.filename == "agnp.csv"


def test_nobody_outside_chooses_the_task_of_an_event():
    taken = file_uploaded().data.task_id
    assert decode(outside(task_id=str(taken))).data.task_id != taken


def test_a_file_of_no_known_format_is_undecodable():
    with pytest.raises(Undecodable, match="format"):
        decode(outside(filename="a.docx"))
