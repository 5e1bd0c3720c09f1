"""Clock edge: what turns without a message."""

import os
import signal
import time
from collections.abc import Awaitable, Callable

import structlog

from gateway.usecases import Relay, SweepCommands, SweepUnconcluded
from gateway.usecases.resumablesweep import SweepUploads
from sluice.errors import ObjectMissing, Permanent, Transient
from sluice.jobs import Job
from sluice.proof import ProveStorage

log = structlog.get_logger()


def relay_events(relay: Relay) -> Job:
    return Job("relay-events", relay, pause=1.0)


def sweep_unconcluded(sweep: SweepUnconcluded, every: float) -> Job:
    return _sweep("sweep-unconcluded", sweep, every)


def sweep_commands(sweep: SweepCommands, every: float) -> Job:
    return _sweep("sweep-commands", sweep, every)


def sweep_uploads(sweep: SweepUploads, every: float) -> Job:
    return _sweep("sweep-uploads", sweep, every)


def _sweep(name: str, sweep: Callable[[], Awaitable[bool]], every: float) -> Job:
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
