"""The service's side of the nursery (`validator.adapters.nursery`): start it, have children forked, learn how they ended."""

import asyncio
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from validator.errors import ChildBroken

COMMAND = (sys.executable, "-m", "validator.adapters.nursery")

TUNING = {
    # beside the thread that judges and the one that writes Parquet a second for columns costs more than it saves
    "POLARS_MAX_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # one heap of each allocator; of what a batch needed, the next one is made
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "67108864",
    "MALLOC_TRIM_THRESHOLD_": "67108864",
    "_RJEM_MALLOC_CONF": "narenas:1",
    "LC_ALL": "C.UTF-8",
}
"""How libraries run in the nursery and its children."""

START_SECONDS = 120.0
"""Importing takes one or two; on a machine that is out of breath, longer."""

END_SECONDS = 10.0
"""Until a process that was killed is no more."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a child ended: its wait status, its peak of resident memory in bytes, and its processor time in seconds."""

    status: int
    memory_bytes: int
    cpu_seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Child:
    """Both futures raise ChildBroken when the nursery ends before they are known."""

    ticket: str
    pid: asyncio.Future[int]
    ended: asyncio.Future[Ending]


@dataclass(slots=True, eq=False)
class Nursery:
    """A running nursery. Its children are told apart by tickets."""

    process: asyncio.subprocess.Process
    orders: asyncio.StreamWriter
    _children: dict[str, Child] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=count)
    _listener: "asyncio.Task[None] | None" = None

    @classmethod
    async def start(cls, command: tuple[str, ...], environment: Mapping[str, str]) -> "Nursery":
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, env=environment)
        if process.stdin is None or process.stdout is None:
            raise ChildBroken("pipes were asked for")
        nursery = cls(process, process.stdin)
        nursery._listener = asyncio.create_task(nursery._listen(process.stdout))
        return nursery

    @property
    def alive(self) -> bool:
        return self._listener is not None and not self._listener.done()

    async def fork(self, run: Path) -> Child:
        """A child that judges the run, its `pid` known. Raises ChildBroken. Leaving by an exception leaves no child behind."""
        loop = asyncio.get_running_loop()
        child = Child(str(next(self._numbers)), loop.create_future(), loop.create_future())
        self._children[child.ticket] = child
        self._order(f"start {child.ticket} {os.fspath(run)}")
        try:
            async with asyncio.timeout(START_SECONDS):
                await asyncio.shield(child.pid)
        except TimeoutError as error:
            await self.stop()
            raise ChildBroken("the process that forks children does not start") from error
        except BaseException:
            await self.end(child)
            raise
        return child

    async def end(self, child: Child) -> None:
        """See to it that the child is no more."""
        if child.ended.done():
            return
        self._order(f"kill {child.ticket}")
        await asyncio.wait({child.ended}, timeout=END_SECONDS)
        if not child.ended.done():
            await self.stop()

    def kill(self, child: Child) -> None:
        self._order(f"kill {child.ticket}")

    async def stop(self) -> None:
        """End the nursery, and with it every child."""
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        if self._listener:
            await self._listener

    def _order(self, line: str) -> None:
        # a few orders at most are on their way; where the nursery has ended, the listener says so to all who wait
        if not self.orders.is_closing():
            self.orders.write(os.fsencode(f"{line}\n"))

    async def _listen(self, answers: asyncio.StreamReader) -> None:
        try:
            while line := await answers.readline():
                self._hear(line.decode().split())
        finally:
            for child in self._children.values():
                for future in (child.pid, child.ended):
                    if not future.done():
                        future.set_exception(ChildBroken("the process that forks children has ended"))
                        future.exception()  # nobody may be waiting for this one
            self._children.clear()

    def _hear(self, words: list[str]) -> None:
        match words:
            case ["pid", ticket, pid]:
                self._children[ticket].pid.set_result(int(pid))
            case ["exit", ticket, status, memory, cpu]:
                ending = Ending(int(status), int(memory), int(cpu) / 1000)
                self._children.pop(ticket).ended.set_result(ending)
            case _:
                raise ChildBroken("the process that forks children says what nobody understands")
