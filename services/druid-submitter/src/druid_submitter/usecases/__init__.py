"""Record what is heard; submit, watch, prove, conclude."""

from druid_submitter.usecases.advance import AdvanceIngestions, World, advance_ingestions
from druid_submitter.usecases.record import AbandonTask, RecordCommand, RecordVerdict

__all__ = ["AbandonTask", "AdvanceIngestions", "RecordCommand", "RecordVerdict", "World", "advance_ingestions"]
