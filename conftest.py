"""Real parts for the tests of every distribution: one Kafka, Druid, Postgres and S3 server per session.

Tests marked `real` need Java and Maven. Where they are missing those tests are skipped, except in CI: there it is a failure.
"""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings

from sluice.messaging.topics import create_topics
from sluice_local.stack import Stack, choose_kind

ROOT = Path(__file__).parent
settings.register_profile("unhurried", settings.default, deadline=None)  # a busy machine is no fault of the code
settings.load_profile("unhurried")


@pytest.hookimpl(tryfirst=True)  # before xdist looks for groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    skip = pytest.mark.skip(reason="needs the real parts: install Java 17 and Maven")
    is_real = choose_kind() == "real"  # asked once: it starts a Java to hear its version
    for item in items:
        if group := _group_of(item):
            item.add_marker(pytest.mark.xdist_group(group))
        if item.get_closest_marker("real") and not is_real:
            item.add_marker(skip)


def _group_of(item: pytest.Item) -> str | None:
    """Tests that share running servers share the process that runs them. Whatever needs none goes where there is room."""
    if item.path.is_relative_to(ROOT / "tests") and "parts" not in getattr(item, "fixturenames", ()):
        return "sluice on stand-ins" if "standin" in item.name else "sluice"
    return "parts" if item.get_closest_marker("real") else None


@pytest.fixture(scope="session")
def parts() -> Iterator[Stack]:
    """The real parts with Sluice's topics, and no service running. `parts.endpoints` says where they are."""
    # not pytest's own folder: other sessions clear that, and Postgres must reach its data as a user of its own
    with TemporaryDirectory(prefix="sluice-parts-") as state, Stack(Path(state), "real", progress=print) as stack:
        stack.start_parts()
        asyncio.run(create_topics(stack.endpoints.kafka_bootstrap, 1))
        yield stack


@pytest.fixture
def environment(parts: Stack, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The settings of every service for the real parts, also put into this process's environment."""
    variables = parts.endpoints.environment()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return dict(os.environ)
