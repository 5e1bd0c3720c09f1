"""The same scenarios on real parts and on stand-ins: a stand-in is never the only thing a behaviour was tested on."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

STACKS = {"real": "sluice_on_real_parts", "standin": "sluice_on_standins"}


@pytest.fixture(scope="session", params=[pytest.param("real", marks=pytest.mark.real), "standin"])
def sluice(request: pytest.FixtureRequest):
    return request.getfixturevalue(STACKS[request.param])
