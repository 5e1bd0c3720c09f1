import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from submitter_bench import open_bench

from druid_submitter.adapters.postgres import SCHEMA
from druid_submitter.app import MIGRATIONS
from druid_submitter.settings import SubmitterSettings
from sluice.postgres import migrate
from sluice_local.endpoints import Endpoints
from sluice_local.real.postgres import Postgres
from sluice_local.site import open_site
from sluice_local.standins.parts import StandinDruid, StandinS3

STARTED_IN = 60.0


@pytest.fixture(scope="session")
def simulator() -> Iterator[Endpoints]:
    """Simulated Druid and S3, and a real Postgres; needs no Java."""
    with TemporaryDirectory(prefix="sluice-simulator-") as folder:
        site = open_site(Path(folder), print)
        s3, postgres = StandinS3(site, "sluice"), Postgres(site)
        druid = StandinDruid(site, s3, ["--load-seconds", "0.05"])
        parts = (s3, postgres, druid)
        try:
            for part in parts:
                part.start()
            for part in parts:
                part.wait_ready(time.monotonic() + STARTED_IN)
            urls = [druid.url] * 3
            yield Endpoints("127.0.0.1:9", s3.url, s3.access_key, s3.secret_key, "sluice", postgres.dsn, *urls)
        finally:
            for part in reversed(parts):
                part.stop()
            site.close()


@pytest.fixture(scope="session")
def migrated() -> set[str]:
    """Databases that have the submitter's tables."""
    return set()


@pytest.fixture(params=["memory", pytest.param("real", marks=pytest.mark.real)])
def kind(request: pytest.FixtureRequest) -> str:
    """A fake in memory, or Postgres by the environment."""
    if request.param == "real":
        request.getfixturevalue("environment")
    return str(request.param)


@pytest.fixture
def stage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, migrated: set[str]) -> SubmitterSettings:
    """The submitter's settings on the simulator or on a real Druid, as the test is parametrized: see `played_on`."""
    endpoints = (
        request.getfixturevalue("simulator")
        if request.param == "simulator"
        else request.getfixturevalue("parts").endpoints
    )
    for name, value in endpoints.environment().items():
        monkeypatch.setenv(name, value)
    if endpoints.postgres_dsn not in migrated:
        asyncio.run(migrate(endpoints.postgres_dsn, SCHEMA, MIGRATIONS))
        migrated.add(endpoints.postgres_dsn)
    return SubmitterSettings()


@pytest.fixture
async def bench(stage: SubmitterSettings):
    async with open_bench(stage) as bench:
        yield bench
