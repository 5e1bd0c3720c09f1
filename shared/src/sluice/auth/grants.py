"""Callers and their grants, written as scopes: `upload:sales`, `read:*`. No grant implies another."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sluice.events import DATASOURCE_PATTERN

ANY = "*"
"""In the place of a datasource: all of them, also those to come."""


class Verb(StrEnum):
    """What can be done to a datasource: hand over files; see tasks and contracts; cancel, retry, retract; change contracts."""

    UPLOAD = "upload"
    READ = "read"
    COMMAND = "command"
    MANAGE = "manage"


@dataclass(frozen=True, slots=True)
class Grant:
    """One verb on one datasource, or on ANY."""

    verb: Verb
    datasource: str

    @classmethod
    def parse(cls, scope: str) -> "Grant":
        """Raises ValueError."""
        verb, _, datasource = scope.partition(":")
        if verb not in set(Verb) or not (datasource == ANY or re.fullmatch(DATASOURCE_PATTERN, datasource)):
            verbs = ", ".join(Verb)
            raise ValueError(f"a scope is <verb>:<datasource> or <verb>:*, such as upload:sales; verbs are {verbs}")
        return cls(Verb(verb), datasource)

    def __str__(self) -> str:
        return f"{self.verb}:{self.datasource}"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls (at most 200 printable characters), what he may do, and from which network address he comes."""

    name: str
    grants: frozenset[Grant]
    address: str = ""

    def may(self, verb: Verb, datasource: str | None) -> bool:
        """May he do it there? None: on any datasource at all?"""
        if datasource is None:
            return any(grant.verb is verb for grant in self.grants)
        return not self.grants.isdisjoint({Grant(verb, datasource), Grant(verb, ANY)})

    def datasources(self, verb: Verb) -> frozenset[str] | None:
        """The datasources on which he may do it; None for all there are."""
        found = frozenset(grant.datasource for grant in self.grants if grant.verb is verb)
        return None if ANY in found else found


def known_grants(scopes: Iterable[str]) -> frozenset[Grant]:
    """The scopes that are ours: tokens carry those of others too."""
    found = set()
    for scope in scopes:
        try:
            found.add(Grant.parse(scope))
        except ValueError:
            continue
    return frozenset(found)


ANYBODY = Caller("anonymous", frozenset(Grant(verb, ANY) for verb in Verb))
"""The caller where nobody has to say who he is."""
