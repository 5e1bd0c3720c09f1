import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.settings import GatewaySettings
from sluice import lease

sys.path.insert(0, str(Path(__file__).parent))  # tests are not packages; tus_requests.py stands beside them

from tus_requests import PART, Tus


@pytest.fixture
def settings(settings: GatewaySettings) -> GatewaySettings:
    return settings.model_copy(update={"upload_part_bytes": PART, "upload_lock_patience": 0.5})


@pytest.fixture
def tus(gateway: Any, monkeypatch: pytest.MonkeyPatch) -> Tus:
    """Locks are looked at often."""
    monkeypatch.setattr(lease, "LOOK", 0.02)
    monkeypatch.setattr(lease, "POLL", 0.01)
    return Tus(gateway.http)
