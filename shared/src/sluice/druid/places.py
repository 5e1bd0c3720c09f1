"""Addresses of Druid's servers, and to which of them a redirect may lead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit


class Role(StrEnum):
    OVERLORD = "Overlord"
    COORDINATOR = "Coordinator"
    BROKER = "Broker"


PORTS = {"http": 80, "https": 443}


def server_url(text: str) -> str:
    """An address without a slash at its end. Raises ValueError for what is no http(s) URL, and for one that holds a password."""
    parts = urlsplit(text)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("must be http:// or https:// URLs, several of them with commas between")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user; set SLUICE_DRUID_USERNAME and SLUICE_DRUID_PASSWORD")
    if parts.query or parts.fragment:
        raise ValueError("must end with the path")
    _ = parts.port  # raises ValueError
    return text.rstrip("/")


def host_pattern(text: str) -> str:
    """A host, `*.` with a domain, or a network such as 10.0.0.0/8, in lower case. Raises ValueError."""
    if "/" in text:
        return str(ip_network(text))
    if "*" in text.removeprefix("*.") or (":" in text and not _is_ip(text)):
        raise ValueError("must be hosts, *.domain or networks such as 10.0.0.0/8, without scheme and port")
    return text.lower()


@dataclass(frozen=True, slots=True)
class Places:
    """Addresses of each role, the preferred first, and hosts where a leader may be beside them."""

    servers: Mapping[Role, Sequence[str]]
    leader_hosts: Sequence[str] = ()

    def may_lead(self, target: str, from_: str) -> bool:
        """May a redirect from one server lead to the other? It gets our password, and the word on what Druid holds.

        To addresses that are set, as Druid's own clients do; else to a host that is allowed, and then not from TLS to none.
        """
        origin = origin_of(target)
        if any(origin == origin_of(each) for servers in self.servers.values() for each in servers):
            return True
        downgraded = urlsplit(from_).scheme == "https" and urlsplit(target).scheme != "https"
        return not downgraded and any(_matches(origin[1], pattern) for pattern in self.leader_hosts)


def origin_of(url: str) -> tuple[str, str, int]:
    """Scheme, host and port. Raises ValueError for what is no http(s) URL."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("no http(s) URL")
    return parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme]


def _matches(host: str, pattern: str) -> bool:
    if "/" in pattern:
        return _is_ip(host) and ip_address(host) in ip_network(pattern)
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
