"""What every HTTP edge shares: probes, problem documents (RFC 9457), API docs without foreign hosts, one way to serve."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException

from sluice.errors import Transient
from sluice.patience import PatientProtocol
from sluice.settings import HttpSettings

log = structlog.get_logger()

PROBLEM_JSON = "application/problem+json"


class Refusal(Exception):
    """A request that is refused, said as a problem document.

    `code` is stable; `detail` says what happened and what to do next, without the caller's text unescaped.
    """

    def __init__(
        self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = more


def problem(refusal: Refusal) -> JSONResponse:
    """The refusal as an RFC 9457 answer."""
    body = {
        "type": f"urn:sluice:problem:{refusal.code}",
        "title": HTTPStatus(refusal.status).phrase,
        "status": refusal.status,
        "code": refusal.code,
        "detail": refusal.detail,
        **refusal.more,
    }
    return JSONResponse(body, refusal.status, headers=refusal.headers, media_type=PROBLEM_JSON)


def problem_answer(status: int, *codes: str) -> dict[str, Any]:
    """The same for OpenAPI: an answer of this status that carries one of these codes."""
    schema = {
        "type": "object",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"const": status},
            "code": {"enum": list(codes)},
            "detail": {"type": "string", "description": "what happened, and what to do next"},
        },
    }
    return {"description": " · ".join(codes), "content": {PROBLEM_JSON: {"schema": schema}}}


def unavailable() -> Refusal:
    """What is said while a part does not answer; see Transient."""
    detail = "A part that this request needs does not answer at the moment. Nothing was accepted; try again."
    return Refusal(503, "dependency-unavailable", detail, {"Retry-After": "5"})


@dataclass(frozen=True, slots=True)
class Probes:
    """`alive`: does every loop of ours turn? `ready`: does everything answer without which we cannot work?"""

    alive: dict[str, Callable[[], bool]] = field(default_factory=dict)
    ready: dict[str, Callable[[], Awaitable[bool]]] = field(default_factory=dict)


OpenParts = Callable[[FastAPI, AsyncExitStack, Probes], Awaitable[None]]
"""Opens what a service is made of: on the stack, so that it is closed in the opposite order; and says how it is probed."""


def create_api(title: str, description: str, open_parts: OpenParts) -> FastAPI:
    """A FastAPI application with probes, problem documents and offline docs, the same in every service.

    `open_parts` is awaited before the first request; what it put on the stack is closed after the last.
    """
    probes = Probes()

    @asynccontextmanager
    async def lifespan(api: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await open_parts(api, stack, probes)
            yield

    api = FastAPIOffline(
        title=title,
        description=description,
        version=version("sluice"),
        lifespan=lifespan,
        redoc_url=None,
        static_url="/docs/assets",
    )
    _add_probes(api, probes)
    _add_problems(api)
    return api


def _add_probes(api: FastAPI, probes: Probes) -> None:
    @api.get("/health/live", tags=["health"], summary="Is the process alive?")
    async def show_liveness() -> JSONResponse:
        return _health({name: check() for name, check in probes.alive.items()})

    @api.get("/health/ready", tags=["health"], summary="Does everything answer that the service needs?")
    async def show_readiness() -> JSONResponse:
        answers = await asyncio.gather(*(check() for check in probes.ready.values()))
        return _health(dict(zip(probes.ready, answers, strict=True)))


def _health(checks: dict[str, bool]) -> JSONResponse:
    healthy = all(checks.values())
    return JSONResponse({"healthy": healthy, "checks": checks}, 200 if healthy else 503)


def _add_problems(api: FastAPI) -> None:
    @api.exception_handler(Refusal)
    async def refuse(_request: Request, refusal: Refusal) -> JSONResponse:
        return problem(refusal)

    @api.exception_handler(Transient)
    async def wait(_request: Request, _error: Transient) -> JSONResponse:
        return problem(unavailable())

    @api.exception_handler(Exception)
    async def confess(_request: Request, error: Exception) -> JSONResponse:
        log.error("request failed", exc_info=error)
        detail = "A fault on our side; it stands in the log. Try again; if it happens again, tell who runs this."
        return problem(Refusal(500, "internal", detail))

    @api.exception_handler(HTTPException)
    async def refuse_http(_request: Request, error: HTTPException) -> JSONResponse:
        phrase = HTTPStatus(error.status_code).phrase
        code = phrase.lower().replace(" ", "-").replace("'", "")
        detail = f"{phrase}. The paths and methods of this API stand at /docs."
        return problem(Refusal(error.status_code, code, detail, error.headers))

    @api.exception_handler(RequestValidationError)
    async def refuse_invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        faults = [{"where": ".".join(map(str, fault["loc"])), "what": fault["msg"]} for fault in error.errors()]
        detail = "Parts of the request are not as they must be; see `errors`."
        return problem(Refusal(422, "invalid-request", detail, errors=faults))


def serve(app: FastAPI, settings: HttpSettings) -> None:
    """Serve until SIGTERM or Ctrl-C; requests in hand are finished first."""
    uvicorn.run(
        app,
        host=settings.http_host,
        port=settings.http_port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=20,
        timeout_keep_alive=30,
        http=PatientProtocol,
    )
