"""Places on S3 that an event or a request may name. A key is taken as it stands there: nothing in a URI is percent-decoded."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import unquote

from pydantic import BeforeValidator

OWN_PREFIXES = (
    "accepted/",
    "activations/",
    "canonical/",
    "commands/",
    "contents/",
    "contracts/",
    "corrections/",
    "keys/",
    "leases/",
    "outcomes/",
    "paused/",
    "probes/",
    "raw/",
    "reports/",
    "retractions/",
    "uploads/",
)
"""What senders uploaded, and the ledger: nobody else has a file there."""

LONGEST_KEY = 1024
"""Bytes; S3 has no longer ones, and some servers answer them as if they were ill."""

PREFIX = re.compile(r"s3://([A-Za-z0-9][A-Za-z0-9._-]{1,62})/((?:[^/]+/)*)")


@dataclass(frozen=True, slots=True)
class Prefix:
    """All objects of a bucket whose keys begin so. `key` ends with a slash, or is empty: then it is the whole bucket."""

    bucket: str
    key: str = ""

    @classmethod
    def parse(cls, uri: str) -> "Prefix":
        """Raises ValueError."""
        found = PREFIX.fullmatch(uri)
        if found is None or not found[2].isprintable() or not {".", ".."}.isdisjoint(found[2].split("/")):
            raise ValueError(
                "a prefix is s3://bucket/ or s3://bucket/some/folder/, with a slash at its end and no `..`"
            )
        return cls(found[1], found[2])

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def _parsed(text: object) -> object:
    return Prefix.parse(text) if isinstance(text, str) else text


WrittenPrefix = Annotated[Prefix, BeforeValidator(_parsed)]
"""As it stands in settings and files."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where an object lies, or is said to lie."""

    bucket: str
    key: str

    @classmethod
    def of(cls, uri: str) -> "Location":
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return cls(bucket, key)

    @property
    def possible(self) -> bool:
        """Can an object have this key?"""
        return len(self.key.encode()) <= LONGEST_KEY and not any(c < " " or c == "\x7f" for c in self.key)

    def is_within(self, prefixes: Iterable[Prefix], own_bucket: str) -> bool:
        """Is it in one of them, and not what Sluice keeps for itself in `own_bucket`?"""
        # a server that decodes once too often reads the second form
        forms = (self.key, unquote(self.key))
        if any(map(_is_crooked, forms)) or (
            self.bucket == own_bucket and any(f.startswith(OWN_PREFIXES) for f in forms)
        ):
            return False
        return any(self.bucket == prefix.bucket and self.key.startswith(prefix.key) for prefix in prefixes)


def _is_crooked(key: str) -> bool:
    """Servers that keep objects as files may read a/../b as b, and a//b as a/b."""
    return not {"", ".", ".."}.isdisjoint(key.split("/"))
