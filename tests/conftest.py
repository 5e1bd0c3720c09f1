import pytest

from sluice_local.stack import Stack


@pytest.fixture(scope="session")
def stack(parts: Stack) -> Stack:
    """The real parts of this session with the four services and the front door running on them."""
    parts.start_services()
    return parts
