"""What the gateway does: admit, accept, relay, sweep. Each reads fetch, decide, tell."""

from gateway.usecases.accept import AcceptUpload
from gateway.usecases.acceptance import Accept, Offer
from gateway.usecases.admit import AdmitUpload
from gateway.usecases.backlog import Backlog
from gateway.usecases.relay import Relay
from gateway.usecases.sweep import SweepUnconcluded

__all__ = ["Accept", "AcceptUpload", "AdmitUpload", "Backlog", "Offer", "Relay", "SweepUnconcluded"]
