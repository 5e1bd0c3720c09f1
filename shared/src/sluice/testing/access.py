"""The matrix of access: every route of an API, asked by every kind of caller. Each API keeps a table of `Row`s."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from sluice.auth import Grant, Verb
from sluice.auth.keyfile import change_keys
from sluice.auth.keys import ApiKey, new_secret

Kind = Literal["none", "wrong", "expired", "other datasource", "read-only", "right"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Route = tuple[str, str]
"""Method and path, as the router has it."""

DATASOURCE, ELSEWHERE = "sales", "weather"


@dataclass(frozen=True, slots=True)
class Row:
    """How a route is asked, and which status it answers to whom.

    `verb`: what it takes on DATASOURCE; None for a route that is open. `right`: the answer to whoever may, 409 as good as
    202. `other`: to whoever may the same on another datasource alone. `reader`: to whoever may read everything.
    """

    verb: Verb | None
    right: int
    other: int = 403
    reader: int = 403
    path: str | None = None
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def status(self, kind: Kind) -> int:
        if self.verb is None:
            return self.right
        return {"other datasource": self.other, "read-only": self.reader, "right": self.right}.get(kind, 401)


OPEN: Mapping[Route, Row] = {
    ("GET", "/docs"): Row(None, 200),
    ("GET", "/docs/assets"): Row(None, 200, path="/docs/assets/swagger-ui.css"),
    ("GET", "/docs/oauth2-redirect"): Row(None, 200),
    ("GET", "/health/live"): Row(None, 200),
    ("GET", "/health/ready"): Row(None, 200),
    ("GET", "/openapi.json"): Row(None, 200),
    ("HEAD", "/openapi.json"): Row(None, 200),
    ("GET", "/problems"): Row(None, 200),
    ("GET", "/problems/{code}"): Row(None, 200, path="/problems/internal"),
}
"""What every API of ours has."""


def routes(api: FastAPI) -> set[Route]:
    """Every route there is, mounted folders as what can be got from them."""
    found = iter_route_contexts(api.routes)
    return {(method, str(each.path)) for each in found for method in getattr(each, "methods", None) or {"GET"}}


def write_keys(path: Path, now: datetime) -> dict[tuple[Kind, Verb], dict[str, str]]:
    """A file of keys for each kind of caller, made a day before `now`; and the headers to call with."""
    headers, kept = {}, []
    for verb in Verb:
        for kind in KINDS:
            secret, expires = new_secret(), now if kind == "expired" else None
            scope = {"other datasource": f"{verb}:{ELSEWHERE}", "read-only": "read:*"}.get(kind, f"{verb}:{DATASOURCE}")
            if kind != "wrong":
                name = f"{kind.replace(' ', '-')}.{verb}"
                kept.append(ApiKey.of(secret, name, [Grant.parse(scope)], now - timedelta(days=1), expires))
            headers[kind, verb] = {"Authorization": f"Bearer {secret}"} if kind != "none" else {}
    change_keys(path, lambda _: tuple(kept))
    return headers
