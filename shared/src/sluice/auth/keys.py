"""API keys: `slk_<id>_<secret>`, of which only a SHA-256 is kept."""

import re
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest
from secrets import token_hex, token_urlsafe
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from sluice.auth.grants import ANYBODY, Grant

PREFIX = "slk_"
SECRET_BYTES = 32
FORM = re.compile(r"slk_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
NAME = r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$"
"""Without the bar that is in the name of every caller with a token."""
NO_DIGEST = sha256(b"").hexdigest()


def _grant(scope: object) -> object:
    return Grant.parse(scope) if isinstance(scope, str) else scope


Scope = Annotated[Grant, BeforeValidator(_grant), PlainSerializer(str)]


class Standing(StrEnum):
    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


class ApiKey(BaseModel):
    """What is kept of a key. `name` is the caller's: two keys of one name are one caller, as when a key is replaced."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    id: str = Field(pattern=r"^[0-9a-f]{12}$")
    name: str = Field(pattern=NAME)
    scopes: tuple[Scope, ...] = Field(min_length=1)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    created: AwareDatetime
    expires: AwareDatetime | None = None
    revoked: AwareDatetime | None = None

    @classmethod
    def of(
        cls, secret: str, name: str, scopes: Iterable[Grant], now: datetime, expires: datetime | None = None
    ) -> "ApiKey":
        """What is kept of this key. Raises ValueError."""
        form = FORM.fullmatch(secret)
        if form is None:
            raise ValueError("a key is slk_, 12 hexadecimal digits, _ and 43 letters, digits, - or _")
        if name == ANYBODY.name or not re.fullmatch(NAME, name):
            raise ValueError("a name has at most 64 letters, digits, dots, _, @ and -, and `anonymous` is taken")
        return cls(id=form[1], name=name, scopes=tuple(scopes), sha256=digest(secret), created=now, expires=expires)

    def standing(self, now: datetime) -> Standing:
        if self.revoked:
            return Standing.REVOKED
        return Standing.EXPIRED if self.expires and self.expires <= now else Standing.ACTIVE


def new_secret() -> str:
    """The text of a key that nobody can guess."""
    return f"{PREFIX}{token_hex(6)}_{token_urlsafe(SECRET_BYTES)}"


def digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def genuine(secret: str, kept: ApiKey | None) -> bool:
    """Is it the very key of which this is kept? It takes as long where nothing is."""
    return compare_digest(digest(secret), kept.sha256 if kept else NO_DIGEST) and kept is not None
