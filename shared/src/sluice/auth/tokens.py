"""Callers that show a token (JWT) of the trusted issuer, as OpenID Connect and OAuth 2.0 hand them out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import jwt

from sluice.auth.grants import Caller, known_grants
from sluice.auth.issuer import ALGORITHMS, IssuerKeys
from sluice.auth.refusals import expired, unauthenticated

LEEWAY = 30.0
"""Seconds by which the issuer's clock may differ from ours."""
LONGEST_NAME = 200
LONGEST_ISSUER = 100


@dataclass(frozen=True, slots=True)
class Tokens:
    """`scope_claims`: where scopes stand in a token; each a text with blanks or a list, and those of others are ignored."""

    keys: IssuerKeys
    audience: str
    scope_claims: tuple[str, ...]

    async def __call__(self, token: str) -> Caller:
        """Raises Refusal, and Transient while its key is not known and the issuer cannot be asked."""
        key = await self._key(token)
        if key is None:
            raise unauthenticated(given=True)
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self.audience,
                issuer=self.keys.issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "iss", "aud", "sub"], "enforce_minimum_key_length": True},
            )
        except jwt.ExpiredSignatureError:
            raise expired() from None
        except jwt.PyJWTError:
            raise unauthenticated(given=True) from None
        grants = known_grants(scope for claim in self.scope_claims for scope in _scopes(claims, claim))
        return Caller(caller_name(self.keys.issuer, claims["sub"]), grants)

    async def _key(self, token: str) -> jwt.PyJWK | None:
        """The key that the token names; which algorithm is used with it, the key says and not the token."""
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            return None
        key_id = header.get("kid")
        return await self.keys.find(key_id) if isinstance(key_id, str) else None


def caller_name(issuer: str, subject: str) -> str:
    """`issuer|subject`, without the scheme. Where that is long or not printable, `issuer~` and a digest of it."""
    issuer = issuer.partition("://")[2]
    name = f"{issuer}|{subject}"
    if len(name) <= LONGEST_NAME and name.isprintable():
        return name
    return f"{issuer[:LONGEST_ISSUER]}~{sha256(name.encode(errors='surrogatepass')).hexdigest()}"


def _scopes(claims: Mapping[str, Any], claim: str) -> Iterator[str]:
    found = claims.get(claim, "")
    for each in found.split() if isinstance(found, str) else found if isinstance(found, list) else ():
        if isinstance(each, str):
            yield each
