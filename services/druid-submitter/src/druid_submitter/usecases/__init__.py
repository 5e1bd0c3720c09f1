"""Record what is heard; submit, watch, prove, conclude."""

from druid_submitter.usecases.advance import AdvanceIngestions, advance_ingestions
from druid_submitter.usecases.record import AbandonTask, RecordCommand, RecordVerdict

__all__ = ["AbandonTask", "AdvanceIngestions", "RecordCommand", "RecordVerdict", "advance_ingestions"]
