"""Clock edge: what turns without a message."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from druid_submitter.usecases import AdvanceIngestions
from sluice.jobs import Job
from sluice.proof import ProveStorage


def advance_jobs(advance: AdvanceIngestions, longest_step: timedelta) -> tuple[Job, ...]:
    """Take open ingestions further; each looks for due ones several times a second."""
    patience = 2 * longest_step.total_seconds()  # Druid is asked for states besides
    return (
        Job("submit-ingestions", advance.submit, pause=0.1, patience=patience),
        Job("watch-ingestions", advance.watch, pause=0.1, patience=patience),
        Job("conclude-ingestions", advance.conclude, pause=0.1, patience=patience),
        Job("admit-ingestions", advance.admit, pause=1.0),
    )


def relay_outbox(prove: ProveStorage, relay: Callable[[], Awaitable[int]]) -> Job:
    """Deliver what the transactions said. Not before the storage is proved: the first outcome on it must stand."""

    async def work() -> bool:
        await prove()
        return bool(await relay())

    return Job("relay-outbox", work, pause=0.2)
