"""Events as CloudEvents 1.0 on Kafka: written in binary mode, read in binary and structured mode.

The mapping itself is the CloudEvents SDK's; here it is held against our registry of types.
"""

import re
from datetime import UTC
from typing import Any, TypeVar, cast

from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary, from_structured, to_binary
from cloudevents.core.exceptions import BaseCloudEventException
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from pydantic import ValidationError

from sluice.errors import Undecodable
from sluice.events import BY_TYPE, GATEWAY_SOURCE, Envelope, Event, FileUploaded, complete_outside
from sluice.messaging.record import Record

JSON = JSONFormat()
STRUCTURED = b"application/cloudevents+json"
TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
"""W3C Trace Context. It goes on into every later event: what is anything else, or without end, stays behind."""

E = TypeVar("E", bound=Event)


def to_cloudevent(envelope: Envelope[Event]) -> CloudEvent:
    """The envelope as the SDK's CloudEvent; `partitionkey` is the task, so that the Kafka key is too."""
    attributes = {
        "id": envelope.id,
        "source": envelope.source,
        "type": envelope.data.TYPE,
        "subject": str(envelope.data.task_id),
        "time": envelope.time,
        "datacontenttype": "application/json",
        "partitionkey": str(envelope.data.task_id),
    }
    if envelope.traceparent:
        attributes["traceparent"] = envelope.traceparent
    return CloudEvent(attributes, envelope.data.model_dump(mode="json"))


def encode(envelope: Envelope[Event]) -> tuple[bytes, bytes, dict[str, str]]:
    """Key, value and headers of the record that carries the event, in binary mode."""
    message = to_binary(to_cloudevent(envelope), JSON)
    key = str(envelope.data.task_id).encode()
    return key, message.value, {name: value.decode() for name, value in message.headers.items()}


def encode_structured(envelope: Envelope[Event]) -> bytes:
    """The whole event as one JSON document, as the acceptance record keeps it."""
    return JSON.write(to_cloudevent(envelope))


def decode(record: Record) -> Envelope[Event]:
    """Understand a record.

    Raises:
        Undecodable: no CloudEvent, a type or version that is not ours, a body that breaks its schema, a topic that is
            not the type's. The message names fields, never values.
    """
    try:
        return _envelope(_cloudevent(record), record.topic)
    except ValidationError as error:
        raise Undecodable(_fields(error)) from error
    except (BaseCloudEventException, ValueError, TypeError, AttributeError, KeyError, OverflowError) as error:
        # the SDK lets through whatever its JSON and date parsers raise on foreign bytes
        raise Undecodable(f"not a CloudEvent with a JSON body ({type(error).__name__})") from error


def decode_structured(document: bytes) -> Envelope[Event]:
    """Read what `encode_structured` wrote. Raises Undecodable."""
    return decode(Record("", 0, 0, None, document, (("content-type", STRUCTURED),)))


def decode_as(fact: type[E], document: bytes) -> Envelope[E]:
    """Read what `encode_structured` wrote of one type of event. Raises Undecodable, also for another type."""
    envelope = decode_structured(document)
    if not isinstance(envelope.data, fact):
        raise Undecodable(f"a {fact.TYPE} should stand here, but it is a {envelope.data.TYPE}")
    return cast("Envelope[E]", envelope)


def _cloudevent(record: Record) -> BaseCloudEvent:
    headers = {name.lower(): value for name, value in record.headers}
    message = KafkaMessage(headers=headers, key=None, value=record.value)
    if headers.get("content-type", b"").startswith(STRUCTURED):
        return from_structured(message, JSON, _strict)
    return from_binary(message, JSON, _strict)


def _strict(attributes: dict[str, Any], data: Any) -> BaseCloudEvent:
    """The SDK would invent a missing `id` and `time`: the same message would be another event at each delivery."""
    missing = {"id", "source", "type", "time", "specversion"} - set(attributes)
    if missing:
        raise Undecodable("not a CloudEvent: it lacks " + ", ".join(sorted(missing)))
    return CloudEvent(attributes, data)


def _envelope(event: BaseCloudEvent, topic: str) -> Envelope[Event]:
    model = BY_TYPE.get(event.get_type())
    if model is None:
        raise Undecodable("type or version of the event is not known here; known are " + ", ".join(BY_TYPE))
    if topic not in {"", model.TOPIC}:
        raise Undecodable(f"{model.TYPE} does not belong on this topic, but on {model.TOPIC}")
    body = event.get_data()
    if not isinstance(body, dict):
        raise Undecodable("the body is not a JSON object")
    time = event.get_time()
    if time is None or time.tzinfo is None:
        raise Undecodable("the CloudEvents attribute `time` has no time zone")
    return Envelope(
        id=event.get_id(),
        source=event.get_source(),
        time=time.astimezone(UTC),
        data=model.model_validate(_completed(event, model, body)),
        traceparent=_traceparent(event.get_extension("traceparent")),
    )


def _traceparent(said: object) -> str | None:
    return said if isinstance(said, str) and TRACEPARENT.fullmatch(said) else None


def _completed(event: BaseCloudEvent, model: type[Event], body: dict[str, Any]) -> dict[str, Any]:
    if model is FileUploaded and event.get_source() != GATEWAY_SOURCE:
        return complete_outside(body, source=event.get_source(), event_id=event.get_id(), time=event.get_time())
    return body


def _fields(error: ValidationError) -> str:
    faults = (f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['type']}" for fault in error.errors()[:5])
    return "the body breaks its schema: " + "; ".join(faults)
