"""Clock edge: what turns without a message."""

import math
import os
import signal
import time
from collections.abc import Awaitable, Callable

import structlog

from gateway.usecases import Relay, SweepCommands, SweepOrphans, SweepUnconcluded
from gateway.usecases.resumablesweep import SweepUploads
from sluice.errors import ObjectMissing, Permanent, Transient
from sluice.jobs import Job
from sluice.lease import Leader
from sluice.proof import ProveStorage

log = structlog.get_logger()

Sweep = Callable[[], Awaitable[bool]]


def relay_events(relay: Relay) -> Job:
    return Job("relay-events", relay, pause=1.0)


def lead_sweeps(leader: Leader) -> Job:
    # its work is to wait while it leads, and that has no pulse
    return Job("lead-sweeps", leader, pause=2.0, patience=math.inf)


def sweep_unconcluded(sweep: SweepUnconcluded, every: float) -> Job:
    return _sweep("sweep-unconcluded", sweep, every)


def sweep_commands(sweep: SweepCommands, leader: Leader, every: float) -> Job:
    return _sweep("sweep-commands", _led(sweep, leader), every)


def sweep_uploads(sweep: SweepUploads, leader: Leader, every: float) -> Job:
    return _sweep("sweep-uploads", _led(sweep, leader), every)


def sweep_orphans(sweep: SweepOrphans, leader: Leader, every: float) -> Job:
    return _sweep("sweep-orphans", _led(sweep, leader), every)


def _led(sweep: Sweep, leader: Leader) -> Sweep:
    """Done by one of all replicas only."""

    async def work() -> bool:
        return await sweep() if leader.leads else False

    return work


def _sweep(name: str, sweep: Sweep, every: float) -> Job:
    """`every` in seconds; more where the listings are long, so that they take a tenth of the time at most."""

    async def work() -> bool:
        began = time.monotonic()
        more = await sweep()
        job.pause = max(every, 9 * (time.monotonic() - began))
        return more

    # while S3 is down the sweep has nothing to say: that is readiness, not death
    job = Job(name, work, pause=every, patience=3600.0)
    return job


def prove_storage(prove: ProveStorage) -> Job:
    async def work() -> bool:
        try:
            await prove()
        except ObjectMissing as error:
            raise Transient("the bucket does not exist yet") from error
        except Permanent as error:
            log.critical("storage cannot be used: stopping", error=str(error))
            os.kill(os.getpid(), signal.SIGTERM)
        return False

    return Job("prove-storage", work, pause=1.0)
