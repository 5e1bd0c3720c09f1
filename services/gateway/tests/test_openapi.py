"""The API's own description: somebody who has nothing else can work with it."""

from typing import Any

from sluice.testing.openapi import undocumented, wrong_examples


def test_every_route_has_a_summary_examples_and_its_codes(gateway: Any) -> None:
    assert undocumented(gateway.app.openapi()) == []


def test_every_example_is_what_its_schema_says(gateway: Any) -> None:
    assert wrong_examples(gateway.app.openapi()) == []
