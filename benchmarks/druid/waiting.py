"""Waiting for what must come."""

import time
from collections.abc import Callable

PATIENCE = 900.0
"""Seconds."""


def until(condition: Callable[[], bool], pause: float = 0.02) -> None:
    """Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(pause)
