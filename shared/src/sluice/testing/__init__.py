"""Builders and fakes that the tests of several services need."""

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
