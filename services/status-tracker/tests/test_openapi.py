"""The API's own description: somebody who has nothing else can work with it."""

import pytest
from pydantic import SecretStr

from sluice.testing.openapi import undocumented, wrong_examples
from status_tracker.app import create_app
from status_tracker.settings import TrackerSettings


@pytest.fixture(scope="module")
def document():
    return create_app(TrackerSettings(kafka_bootstrap="unused", postgres_dsn=SecretStr("unused"))).openapi()


def test_every_route_has_a_summary_examples_and_its_codes(document):
    assert undocumented(document) == []


def test_every_example_is_what_its_schema_says(document):
    assert wrong_examples(document) == []
