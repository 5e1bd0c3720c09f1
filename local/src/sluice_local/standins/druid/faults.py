"""Faults that a real Druid does not show on demand, switched while the simulator runs. None of this is Druid's own.

`PUT /simulator/faults/<name>` sets one, with a JSON object of `Fault`'s fields as body, all optional; `DELETE` ends it, and on
`/simulator/faults` ends all. `GET /simulator/faults` shows those that stand. Whoever reaches the simulator may: it listens on
loopback only.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_CONTROL = "/simulator/faults"
_QUEUE_FULL = {
    "error": "druidException",
    "errorCode": "general",
    "persona": "OPERATOR",
    "category": "CAPACITY_EXCEEDED",
    "errorMessage": "Task queue already contains [0] tasks. Retry later or increase the druid.indexer.queue.maxSize",
    "context": {},
}

ANSWERS: Mapping[str, Callable[[], Response]] = {
    "no-leader": lambda: Response(status_code=503),
    "redirect": lambda: Response(status_code=307),
    "queue-full": lambda: JSONResponse(_QUEUE_FULL, 429),
    "html": lambda: HTMLResponse("<html><head><title>Welcome</title></head></html>"),
}
"""Given instead of Druid's own, to requests in whose path `where` is; `$` stands for the path's end."""

NAMES = (
    *ANSWERS,
    "lost-answer",  # the request is obeyed and the connection cut; `where` as above
    "slow",  # the answer comes `seconds` later; `where` as above
    "no-slots",  # others have them all: no task starts
    "locked",  # others hold `intervals`: tasks whose id has `where` in it wait, if they touch one of them
    "empty-success",  # SUCCESS without a row
    "fails",  # FAILED with `text`
    "fails-late",  # FAILED with `text`, though the rows are published
    "forgotten",  # at the next question about it, Druid does not know the task any more; one that ran has ended
    "left-out",  # of answers for many tasks
    "too-few",  # a query counts one row less
    "never-loads",  # what is published is not loaded, in any datasource; until it is ended
    "unknown-datasource",  # to the Broker
)
"""`where` of those on tasks is a part of the task's id, of those on the Broker a part of the query."""


class UnknownFault(Exception):
    """There is none of this name, or it has no such field."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Shows `times` times, or until it is ended."""

    times: int | None = None
    where: str = ""
    text: str = ""
    seconds: float = 0.0
    intervals: tuple[str, ...] = ()


class Faults:
    """Those that stand, by name."""

    def __init__(self) -> None:
        self._standing: dict[str, Fault] = {}
        self._frozen_at: float | None = None
        self._lock = threading.Lock()

    def set(self, name: str, fields: Mapping[str, Any]) -> None:
        """Raises UnknownFault."""
        if name not in NAMES:
            raise UnknownFault(f"there is no fault {name}, only {', '.join(NAMES)}")
        try:
            fault = Fault(**{**fields, "intervals": tuple(fields.get("intervals", ()))})
        except TypeError as error:
            raise UnknownFault(str(error)) from error
        with self._lock:
            self._standing[name] = fault
            if name == "never-loads":
                self._frozen_at = self._frozen_at or time.time()

    def end(self, name: str | None = None) -> None:
        with self._lock:
            for each in [name] if name else list(self._standing):
                self._standing.pop(each, None)
            if "never-loads" not in self._standing:
                self._frozen_at = None

    def standing(self) -> dict[str, Any]:
        return {name: asdict(fault) for name, fault in self._standing.items()}

    def loading_until(self) -> float:
        """Seconds since 1970: now, while segments are loaded."""
        frozen_at = self._frozen_at
        return time.time() if frozen_at is None else frozen_at

    def stands(self, name: str, about: str = "") -> Fault | None:
        """A fault that lasts: looking at it does not wear it off."""
        fault = self._standing.get(name)
        return fault if fault and fault.where in about else None

    def strikes(self, name: str, about: str = "") -> Fault | None:
        """The fault, if it shows here; once less from now on."""
        with self._lock:
            fault = self._standing.get(name)
            if fault is None or fault.where not in about:
                return None
            if fault.times is not None:
                if fault.times <= 1:
                    del self._standing[name]
                else:
                    self._standing[name] = Fault(**{**asdict(fault), "times": fault.times - 1})
            return fault


class FaultyLine:
    """Between client and simulator: answers instead of it, late, or not at all."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or path.startswith(_CONTROL):
            await self._app(scope, receive, send)
            return
        about = f"{path}$"
        if late := self._faults.strikes("slow", about):
            await asyncio.sleep(late.seconds)
        for name, answer in ANSWERS.items():
            if self._faults.strikes(name, about):
                await answer()(scope, receive, send)
                return
        if self._faults.strikes("lost-answer", about):
            await self._app(scope, receive, _nowhere)
            # a body that is announced and does not come: uvicorn cuts the connection
            await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": [(b"content-length", b"1")]})
            return
        await self._app(scope, receive, send)


async def _nowhere(_: Message) -> None:
    """Where answers are lost."""


def control(faults: Faults) -> list[Route]:
    async def standing(_: Request) -> Response:
        return JSONResponse(faults.standing())

    async def put(request: Request) -> Response:
        body = await request.body()
        try:
            faults.set(request.path_params["name"], await request.json() if body else {})
        except UnknownFault as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse(faults.standing())

    async def end(request: Request) -> Response:
        faults.end(request.path_params.get("name"))
        return JSONResponse(faults.standing())

    return [
        Route(_CONTROL, standing),
        Route(_CONTROL, end, methods=["DELETE"]),
        Route(f"{_CONTROL}/{{name}}", put, methods=["PUT"]),
        Route(f"{_CONTROL}/{{name}}", end, methods=["DELETE"]),
    ]
