"""On which Druid a scenario is played."""

from collections.abc import Callable
from typing import Any

import pytest

SIMULATOR = pytest.param("simulator", marks=pytest.mark.xdist_group("simulator"))
REAL = pytest.param("real", marks=pytest.mark.real)

on_both = pytest.mark.parametrize("stage", [SIMULATOR, REAL], indirect=True)


def on_the_simulator_only(because: str) -> Callable[[Any], Any]:
    """`because`: why a real Druid cannot play it."""
    if not because:
        raise ValueError("say why")
    return pytest.mark.parametrize("stage", [SIMULATOR], indirect=True)
