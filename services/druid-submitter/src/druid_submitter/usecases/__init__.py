"""Record what is heard; submit, watch, prove, conclude."""

from druid_submitter.usecases.advance import AdvanceIngestions, Limits, World, advance_ingestions
from druid_submitter.usecases.record import AbandonTask, RecordCommand, RecordVerdict

__all__ = [
    "AbandonTask",
    "AdvanceIngestions",
    "Limits",
    "RecordCommand",
    "RecordVerdict",
    "World",
    "advance_ingestions",
]
