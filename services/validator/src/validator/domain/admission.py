"""Which objects an event may name: nobody outside reads more than the buckets that were opened to them."""

from collections.abc import Collection
from dataclasses import dataclass

from sluice.events import GATEWAY_SOURCE, Envelope, FileUploaded, Problem

OWN_PREFIXES = (
    "raw/",
    "accepted/",
    "outcomes/",
    "contracts/",
    "keys/",
    "canonical/",
    "reports/",
    "corrections/",
    "probes/",
)
"""What senders uploaded, and the ledger: other systems have no file there."""

LONGEST_KEY = 1024
"""Bytes; S3 has no longer ones, and some servers answer them as if they were ill."""


def refuse_object(bucket: str, key: str, *, trusted: bool, own_bucket: str, allowed: Collection[str]) -> Problem | None:
    """None where the object may be read. `trusted`: the event is the gateway's own."""
    if bucket not in allowed:
        return Problem(
            code="bucket-not-allowed", message="Files are not taken from this bucket. Ask for it to be allowed."
        )
    if len(key.encode()) > LONGEST_KEY or any(c < " " or c == "\x7f" for c in key):
        return Problem(code="invalid-key", message="No object can have this key. Name the object as it stands on S3.")
    # servers that keep objects as files may read a/../b as b
    crooked = not {"", ".", ".."}.isdisjoint(key.split("/"))
    if not trusted and (crooked or (bucket == own_bucket and key.startswith(OWN_PREFIXES))):
        return Problem(
            code="bucket-not-allowed", message="Files are not taken from this prefix. Put the file elsewhere."
        )
    return None


@dataclass(frozen=True, slots=True)
class Gate:
    """Which buckets events may name."""

    own_bucket: str
    allowed: Collection[str]

    def trusts(self, cause: Envelope[FileUploaded]) -> bool:
        """Is it the gateway's own event?"""
        return cause.source == GATEWAY_SOURCE

    def refuse(self, cause: Envelope[FileUploaded]) -> Problem | None:
        bucket, _, key = cause.data.object.uri.removeprefix("s3://").partition("/")
        return refuse_object(bucket, key, trusted=self.trusts(cause), own_bucket=self.own_bucket, allowed=self.allowed)
