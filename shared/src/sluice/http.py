"""What every HTTP edge shares: probes, problem documents (RFC 9457), API docs without foreign hosts, one way to serve."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib.metadata import version
from itertools import groupby
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from sluice.allow import methods_of
from sluice.errors import Transient
from sluice.patience import PatientProtocol
from sluice.problems import ProblemKind, kind_of
from sluice.problems.routes import add_pages
from sluice.settings import HttpSettings

log = structlog.get_logger()

PROBLEM_JSON = "application/problem+json"
OF_FRAMEWORK = {404: "not-found", 405: "method-not-allowed"}
"""Codes of what is refused before a route of ours is reached."""


class Refusal(Exception):
    """A request that is refused, said as a problem document.

    `code` is one of `sluice.problems`, which knows its status; `detail` says what happened and what to do next, without the
    caller's text unescaped.
    """

    def __init__(self, code: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.kind = kind_of(code)
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = more

    @property
    def code(self) -> str:
        return self.kind.code

    @property
    def status(self) -> int:
        return self.kind.status


def problem(refusal: Refusal) -> JSONResponse:
    """The refusal as an RFC 9457 answer."""
    body = {**refusal.kind.document(refusal.detail), **refusal.more}
    return JSONResponse(body, refusal.kind.status, headers=refusal.headers, media_type=PROBLEM_JSON)


def problem_answers(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The same for OpenAPI: by status, what an answer with one of these codes looks like."""
    kinds = sorted({kind_of(code) for code in codes}, key=lambda kind: (kind.status, kind.code))
    return {status: _problem_answer(status, list(same)) for status, same in groupby(kinds, lambda kind: kind.status)}


def _problem_answer(status: int, kinds: list[ProblemKind]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": {"enum": [kind.type for kind in kinds], "description": "where it is explained"},
            "title": {"type": "string"},
            "status": {"const": status},
            "code": {"enum": [kind.code for kind in kinds]},
            "detail": {"type": "string", "description": "what happened, and what to do next"},
        },
    }
    examples = {
        kind.code: {"summary": kind.title, "value": kind.document(f"{kind.happened} {kind.remedy}")} for kind in kinds
    }
    content = {PROBLEM_JSON: {"schema": schema, "examples": examples}}
    return {"description": " · ".join(kind.code for kind in kinds), "content": content}


def unavailable() -> Refusal:
    """What is said while a part does not answer; see Transient."""
    detail = "A part that this request needs does not answer at the moment. Nothing was accepted; try again."
    return Refusal("dependency-unavailable", detail, {"Retry-After": "5"})


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
        responses=problem_answers("internal"),
    )
    _add_probes(api, probes)
    _add_problems(api)
    add_pages(api)
    return api


class Health(BaseModel):
    """`checks` by name of what was asked; all of them must hold."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"healthy": True, "checks": {"s3": True}}]})

    healthy: bool
    checks: dict[str, bool]


UNHEALTHY: dict[int | str, dict[str, Any]] = {503: {"model": Health, "description": "A check does not hold."}}


def _add_probes(api: FastAPI, probes: Probes) -> None:
    @api.get("/health/live", tags=["health"], summary="Is the process alive?", responses=UNHEALTHY)
    async def show_liveness(response: Response) -> Health:
        return _health({name: check() for name, check in probes.alive.items()}, response)

    @api.get(
        "/health/ready", tags=["health"], summary="Does everything answer that the service needs?", responses=UNHEALTHY
    )
    async def show_readiness(response: Response) -> Health:
        answers = await asyncio.gather(*(check() for check in probes.ready.values()))
        return _health(dict(zip(probes.ready, answers, strict=True)), response)


def _health(checks: dict[str, bool], response: Response) -> Health:
    healthy = all(checks.values())
    response.status_code = 200 if healthy else 503
    return Health(healthy=healthy, checks=checks)


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
        return problem(Refusal("internal", detail))

    @api.exception_handler(HTTPException)
    async def refuse_http(request: Request, error: HTTPException) -> JSONResponse:
        detail = f"{HTTPStatus(error.status_code).phrase}. The paths and methods of this API stand at /docs."
        headers = dict(error.headers or {})
        if "Allow" in headers:
            headers["Allow"] = ", ".join(methods_of(api, request.scope["path"]))
        return problem(Refusal(OF_FRAMEWORK.get(error.status_code, "bad-request"), detail, headers))

    @api.exception_handler(RequestValidationError)
    async def refuse_invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        faults = [{"where": ".".join(map(str, fault["loc"])), "what": fault["msg"]} for fault in error.errors()]
        detail = "Parts of the request are not as they must be; see `errors`."
        return problem(Refusal("invalid-request", detail, errors=faults))


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
