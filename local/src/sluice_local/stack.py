"""Parts, services and front door, started in order and stopped together."""

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from sluice_local.endpoints import Endpoints
from sluice_local.kind import Kind, choose_kind
from sluice_local.part import Part
from sluice_local.parts import make_parts
from sluice_local.processes import start_guard
from sluice_local.service import Service, run_once
from sluice_local.site import open_site

__all__ = ["Kind", "Stack", "choose_kind"]

_MODULES = {
    "gateway": "gateway",
    "validator": "validator",
    "druid-submitter": "druid_submitter",
    "status-tracker": "status_tracker",
}
_ONCE_BEFORE = {
    "topics": ["sluice.messaging", "create-topics"],
    "migrate-submitter": ["druid_submitter", "migrate"],
    "migrate-tracker": ["status_tracker", "migrate"],
}
_FRONT_DOOR_PORT = 8080
_PARTS_SECONDS = 300.0
_SERVICES_SECONDS = 60.0

Item = TypeVar("Item")


class Stack:
    """Everything on this machine: the parts, the four services, the front door. A context manager that stops all.

    One stack per state folder: a second one there is refused with SetupError. Real parts find their data again in the
    same folder; stand-ins forget everything, so give their stack a new folder each time.
    """

    def __init__(self, state_dir: Path, kind: Kind, progress: Callable[[str], None] = print) -> None:
        self.kind = kind
        self.site = open_site(state_dir, progress)
        with contextlib.ExitStack() as undo:
            undo.callback(self.site.close)
            self._parts = make_parts(self.site, kind)
            self._services = {name: self._service(name, name, {}) for name in _MODULES}
            self.front_door = self._make_front_door()
            self._guard = start_guard(self.site.pids)
            undo.pop_all()

    @property
    def parts(self) -> Mapping[str, Part]:
        parts = (self._parts.kafka, self._parts.s3, self._parts.postgres, self._parts.druid)
        return {part.name: part for part in parts}

    @property
    def services(self) -> Mapping[str, Service]:
        return self._services

    @property
    def endpoints(self) -> Endpoints:
        """Known once the parts run."""
        return self._parts.endpoints()

    @property
    def url(self) -> str:
        """The front door."""
        return self.front_door.url

    def start_parts(self) -> None:
        """Start all parts side by side; returns when each of them answers. SetupError if one does not."""
        self._start(self.parts.values(), _PARTS_SECONDS)

    def start_services(self) -> None:
        """Make topics and tables, start services and front door; returns when all are ready. Needs the parts."""
        settings = self.endpoints.environment()
        # Stand-ins come with their topics.
        jobs = [job for job in _ONCE_BEFORE.items() if self.kind == "real" or job[0] != "topics"]
        _side_by_side(lambda job: run_once(self.site, job[0], job[1], settings), jobs)
        self._start([*self._services.values(), self.front_door], _SERVICES_SECONDS)

    def add_service(self, name: str, *, replica: int = 2, extra_env: Mapping[str, str] | None = None) -> Service:
        """Start one more process of a service, a second member of its group; it stops with the stack."""
        service = self._service(f"{name}-{replica}", name, extra_env or {})
        self._services[service.name] = service
        service.start()
        return service

    def stop(self) -> None:
        """Stop every process, also in the midst of a start; the stack is over then."""
        self.site.closing.set()
        self.front_door.stop()
        _side_by_side(lambda service: service.stop(), self._services.values())
        _side_by_side(lambda part: part.stop(), self.parts.values())
        self._guard.communicate()
        self.site.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _service(self, name: str, kind: str, extra: Mapping[str, str]) -> Service:
        def settings() -> Mapping[str, str]:
            own = {"SLUICE_PUBLIC_URL": self.url, "SLUICE_WORK_DIR": str(self.site.data(name))}
            return {**self.endpoints.environment(), **own, **extra}

        return Service(name, self.site, [_MODULES[kind]], settings)

    def _make_front_door(self) -> Service:
        port = self.site.ports.take("front-door", prefer=_FRONT_DOOR_PORT)
        ways = ["--gateway", self._services["gateway"].url, "--tracker", self._services["status-tracker"].url]
        arguments = ["sluice_local.frontdoor", "--port", str(port), *ways]
        return Service("front-door", self.site, arguments, dict)

    def _start(self, parts: Iterable[Part], seconds: float) -> None:
        def start(part: Part) -> None:
            began = time.monotonic()
            part.start()
            part.wait_ready(time.monotonic() + seconds)
            self.site.progress(f"{part.name} is ready ({time.monotonic() - began:.1f} s)")

        _side_by_side(start, parts)


def _side_by_side(act: Callable[[Item], None], items: Iterable[Item]) -> None:
    """Do it to each in a thread of its own, wait for all, raise what the first of them raised."""
    todo = list(items)
    threads = ThreadPoolExecutor(max(1, len(todo)))
    try:
        for done in [threads.submit(act, item) for item in todo]:
            done.result()
    finally:
        # An interrupted start must not wait for the others here: stopping the stack is what ends them.
        threads.shutdown(wait=False, cancel_futures=True)
