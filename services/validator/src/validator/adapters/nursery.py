"""The process that forks children: `python -m validator.adapters.nursery [spares]`.

It imports once what judging needs, reads no file itself, and keeps spare children that are warm and wait. Orders come on
stdin, `start <ticket> <folder of the run>` and `kill <ticket>`; on stdout it says `pid <ticket> <pid>` and
`exit <ticket> <wait status> <peak of resident memory in bytes> <CPU milliseconds>`. It dies with the service.
"""

import gc
import importlib
import os
import selectors
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, field

from sluice_engine.run import judge
from validator.adapters.child import JudgeRun, die_with_parent, live, warm_up

STDIN, STDOUT = 0, 1


def main(judge_run: JudgeRun = judge) -> None:
    """Serve until stdin ends."""
    die_with_parent()
    preload(judge_run)
    gc.collect()
    gc.freeze()  # a collection in a child would touch, and so copy, every page
    Nursery(judge_run, int(sys.argv[1]) if sys.argv[1:] else 1).serve()


def preload(judge_run: JudgeRun) -> None:
    """Import what judging imports late. A scout finds it out, for judging here would start threads that no fork inherits."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        _scout(writing, judge_run)
    os.close(writing)
    with os.fdopen(reading) as names:
        for name in names.read().split():
            with suppress(ImportError):  # a name that a library made up for itself
                importlib.import_module(name)
    os.waitpid(pid, 0)


def _scout(writing: int, judge_run: JudgeRun) -> None:
    """Says which modules a sample needs beyond those that are here. Never returns."""
    status = 1
    try:
        before = set(sys.modules)
        warm_up(judge_run)
        os.write(writing, "\n".join(name for name in sys.modules if name not in before).encode())
        status = 0
    finally:
        os._exit(status)


@dataclass(slots=True, eq=False)
class Child:
    """`ended` is readable when it has; `orders` is where it waits for its run, closed once it has one."""

    pid: int
    ended: int
    orders: int
    ticket: str = ""


@dataclass(slots=True)
class Nursery:
    """Forks, and reaps what it forked; a process that it has not reaped cannot be another one of the same number."""

    judge_run: JudgeRun
    most_spares: int
    _children: dict[str, Child] = field(default_factory=dict)
    _spares: list[Child] = field(default_factory=list)
    _selector: selectors.PollSelector = field(
        default_factory=selectors.PollSelector
    )  # unlike epoll not shared by a fork
    _unread: bytes = b""

    def serve(self) -> None:
        self._selector.register(STDIN, selectors.EVENT_READ)
        self._refill()
        while True:
            for key, _ in self._selector.select():
                if isinstance(key.data, Child):
                    self._reap(key.data)
                elif not self._listen():
                    return

    def _listen(self) -> bool:
        """Obey what has come; False at the end of all orders."""
        data = os.read(STDIN, 65536)
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            word, ticket, *rest = os.fsdecode(line).split(" ", 2)
            if word == "start":
                self._start(ticket, *rest)
            elif ticket in self._children:
                os.kill(self._children[ticket].pid, signal.SIGKILL)
        return bool(data)

    def _start(self, ticket: str, run: str) -> None:
        child = self._spares.pop(0) if self._spares else self._fork()
        child.ticket = ticket
        self._children[ticket] = child
        with suppress(BrokenPipeError):  # it is dead already, and about to be reaped
            os.write(child.orders, os.fsencode(f"{run}\n"))
        os.close(child.orders)
        _say(f"pid {ticket} {child.pid}")
        self._refill()

    def _reap(self, child: Child) -> None:
        _, status, usage = os.wait4(child.pid, 0)
        self._selector.unregister(child.ended)
        os.close(child.ended)
        if child in self._spares:
            # not replaced before it is needed: whatever killed it might kill the next
            self._spares.remove(child)
            os.close(child.orders)
        else:
            del self._children[child.ticket]
            cpu = round((usage.ru_utime + usage.ru_stime) * 1000)
            _say(f"exit {child.ticket} {status} {usage.ru_maxrss * 1024} {cpu}")

    def _refill(self) -> None:
        while len(self._spares) < self.most_spares:
            self._spares.append(self._fork())

    def _fork(self) -> Child:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            waiting = [spare.orders for spare in self._spares]
            watched = [child.ended for child in (*self._spares, *self._children.values())]
            live(reading, [writing, *waiting, *watched], self.judge_run)
        os.close(reading)
        child = Child(pid, os.pidfd_open(pid), writing)
        self._selector.register(child.ended, selectors.EVENT_READ, child)
        return child


def _say(line: str) -> None:
    os.write(STDOUT, f"{line}\n".encode())


if __name__ == "__main__":
    main()
