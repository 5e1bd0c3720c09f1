"""The events as documents: a JSON Schema for each type, and AsyncAPI 3 for the whole. Generated, committed, compared in tests."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sluice.events.facts import EVENTS, Event

SCHEMAS = Path(__file__).parent / "schemas"
ASYNCAPI = Path(__file__).parent / "asyncapi.json"

WHO: dict[str, tuple[str, str]] = {
    "file.uploaded": ("the gateway; other systems for files of their own", "the validator and the status-tracker"),
    "file.validated": ("the validator", "the druid-submitter and the status-tracker"),
    "druid.submitted": ("the druid-submitter", "the status-tracker"),
    "task.completed": ("the druid-submitter", "the status-tracker, and whoever wants to know"),
    "task.command": ("the gateway", "the validator, the druid-submitter and the status-tracker"),
    "task.progress": ("the validator and the druid-submitter; advisory, may be lost", "the status-tracker"),
}
"""Topic → who says it, who hears it."""


def json_schema(event: type[Event]) -> dict[str, Any]:
    """The schema of one event's body, as a reader may rely on it."""
    schema = event.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:{event.TYPE}", **schema}


def asyncapi() -> dict[str, Any]:
    """The public contract: topics, messages, who sends and who receives."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Sluice events",
            "version": version("sluice"),
            "description": "CloudEvents 1.0 on Kafka: written in binary mode (`ce_*` headers, JSON body); "
            "structured mode is accepted. The key is the task id. Every message may come twice; `ce_id` tells.",
        },
        "defaultContentType": "application/json",
        "channels": {event.TOPIC: _channel(event) for event in EVENTS},
        "operations": {_operation_id(event): _operation(event) for event in EVENTS},
        "components": {"messages": {event.__name__: _message(event) for event in EVENTS}},
    }


def _channel(event: type[Event]) -> dict[str, Any]:
    said_by, heard_by = WHO[event.TOPIC]
    return {
        "address": event.TOPIC,
        "description": f"Published by {said_by}. Read by {heard_by}.",
        "messages": {event.__name__: {"$ref": f"#/components/messages/{event.__name__}"}},
    }


def _operation_id(event: type[Event]) -> str:
    return f"publish{event.__name__}"


def _operation(event: type[Event]) -> dict[str, Any]:
    channel = f"#/channels/{event.TOPIC}"
    return {
        "action": "send",
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{event.__name__}"}],
    }


def _message(event: type[Event]) -> dict[str, Any]:
    attributes = {
        name: {"type": "string"} for name in ("ce_id", "ce_source", "ce_subject", "ce_time", "ce_traceparent")
    }
    return {
        "name": event.TYPE,
        "summary": (event.__doc__ or "").splitlines()[0],
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "required": ["ce_id", "ce_source", "ce_type", "ce_specversion", "ce_time"],
            "properties": {"ce_type": {"const": event.TYPE}, "ce_specversion": {"const": "1.0"}, **attributes},
        },
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"./schemas/{event.TYPE}.json"},
        },
    }


def written(document: dict[str, Any]) -> str:
    """A document as it is committed."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def write_all() -> None:
    """Write every schema and the AsyncAPI document beside the code."""
    SCHEMAS.mkdir(exist_ok=True)
    for event in EVENTS:
        (SCHEMAS / f"{event.TYPE}.json").write_text(written(json_schema(event)))
    ASYNCAPI.write_text(written(asyncapi()))
