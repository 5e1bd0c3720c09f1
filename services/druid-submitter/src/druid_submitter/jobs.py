"""Clock edge: what turns without a message."""

from collections.abc import Awaitable, Callable

from druid_submitter.usecases import AdvanceIngestions
from sluice.jobs import Job


def watch_ingestions(advance_ingestions: AdvanceIngestions) -> Job:
    """Take open ingestions further; looks for due ones several times a second."""
    return Job("watch-ingestions", advance_ingestions, pause=0.2)


def relay_outbox(relay: Callable[[], Awaitable[int]]) -> Job:
    """Deliver what the transactions said."""

    async def work() -> bool:
        return bool(await relay())

    return Job("relay-outbox", work, pause=0.2)
