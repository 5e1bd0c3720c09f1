"""The check on descriptions finds what is missing."""

import copy

import pytest

from sluice.http import problem_answers
from sluice.testing.openapi import undocumented, wrong_examples

OPERATION = {
    "summary": "Do it",
    "parameters": [{"name": "id", "in": "path", "schema": {"type": "integer", "examples": [7]}}],
    "requestBody": {"content": {"text/csv": {"schema": {"type": "string"}, "example": "a"}}},
    "responses": {
        "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
        "304": {},
        "404": problem_answers("not-found", "task-not-found")[404],
    },
}
THING = {"type": "object", "required": ["a"], "examples": [{"a": 1}]}


def document(change):
    operation = copy.deepcopy(OPERATION)
    thing = copy.deepcopy(THING)
    change(operation, thing)
    return {"paths": {"/x": {"post": operation}}, "components": {"schemas": {"Thing": thing}}}


def test_a_whole_description_is_found_whole():
    whole = document(lambda _operation, _thing: None)
    assert undocumented(whole) == wrong_examples(whole) == []


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        (lambda operation, _: operation.pop("summary"), "summary"),
        (lambda operation, _: operation["parameters"][0]["schema"].pop("examples"), "example of the parameter id"),
        (lambda operation, _: operation["requestBody"]["content"]["text/csv"].pop("example"), "the body as text/csv"),
        (lambda _, thing: thing.pop("examples"), "example of 200 as application/json"),
        (lambda operation, _: operation["responses"]["404"].pop("content"), "codes of 404"),
        (
            lambda operation, _: operation["responses"]["404"]["content"]["application/problem+json"]["examples"].pop(
                "not-found"
            ),
            "example of each code of 404",
        ),
    ],
    ids=range(6),
)
def test_what_is_missing_is_named(change, missing):
    (told,) = undocumented(document(change))
    assert told.startswith("POST /x: no ")
    assert missing in told


@pytest.mark.parametrize(
    "schema", [{"type": "integer", "default": 1}, {"enum": [1]}, {"anyOf": [{"enum": [1]}, {"type": "null"}]}]
)
def test_a_parameter_that_need_not_be_thought_about_needs_no_example(schema):
    assert undocumented(document(lambda operation, _: operation["parameters"][0].update(schema=schema))) == []


def test_an_example_that_is_none_is_named():
    changed = document(lambda _, thing: thing.update(examples=[{"b": 1}]))
    assert wrong_examples(changed) == ["POST /x: the example of 200 as application/json: $: 'a' is a required property"]
