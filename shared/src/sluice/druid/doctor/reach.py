"""Which servers answer, of which version they are, and who leads."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sluice.druid.connection import DENIED, DruidConnection
from sluice.druid.doctor.finding import Finding, fail, ok, warn
from sluice.druid.places import Role
from sluice.druid.settings import DruidSettings
from sluice.druid.versions import NEWEST, NOT_FOUND, OLDEST, Capabilities, Version, capabilities
from sluice.errors import Transient
from sluice.safetext import shown

PROXIES = {Role.OVERLORD: "/proxy/overlord", Role.COORDINATOR: "/proxy/coordinator"}
"""Where a router lets one see the status of the servers behind it; there is no way to that of Brokers."""
ROUTER = "Where this is a router, set druid.router.managementProxy.enabled=true there."
LEADERS = {Role.OVERLORD: "/druid/indexer/v1/leader", Role.COORDINATOR: "/druid/coordinator/v1/leader"}
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(slots=True)
class Met:
    """`modules`: names and artifacts that a server has loaded, for each role of which one answered."""

    findings: list[Finding] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)
    modules: dict[Role, str] = field(default_factory=dict)

    @property
    def everybody(self) -> bool:
        """Does a server of every role answer?"""
        return set(self.modules) == set(Role)

    @property
    def can(self) -> Capabilities:
        """What all servers can."""
        oldest = min(self.versions, key=lambda version: version.major or NEWEST, default=Version("", None))
        return capabilities(oldest)


async def meet(druid: DruidConnection, settings: DruidSettings) -> Met:
    met = Met()
    met.findings.extend(_open_password(settings))
    for role, servers in druid.places.servers.items():
        for server in servers:
            met.findings.append(await _ask_who(druid, met, role, server, about(settings, role, "/status")))
    met.findings.extend(_versions(met.versions))
    for role, path in LEADERS.items():
        if role in met.modules:
            met.findings.append(await _ask_leader(druid, role, path, routed=settings.routed(role)))
    return met


def _open_password(settings: DruidSettings) -> Iterator[Finding]:
    plain = sorted({each for servers in settings.druid_places.servers.values() for each in servers if _is_open(each)})
    if settings.druid_username and plain:
        told = f"it goes over plain HTTP to {', '.join(plain)}"
        yield warn(
            "the password", told, "Give Druid TLS and name its servers with https://, or keep this network apart."
        )


def _is_open(server: str) -> bool:
    parts = urlsplit(server)
    return parts.scheme == "http" and parts.hostname not in LOOPBACK


def about(settings: DruidSettings, role: Role, path: str) -> str:
    """The path to what a server of that role says of itself."""
    return f"{PROXIES[role]}{path}" if settings.routed(role) and role in PROXIES else path


async def _ask_who(druid: DruidConnection, met: Met, role: Role, server: str, path: str) -> Finding:
    asked = f"{role} {server}"
    try:
        answer = await druid.ask_server(role, server, path)
        if answer.status in DENIED:
            return fail(asked, f"answers {answer.status}", f"{DENIED[answer.status]}.")
        if answer.status == NOT_FOUND:
            return fail(asked, f"knows no {path}", ROUTER)
        status = answer.json()
        version = Version.of(shown(str(status["version"]), 40))
    except Transient as error:
        return fail(asked, str(error), "Look whether it runs, whether this address is right, and what stands between.")
    except (KeyError, TypeError):
        return fail(asked, "answers, but not as Druid does", "Look what is at this address.")
    met.versions.append(version)
    met.modules[role] = _names(status.get("modules"))
    return ok(asked, f"answers: Druid {version.text}")


def _names(modules: Any) -> str:
    listed = modules if isinstance(modules, list) else []
    return " ".join(f"{each.get('artifact')} {each.get('name')}" for each in listed if isinstance(each, dict))


def _versions(versions: Iterable[Version]) -> Iterator[Finding]:
    asked = "version"
    known = {version.text: version for version in versions}
    if len(known) > 1:
        yield warn(asked, f"the servers differ: {', '.join(sorted(known))}", "Let an upgrade come to its end.")
    for version in known.values():
        if version.major is None:
            do = "Nothing, where it is made of Apache Druid 30 or newer; --deep shows whether it loads."
            yield warn(asked, f"{version.text} is no version of Apache Druid", do)
        elif version.major < OLDEST:
            yield fail(asked, f"{version.text} is too old", f"Upgrade Druid to {OLDEST} or newer.")
        elif version.major > NEWEST:
            yield warn(
                asked, f"{version.text} is newer than {NEWEST}, which is known", "Say --deep to see whether it loads."
            )
        else:
            yield ok(asked, f"{version.text} is supported")


async def _ask_leader(druid: DruidConnection, role: Role, path: str, *, routed: bool) -> Finding:
    asked = f"leader of the {role}s"
    try:
        answer = await druid.ask(role, "GET", path)
    except Transient as error:
        return fail(asked, str(error), "Mend that first.")
    leader = shown(answer.text.strip(), 200)
    if not answer.good or not leader:
        do = ROUTER if answer.status == NOT_FOUND else "Wait for the election; look at ZooKeeper if it does not end."
        return fail(asked, f"nobody says who leads ({answer.status})", do)
    if not routed and not _may_lead(druid, role, leader):
        do = f"Add it to SLUICE_DRUID_{role.upper()}_URL, or its host to SLUICE_DRUID_LEADER_HOSTS."
        return fail(asked, f"{leader} leads, which no setting allows to ask", do)
    return ok(asked, f"{leader} leads")


def _may_lead(druid: DruidConnection, role: Role, leader: str) -> bool:
    try:
        return druid.places.may_lead(leader, druid.places.servers[role][0])
    except ValueError:
        return False
