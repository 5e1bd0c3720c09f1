"""Patterns of contracts in the syntax of the engine that runs them, and the formats that ODCS names."""

import re

import polars as pl

from sluice.contracts import StringFormat
from sluice.errors import ContractInvalid

ECMA_CLASSES = {"d": "[0-9]", "D": "[^0-9]", "w": "[0-9A-Za-z_]", "W": "[^0-9A-Za-z_]"}
"""ECMA-262 means ASCII by these; the regex engine of Polars means Unicode."""

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_H16 = r"[0-9A-Fa-f]{1,4}"
_TAIL = rf"(?:{_H16}:{_H16}|{_IPV4})"
_IPV6 = "|".join(
    [
        rf"(?:{_H16}:){{6}}{_TAIL}",
        rf"::(?:{_H16}:){{5}}{_TAIL}",
        # n groups before the gap, and as many after it as still fit
        *(rf"(?:{_H16}(?::{_H16}){{0,{n - 1}}})?::(?:{_H16}:){{{5 - n}}}{_TAIL}" for n in range(1, 6)),
        rf"(?:{_H16}(?::{_H16}){{0,5}})?::{_H16}",
        rf"(?:{_H16}(?::{_H16}){{0,6}})?::",
    ]
)
FORMATS: dict[StringFormat, str] = {
    StringFormat.EMAIL: rf"^[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})+$",
    StringFormat.URI: r"^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`\x00-\x20\x7f]+$",
    StringFormat.UUID: r"^[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}$",
    StringFormat.IPV4: rf"^{_IPV4}$",
    StringFormat.IPV6: rf"^(?:{_IPV6})$",
    StringFormat.HOSTNAME: rf"^{_HOST}$",
}
"""Shape, not existence: that a mailbox or host is there, nobody can read off its name."""


def ecma(column: str, pattern: str) -> str:
    """A pattern of ECMA-262, found anywhere in the text. Raises ContractInvalid where it cannot be run."""
    plain = re.sub(r"\\(.)", lambda pair: ECMA_CLASSES.get(pair[1], pair[0]), pattern, flags=re.DOTALL)
    try:
        pl.Series([""]).str.contains(plain)
    except pl.exceptions.ComputeError as error:
        raise ContractInvalid(f"pattern of {column} cannot be honoured: {pattern!r}"[:500]) from error
    return plain
