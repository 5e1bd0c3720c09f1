"""Finish what is in hand before a partition goes to another member: fewer messages are worked on twice.

It reduces, it does not prevent: the loop may take one more message after the wait, and effects are idempotent for that.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka import ConsumerRebalanceListener, TopicPartition


class Drain(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Counts messages in hand; a revoke waits until there are none, or `timeout` seconds."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._in_hand = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Around the work on one message."""
        self._in_hand += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._in_hand -= 1
            if not self._in_hand:
                self._idle.set()

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        if not revoked:
            return
        try:
            async with asyncio.timeout(self._timeout):
                await self._idle.wait()
        except TimeoutError:
            return  # the group moves on; the second delivery is boring

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Nothing to do: work starts with the next message."""
