"""Clock edge: what turns without a message."""

from sluice.jobs import Job
from sluice.proof import ProveStorage


def prove_storage(prove: ProveStorage) -> Job:
    """The first verdict can only stand where a create-only put wins once."""

    async def work() -> bool:
        await prove()
        return False

    return Job("prove-storage", work, pause=2.0)
