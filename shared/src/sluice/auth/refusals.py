"""The three ways of being turned away, each with the challenge of RFC 6750 that belongs to it."""

import re
from typing import Any

from sluice.auth.grants import Verb
from sluice.events import DATASOURCE_PATTERN
from sluice.http import Refusal, problem_answers

REALM = 'Bearer realm="sluice"'
SEND = (
    "Send `Authorization: Bearer <credential>`, with an API key (`slk_…`, whoever runs this makes one) "
    "or a token of the issuer that is trusted here."
)

DENIED: dict[int | str, dict[str, Any]] = problem_answers("unauthenticated", "credential-expired", "forbidden")
"""For OpenAPI: what a route behind the gate may answer before it is asked."""


def unauthenticated(*, given: bool) -> Refusal:
    """`given`: there was a credential. Why it is none of ours is not said: unknown, revoked and malformed look the same."""
    if not given:
        return Refusal("unauthenticated", f"Nobody says who is calling. {SEND}", {"WWW-Authenticate": REALM})
    challenge = f'{REALM}, error="invalid_token"'
    return Refusal("unauthenticated", f"The credential is not known here. {SEND}", {"WWW-Authenticate": challenge})


def expired() -> Refusal:
    """Said only to whoever holds the genuine credential."""
    challenge = f'{REALM}, error="invalid_token", error_description="expired"'
    detail = "The credential has expired. Get a new one from where this one came from, and send the request again."
    return Refusal("credential-expired", detail, {"WWW-Authenticate": challenge})


def forbidden(verb: Verb, datasource: str | None) -> Refusal:
    """`datasource`: as the request names it, so perhaps no name at all; None if any would do."""
    named = datasource is not None and re.fullmatch(DATASOURCE_PATTERN, datasource)
    scope = f"{verb}:{datasource}" if named else str(verb)
    on = f"on the datasource `{datasource}`" if named else "on any datasource" if datasource is None else "on this one"
    detail = (
        f"This caller may not {verb} {on}. Ask whoever runs this for a credential with the scope {verb}:<datasource>."
    )
    return Refusal("forbidden", detail, {"WWW-Authenticate": f'{REALM}, error="insufficient_scope", scope="{scope}"'})
