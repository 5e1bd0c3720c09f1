"""The guard of an API. Nothing but its own description and health is told to somebody who is not known.

Who calls is settled before the request reaches a route, and so before a byte of its body is read; what he may do, by
the route, for it knows the datasource: `caller: Annotated[Caller, Depends(at_least(Verb.UPLOAD))]`.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.types import ASGIApp, Receive, Scope, Send

from sluice.auth import audit
from sluice.auth.grants import Caller, Verb
from sluice.auth.refusals import forbidden, unauthenticated
from sluice.errors import Transient
from sluice.http import Refusal, problem, unavailable
from sluice.problems import PATH

CALLER = "sluice.caller"
OPEN = frozenset({"/docs", "/openapi.json", PATH})
OPEN_BELOW = ("/docs/", "/health/", f"{PATH}/")
BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="bearer",
    description="An API key (`slk_…`) or a token of the trusted issuer. On a server bound to loopback none may be needed.",
)


Authenticator = Callable[[Sequence[str]], Awaitable[Caller]]
"""Who sends these values of the header `Authorization`. Raises Refusal, and Transient while it cannot be known."""


@dataclass(frozen=True, slots=True)
class Gate:
    """ASGI middleware: lets nobody in who is not known, except to what is open to all."""

    app: ASGIApp
    authenticator: Authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_open(scope["method"], scope["path"]):
            await self.app(scope, receive, send)
            return
        address = scope["client"][0] if scope.get("client") else ""
        try:
            caller = await self.authenticator(_authorization(scope))
        except Refusal as refusal:
            audit.turned_away(refusal, address, scope["method"], scope["path"])
            await problem(refusal)(scope, receive, send)
        except Transient:
            await problem(unavailable())(scope, receive, send)
        else:
            scope[CALLER] = replace(caller, address=address)
            await self.app(scope, receive, send)


def protect(api: FastAPI, authenticator: Authenticator) -> None:
    """Set the gate before an API. Middleware that is added later stands before it."""
    api.add_middleware(Gate, authenticator=authenticator)


async def known(
    request: Request, _declared: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)]
) -> Caller:
    """For a route: the caller, whatever he may do."""
    caller: Caller | None = request.scope.get(CALLER)
    if caller is None:
        raise unauthenticated(given=False)
    return caller


def at_least(verb: Verb) -> Callable[..., Awaitable[Caller]]:
    """For a route: the caller, who may do `verb` on the `{datasource}` of the path.

    Without one in the path, he may do it on some datasource at least, and the route itself calls `require`.
    """

    async def check(request: Request, caller: Annotated[Caller, Depends(known)]) -> Caller:
        require(caller, verb, request.path_params.get("datasource"))
        return caller

    return check


def require(caller: Caller, verb: Verb, datasource: str | None) -> None:
    """Raises Refusal where he may not do it on this datasource; with None, on any. A refusal stands in the audit log."""
    if not caller.may(verb, datasource):
        refusal = forbidden(verb, datasource)
        audit.denied(refusal, caller, verb, datasource)
        raise refusal


def hides(caller: Caller, verb: Verb, datasource: str, task_id: UUID) -> bool:
    """Is a task that is asked for by its id to be answered like one that does not exist?

    It is to whoever may not read its datasource. Raises Refusal where he may, but may not do `verb`.
    """
    if caller.may(verb, datasource):
        return False
    refusal = forbidden(verb, datasource)
    audit.denied(refusal, caller, verb, datasource, task_id)
    if caller.may(Verb.READ, datasource):
        raise refusal
    return True


def _is_open(method: str, path: str) -> bool:
    """What an API says of itself, `OPTIONS` included, is open."""
    return method == "OPTIONS" or path in OPEN or path.startswith(OPEN_BELOW)


def _authorization(scope: Scope) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"]
