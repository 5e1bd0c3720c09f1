"""Whoever calls, by whatever he shows. One per process."""

import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from sluice.auth.access import Authenticator
from sluice.auth.grants import ANYBODY, Caller
from sluice.auth.issuer import IssuerKeys
from sluice.auth.keyfile import KeysUnreadable
from sluice.auth.keyring import KeyRing
from sluice.auth.keys import PREFIX
from sluice.auth.refusals import unauthenticated
from sluice.auth.tokens import Tokens
from sluice.clock import Clock, utc_now
from sluice.settings import ApiSettings

log = structlog.get_logger()

LONGEST = 8_192
"""Characters of a credential; a token with more is not looked at."""

Recognise = Callable[[str], Awaitable[Caller]]
"""The caller who shows this credential. Raises Refusal, and Transient while it cannot be known."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Knows callers by key, by token, or by either."""

    by_key: Recognise | None
    by_token: Recognise | None

    async def __call__(self, authorization: Sequence[str]) -> Caller:
        """Raises Refusal, Transient."""
        if not authorization:
            raise unauthenticated(given=False)
        credential = _bearer(authorization)
        recognise = self.by_key if credential.startswith(PREFIX) else self.by_token
        if recognise is None or not credential:
            raise unauthenticated(given=True)
        return await recognise(credential)


async def let_everybody_in(_authorization: Sequence[str]) -> Caller:
    return ANYBODY


def make_authenticator(settings: ApiSettings, clock: Clock = utc_now) -> Authenticator:
    """As the settings say. Where the file of keys is not in order, the process ends with a sentence that says why."""
    if not settings.knows_callers:
        log.warning("everybody may do everything", http_host=settings.http_host)
        return let_everybody_in
    try:
        by_key = KeyRing(settings.keys_file, clock) if settings.keys_file else None
    except KeysUnreadable as error:
        sys.exit(str(error))
    return Credentials(by_key, _by_token(settings))


def _by_token(settings: ApiSettings) -> Recognise | None:
    if not settings.oidc_issuer or not settings.oidc_audience:
        return None
    keys = IssuerKeys(settings.oidc_issuer, settings.oidc_jwks_url)
    return Tokens(keys, settings.oidc_audience, tuple(settings.oidc_scope_claims.split()))


def _bearer(authorization: Sequence[str]) -> str:
    """The credential; empty where it is not one, of the scheme Bearer, of a length that makes sense."""
    scheme, _, credential = authorization[0].partition(" ")
    one = len(authorization) == 1 and scheme.lower() == "bearer" and len(credential) <= LONGEST
    return credential.strip() if one else ""
