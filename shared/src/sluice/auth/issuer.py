"""The public keys of an issuer of tokens, fetched when one is needed and then kept."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
import structlog

from sluice.errors import Transient
from sluice.settings import require_https

log = structlog.get_logger()

ALGORITHMS = ("RS256", "ES256", "EdDSA")
"""Those with a public key: what can only be checked with a secret could be forged with what everybody knows."""
MOST_BYTES = 262_144
"""Of one document of the issuer's."""
PATIENCE = 5.0
"""Seconds for everything that is fetched at once."""
PAUSE = 30.0
"""Seconds between two fetches, so that invented key ids are no way to make us knock at the issuer's door all day."""
FRESH = 600.0
"""Seconds for which known keys are not asked for again; then it is learned which of them are withdrawn."""


@dataclass(slots=True)
class IssuerKeys:
    """`url`: of the key set; None asks the issuer's discovery document. While the issuer is down, known keys stay good."""

    issuer: str
    url: str | None
    monotonic: Callable[[], float] = time.monotonic
    _keys: dict[str, jwt.PyJWK] = field(default_factory=dict, init=False, repr=False)
    _tried: float = field(default=float("-inf"), init=False)
    _down: bool = field(default=False, init=False)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False, repr=False)

    async def find(self, key_id: str) -> jwt.PyJWK | None:
        """The key; None where the issuer has none of that id. Raises Transient while the issuer cannot be asked."""
        if key_id not in self._keys or self._due(key_id):  # of those with a known key, one looks; the others go on
            async with self._turn:
                if self._due(key_id):
                    await self._fetch()
        key = self._keys.get(key_id)
        if key is None and self._down:
            raise Transient("the issuer of tokens does not answer")
        return key

    def _due(self, key_id: str) -> bool:
        pause = FRESH if key_id in self._keys and not self._down else PAUSE
        return self.monotonic() - self._tried >= pause

    async def _fetch(self) -> None:
        self._tried = self.monotonic()
        try:
            self._keys, self._down = await fetch_keys(self.issuer, self.url), False
        except Transient as error:
            self._down = True
            log.warning("the keys of the issuer cannot be fetched", issuer=self.issuer, error=str(error))


async def fetch_keys(issuer: str, url: str | None) -> dict[str, jwt.PyJWK]:
    """What an issuer signs with now, by id. Raises Transient."""
    try:
        async with asyncio.timeout(PATIENCE), httpx.AsyncClient(timeout=PATIENCE) as http:
            return usable_keys(await _fetch_json(http, url or await _discover(http, issuer)))
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError, RecursionError) as error:
        raise Transient(f"{type(error).__name__}: {error}") from error


def usable_keys(key_set: dict[str, Any]) -> dict[str, jwt.PyJWK]:
    """The keys of a JWK set that have an id, are there for signatures, and of an algorithm that is allowed. Raises ValueError."""
    entries = key_set.get("keys")
    if not isinstance(entries, list):
        raise ValueError("a JWK set has a list of keys")  # noqa: TRY004 - what came is wrong, not our call
    found = {}
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str) or entry.get("use", "sig") != "sig":
            continue
        try:
            key = jwt.PyJWK(entry)
        except jwt.PyJWTError:
            continue
        if key.algorithm_name in ALGORITHMS:
            found[entry["kid"]] = key
    return found


async def _discover(http: httpx.AsyncClient, issuer: str) -> str:
    """As OpenID Connect Discovery says it. Raises ValueError."""
    document = await _fetch_json(http, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if document.get("issuer") != issuer:
        raise ValueError("the discovery document is another issuer's; SLUICE_OIDC_ISSUER must be what it calls itself")
    return require_https(str(document.get("jwks_uri")))


async def _fetch_json(http: httpx.AsyncClient, url: str) -> dict[str, Any]:
    """Raises ValueError for what is no JSON object, or a long one."""
    content = bytearray()
    async with http.stream("GET", url, headers={"Accept-Encoding": "identity"}) as answer:
        if answer.status_code != httpx.codes.OK:
            raise ValueError(f"{url} answers {answer.status_code}")
        async for chunk in answer.aiter_raw():
            content += chunk
            if len(content) > MOST_BYTES:
                raise ValueError(f"{url} is longer than {MOST_BYTES} bytes")
    document = json.loads(content)
    if not isinstance(document, dict):
        raise ValueError(f"{url} is no JSON object")  # noqa: TRY004 - what came is wrong, not our call
    return document
