"""What the gateway does: admit, accept, command, relay, sweep. Each reads fetch, decide, tell."""

from gateway.usecases.accept import AcceptUpload
from gateway.usecases.acceptance import Accept, Offer
from gateway.usecases.admit import AdmitUpload
from gateway.usecases.backlog import Backlog
from gateway.usecases.command import CancelTask, FindTask, RetractTask, RetryTask
from gateway.usecases.contracts import ActivateContract, PutContract
from gateway.usecases.datasources import ReadContracts
from gateway.usecases.importing import ImportFile
from gateway.usecases.known import KnownContent
from gateway.usecases.pausing import PauseDatasource
from gateway.usecases.relay import Relay
from gateway.usecases.sweep import SweepUnconcluded
from gateway.usecases.sweepcommands import SweepCommands
from gateway.usecases.sweeporphans import SweepOrphans

__all__ = [
    "Accept",
    "AcceptUpload",
    "ActivateContract",
    "AdmitUpload",
    "Backlog",
    "CancelTask",
    "FindTask",
    "ImportFile",
    "KnownContent",
    "Offer",
    "PauseDatasource",
    "PutContract",
    "ReadContracts",
    "Relay",
    "RetractTask",
    "RetryTask",
    "SweepCommands",
    "SweepOrphans",
    "SweepUnconcluded",
]
