"""Builders and fakes that every service's tests need. Fakes are proven against the real part in `shared/tests`."""

from sluice.testing.builders import NOW, file_uploaded, file_validated, verdict_accepted, verdict_rejected
from sluice.testing.fakes import ManualClock, RecordingPublisher

__all__ = [
    "NOW",
    "ManualClock",
    "RecordingPublisher",
    "file_uploaded",
    "file_validated",
    "verdict_accepted",
    "verdict_rejected",
]
