"""What the gateway does: admit, accept, relay, sweep, and prove its storage. Each reads fetch, decide, tell."""

from gateway.usecases.accept import AcceptUpload, Offer
from gateway.usecases.admit import AdmitUpload
from gateway.usecases.prove import ProveStorage
from gateway.usecases.relay import Relay
from gateway.usecases.sweep import SweepUnconcluded

__all__ = ["AcceptUpload", "AdmitUpload", "Offer", "ProveStorage", "Relay", "SweepUnconcluded"]
