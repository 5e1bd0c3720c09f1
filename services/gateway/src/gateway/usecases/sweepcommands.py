"""Commands held against outcomes: one that has shown no effect after a while is told again."""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import structlog

from gateway.ports import Command, CommandLedger, Outbound, Tasks
from gateway.usecases.sweep import LONGEST_WAIT, Watch
from sluice.clock import Clock
from sluice.errors import ObjectDenied, Permanent
from sluice.events import day_of

log = structlog.get_logger()


@dataclass(slots=True)
class SweepCommands:
    """Looks at the commands of the last `days`. A cancel has shown its effect when its task has ended; a retract, when its own has."""

    commands: CommandLedger
    tasks: Tasks
    outbound: Outbound
    clock: Clock
    after: timedelta
    days: int
    _watched: dict[UUID, Watch] = field(default_factory=dict)

    async def __call__(self) -> bool:
        """One round. Raises Transient while the ledger does not answer."""
        now, watched = self.clock(), dict[UUID, Watch]()
        for back in range(self.days + 1):
            day = day_of(now - timedelta(days=back))
            async for command_id in self.commands.of_day(day):
                watch = self._watched.get(command_id) or Watch(now + self.after, self.after)
                watched[command_id] = watch if watch.due > now else await self._look(day, command_id, watch)
        self._watched = watched
        return False

    async def _look(self, day: str, command_id: UUID, watch: Watch) -> Watch:
        """When the command is looked at the next time."""
        now = self.clock()
        try:
            command = await self.commands.read(day, command_id)
            has_shown_effect = await self._has_shown_effect(command)
        except ObjectDenied as error:
            log.warning(
                "S3 does not let us at what is known of a command", command_id=str(command_id), error=str(error)
            )
            return watch.again(now)
        except Permanent as error:
            log.exception("what is known of a command is broken", command_id=str(command_id), error=str(error))
            return Watch(now + LONGEST_WAIT, LONGEST_WAIT)
        if has_shown_effect:
            return Watch(now + LONGEST_WAIT, LONGEST_WAIT)
        # where there is no room to tell it, it stays due
        return watch.again(now) if self.outbound.hand_over(command) else watch

    async def _has_shown_effect(self, command: Command) -> bool:
        asked = command.data
        task_id, accepted_at = asked.task_id, asked.accepted_at
        if asked.retraction:
            task_id, accepted_at = asked.retraction, asked.requested_at
        return accepted_at is None or await self.tasks.outcome(accepted_at, task_id) is not None
