"""`python -m struck_submitter`: the druid-submitter as it is, struck by a signal at named steps, at each once.

STRUCK_STEPS   names of the steps, as a JSON list
STRUCK_BY      SIGKILL or SIGSTOP
STRUCK_FOLDER  where each step that was reached leaves a file: its name is the step's, in it stands the pid. Of many replicas
               that share the folder one is struck. One that was stopped and has done what it was about to do leaves a second
               file, `… woken`.
STRUCK_MEMBER  of its Kafka groups: a static one, so that nobody waits for a member that is dead, nor long for one that is stopped

Each life is forked from an interpreter that has read the code and done nothing else: a start of Python costs two seconds, a
life at which nothing is lost must not.
"""

import asyncio
import functools
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer
from submitter_steps import STEPS, Call, Moment, Step

from druid_submitter.__main__ import main as serve
from druid_submitter.adapters.admission import PostgresAdmission
from druid_submitter.adapters.druid import HttpDruidTasks
from druid_submitter.adapters.evidence import S3Evidence
from druid_submitter.adapters.pace import PostgresPace
from druid_submitter.adapters.postgres import PostgresIngestions
from sluice import outbox
from sluice.messaging import KafkaPublisher
from sluice.objectstore import ObjectStore

OWNERS = {
    "Admission": PostgresAdmission,
    "AIOKafkaConsumer": AIOKafkaConsumer,
    "DruidTasks": HttpDruidTasks,
    "EventPublisher": KafkaPublisher,
    "Evidence": S3Evidence,
    "Ingestions": PostgresIngestions,
    "ObjectStore": ObjectStore,
    "Pace": PostgresPace,
    "outbox": outbox,
}
AROUND: ContextVar[int] = ContextVar("AROUND", default=0)
"""Calls that are under way and that what runs here is a part of."""
SENT = "http11.receive_response_headers.started"


PATIENCE = 1.0
"""Seconds."""


class Strike:
    """`under_way`: calls that are to be struck when they have had their effect. `done`: steps behind a call that has had it."""

    def __init__(self, by: signal.Signals, folder: Path) -> None:
        self.by, self.folder = by, folder
        self.under_way = 0
        self.done: set[Step] = set()
        self._claimed: set[Step] = set()

    def __call__(self, step: Step) -> bool:
        """Raise the signal, unless another replica or another life of this one has done so here. True where it is outlived.

        Whatever else has just had its effect is struck by the same death.
        """
        if not self._mark(step):
            return False
        for other in self.done:
            self._mark(other)
        os.kill(os.getpid(), self.by)
        return True

    def is_due(self, step: Step) -> bool:
        return not (self.folder / step.name).exists()

    def claim(self, step: Step) -> bool:
        """True for one call, where the step is due: others that come there with it go on, so that it does not wait for them in vain."""
        if step in self._claimed or not self.is_due(step):
            return False
        self._claimed.add(step)
        return True

    async def quiet(self) -> None:
        """Wait for other calls that are under way: one that dies in the midst may have had its effect, and no step would say so."""
        deadline = time.monotonic() + PATIENCE
        while self.under_way > AROUND.get() and time.monotonic() < deadline:
            await asyncio.sleep(0.005)

    def _mark(self, step: Step) -> bool:
        """False where it is there already."""
        draft = self.folder / f".{os.getpid()}"
        draft.write_text(str(os.getpid()))
        try:
            os.link(draft, self.folder / step.name)
        except FileExistsError:
            return False
        finally:
            draft.unlink()
        return True


def arm(call: str, steps: list[Step], strike: Strike) -> None:
    """Put the steps around a call."""
    place, name = call.split(".")
    owner = OWNERS[place]
    original = getattr(owner, name)
    is_method = isinstance(owner, type)

    @functools.wraps(original)
    async def struck(*args: Any, **options: Any) -> Any:
        told = Call(args[1:] if is_method else args)
        before, after = (
            [step for step in steps if step.moment is moment and strike.is_due(step)]
            for moment in (Moment.BEFORE, Moment.AFTER)
        )
        woken = [step for step in before if step.here(told) and await struck_before(step)]
        strike.under_way += bool(after)
        outside = AROUND.set(AROUND.get() + bool(after))
        try:
            told = Call(told.args, await original(*args, **options))
        finally:
            AROUND.reset(outside)
            strike.under_way -= bool(after)
            for step in woken:
                (strike.folder / f"{step.name} woken").touch()
        here = {step for step in after if step.here(told)}
        strike.done |= here
        for step in here:
            await strike.quiet()
            strike(step)
        strike.done -= here
        return told.result

    async def struck_before(step: Step) -> bool:
        await strike.quiet()
        return strike(step)

    setattr(owner, name, struck)


def arm_posts(steps: list[Step], strike: Strike) -> None:
    """Put the steps between a task that was sent to Druid and its answer."""
    original = httpx.AsyncHTTPTransport.handle_async_request

    async def struck(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        if request.method == "POST" and request.url.path == "/druid/indexer/v1/task":
            told = Call((json.loads(request.content),))
            here = [step for step in steps if step.here(told)]
            request.extensions["trace"] = functools.partial(_when_sent, here, strike)
        return await original(self, request)

    httpx.AsyncHTTPTransport.handle_async_request = struck  # type: ignore[method-assign]


async def _when_sent(steps: list[Step], strike: Strike, event: str, _info: dict[str, Any]) -> None:
    if event == SENT:
        for step in steps:
            if strike.claim(step):
                await strike.quiet()
                strike(step)


def as_static_member(name: str) -> None:
    original = AIOKafkaConsumer.__init__

    def static(self: AIOKafkaConsumer, *topics: str, **settings: Any) -> None:
        quick = {"group_instance_id": name, "session_timeout_ms": 6000, "heartbeat_interval_ms": 1000}
        original(self, *topics, **settings | quick)

    AIOKafkaConsumer.__init__ = static


def live(life: Callable[[], None]) -> int:
    """One life after the other, until one ends otherwise than by a kill; its exit code."""
    child, ending = 0, False

    def pass_on(number: int, _frame: FrameType | None) -> None:
        nonlocal ending
        ending = True
        os.kill(child, number)

    while True:
        child = os.fork()
        if not child:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            life()
            os._exit(0)
        signal.signal(signal.SIGTERM, pass_on)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if ending or code != -signal.SIGKILL:
            return code


def main() -> None:
    strike = Strike(signal.Signals[os.environ["STRUCK_BY"]], Path(os.environ["STRUCK_FOLDER"]))
    chosen = set(json.loads(os.environ["STRUCK_STEPS"]))
    steps = [step for step in STEPS if step.name in chosen]
    as_static_member(os.environ["STRUCK_MEMBER"])
    arm_posts([step for step in steps if step.moment is Moment.MIDWAY], strike)
    for call in {step.call for step in steps}:
        arm(call, [step for step in steps if step.call == call], strike)
    sys.exit(live(serve))


if __name__ == "__main__":
    main()
