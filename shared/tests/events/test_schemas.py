"""The committed documents are the public contract: they match the code, and they change only compatibly."""

import json
from copy import deepcopy
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from sluice.events import BY_TYPE, EVENTS, Event
from sluice.events.compatibility import breaks
from sluice.events.schema import ASYNCAPI, SCHEMAS, WHO, asyncapi, json_schema, written

SAMPLES = Path(__file__).parent / "samples"
every_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.TYPE)


def committed(event: type[Event]) -> dict:
    return json.loads((SCHEMAS / f"{event.TYPE}.json").read_text())


def sample(event: type[Event]) -> dict:
    return json.loads((SAMPLES / f"{event.TYPE}.json").read_text())


@every_event
def test_an_event_changes_only_compatibly(event):
    assert breaks(committed(event), json_schema(event)) == []


@every_event
def test_the_committed_schema_is_that_of_the_code(event):
    assert (SCHEMAS / f"{event.TYPE}.json").read_text() == written(json_schema(event)), "run python -m sluice.events"


def test_no_schema_of_a_type_is_missing_or_left_over():
    assert {path.stem for path in SCHEMAS.glob("*.json")} == set(BY_TYPE)


def test_the_asyncapi_document_is_that_of_the_code():
    assert ASYNCAPI.read_text() == written(asyncapi()), "run python -m sluice.events"
    assert set(asyncapi()["channels"]) == set(WHO)


@every_event
def test_backward_an_old_message_suits_the_new_reader(event):
    assert event.model_validate(sample(event)).task_id


@every_event
def test_forward_a_new_message_suits_the_old_schema(event):
    message = json.loads(event.model_validate(sample(event)).model_dump_json())
    Draft202012Validator(committed(event)).validate(message)


@every_event
def test_forward_a_field_that_is_not_known_yet_is_ignored(event):
    assert event.model_validate(sample(event) | {"added_later": 1}) == event.model_validate(sample(event))


@every_event
def test_events_are_frozen(event):
    fact = event.model_validate(sample(event))
    with pytest.raises(ValueError, match="frozen"):
        fact.task_id = None


def mutated(change) -> list[str]:
    old = committed(BY_TYPE["sluice.task.completed.v1"])
    new = deepcopy(old)
    change(new)
    return breaks(old, new)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s["properties"].pop("rows"), "body.rows is gone"),
        (lambda s: s["required"].append("report"), "body.report has become required"),
        (lambda s: s["required"].remove("outcome"), "body.outcome is no longer required"),
        (lambda s: s["properties"]["errors"].update(type="string"), "body.errors has changed"),
        (lambda s: s["$defs"].pop("Receipt"), "Receipt is gone"),
        (lambda s: s["$defs"]["Outcome"]["enum"].append("paused"), "Outcome has other values"),
    ],
)
def test_a_breaking_change_is_seen(change, said):
    assert any(said in fault for fault in mutated(change))


def test_a_new_optional_field_breaks_nothing():
    assert mutated(lambda s: s["properties"].update(note={"type": "string"})) == []
