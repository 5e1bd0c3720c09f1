"""Which objects an event may name: nobody outside reads more than the buckets that were opened to them."""

from collections.abc import Collection

from sluice.events import Problem

OWN_PREFIXES = ("accepted/", "outcomes/", "contracts/", "keys/", "canonical/", "reports/")
"""The ledger: other systems have no file there."""


def refuse_object(bucket: str, key: str, *, trusted: bool, own_bucket: str, allowed: Collection[str]) -> Problem | None:
    """None where the object may be read. `trusted`: the event is the gateway's own."""
    if bucket not in allowed:
        return Problem(
            code="bucket-not-allowed", message="Files are not taken from this bucket. Ask for it to be allowed."
        )
    # servers that keep objects as files may read a/../b as b
    crooked = not {"", ".", ".."}.isdisjoint(key.split("/"))
    if not trusted and (crooked or (bucket == own_bucket and key.startswith(OWN_PREFIXES))):
        return Problem(
            code="bucket-not-allowed", message="Files are not taken from this prefix. Put the file elsewhere."
        )
    return None
