"""How a record is signed: HMAC-SHA256 over its CloudEvents headers and its value, in the extension attribute `sluicesignature`.

Signed is one line `name=value` for each header that begins with `ce_`, and for `content-type`, in the order of their names, an empty
line, and the value as it is. Not covered: the signature itself, and `ce_traceparent` and `ce_tracestate`, which change on the way.
The same in structured mode, where all of the event stands in the value.
"""

import re
from collections.abc import Iterable
from hashlib import sha256
from hmac import compare_digest, digest

HEADER = "ce_sluicesignature"
NOT_COVERED = frozenset({HEADER, "ce_traceparent", "ce_tracestate"})
COVERED = re.compile(r"ce_[a-z0-9]+|content-type")
CONTROL = re.compile(rb"[\x00-\x1f\x7f]")

Headers = Iterable[tuple[str, bytes]]


def sign(secret: bytes, headers: Headers, value: bytes) -> str:
    """The signature as the header has it: `v1=` and 64 hexadecimal digits. Raises ValueError for headers that no CloudEvent has."""
    return f"v1={digest(secret, signed_bytes(headers, value), sha256).hex()}"


def is_genuine(signature: bytes, secrets: Iterable[bytes], headers: Headers, value: bytes) -> bool:
    """Was it made with one of these secrets?"""
    try:
        content = signed_bytes(headers, value)
    except ValueError:
        return False
    made = [f"v1={digest(secret, content, sha256).hex()}".encode() for secret in secrets]
    return any([compare_digest(each, signature) for each in made])  # noqa: C419 - each is compared, whichever fits


def signed_bytes(headers: Headers, value: bytes) -> bytes:
    """Raises ValueError: where a line could end in the midst of a name or a value, two records could be signed alike."""
    lines = []
    for name, text in sorted({name.lower(): text for name, text in headers}.items()):
        if name in NOT_COVERED or not (name.startswith("ce_") or name == "content-type"):
            continue
        if not COVERED.fullmatch(name) or CONTROL.search(text):
            raise ValueError("a name or value among the CloudEvents headers has characters that it must not have")
        lines.append(b"%s=%s\n" % (name.encode(), text))
    return b"".join(lines) + b"\n" + value
