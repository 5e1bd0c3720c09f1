"""One question to Druid: at the server that answered last, else at the next; where another leads, at the leader.

Every question that Sluice asks may be asked twice: a task has its id, and all others change nothing that is not so already.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import structlog

from sluice.druid.answer import Answer
from sluice.druid.places import Places, Role, origin_of
from sluice.druid.settings import DruidSettings
from sluice.errors import Transient
from sluice.safetext import shown

log = structlog.get_logger()

TOO_MANY = 429
PASSING = {408, 429, 500, 502, 503, 504}
DENIED = {
    401: "it does not know who we are: set SLUICE_DRUID_USERNAME and SLUICE_DRUID_PASSWORD as Druid has them",
    403: "our user has no right to this: grant it what docs/operations.md lists",
}
MOST_HOPS = 3
MOST_BYTES = 67_108_864
"""Of one answer, unpacked; the names of half a million segments."""


class DruidDenied(Transient):
    """An operator can mend it, and no file is to blame."""


class DruidBusy(Transient):
    """It answers, and takes no more at the moment."""


class _Unanswered(Exception):
    """This server gives no answer that could be used now; another may."""


class _Busy(_Unanswered):
    pass


@dataclass(slots=True)
class DruidConnection:
    """`seconds`: for one answer of one server."""

    http: httpx.AsyncClient
    places: Places
    seconds: float = 20.0
    _answered: dict[Role, str] = field(default_factory=dict, init=False)
    _denied: set[tuple[Role, str]] = field(default_factory=set, init=False)

    async def ask(self, role: Role, method: str, path: str, body: Any = None) -> Answer:
        """What Druid says, whether good or not. `path` is encoded, with its query; `body` goes as JSON.

        Raises DruidDenied; DruidBusy; Transient while no server of the role answers.
        """
        failures, error = [], Transient
        for server in self._in_order(role):
            try:
                async with asyncio.timeout(self.seconds):
                    answer = await self._ask_at(role, server, method, path, body)
            except (_Unanswered, TimeoutError) as failure:
                error = DruidBusy if isinstance(failure, _Busy) else error
                failures.append(f"{server} {str(failure) or f'is silent for {self.seconds:g} s'}")
                continue
            self._note(role, answer)
            return answer
        raise error(f"Druid's {role} does not answer: {'; '.join(failures)}")

    async def ask_server(self, role: Role, server: str, path: str) -> Answer:
        """What this one server says; redirects are its answer too. Raises Transient."""
        try:
            async with asyncio.timeout(self.seconds):
                return await self._send(role, "GET", server + path, None)
        except (_Unanswered, TimeoutError) as failure:
            raise Transient(str(failure) or f"is silent for {self.seconds:g} s") from failure

    def _in_order(self, role: Role) -> Iterable[str]:
        servers = list(self.places.servers[role])
        first = self._answered.get(role)
        return sorted(servers, key=lambda server: server != first)

    def _note(self, role: Role, answer: Answer) -> None:
        """Where to ask first the next time. Raises DruidDenied, which is said aloud once, until it is mended."""
        for server in self.places.servers[role]:
            if origin_of(server) == origin_of(answer.url):
                self._answered[role] = server
        kind = (role, "/".join(urlsplit(answer.url).path.split("/")[:5]))
        if answer.status not in DENIED:
            self._denied.discard(kind)
            return
        message = f"Druid's {role} answers {answer.status} at {answer.url.partition('?')[0]}; {DENIED[answer.status]}"
        if kind not in self._denied:
            self._denied.add(kind)
            log.error("Druid does not let us in; what needs this right waits until it does", error=message)
        raise DruidDenied(message)

    async def _ask_at(self, role: Role, server: str, method: str, path: str, body: Any) -> Answer:
        url = server + path
        for _ in range(MOST_HOPS):
            answer = await self._send(role, method, url, body)
            if answer.status in PASSING:
                raise (_Busy if answer.status == TOO_MANY else _Unanswered)(f"answers {answer.status}: {answer.said}")
            if answer.location is None:
                return answer
            url = self._leader(url, path, answer.location)
        raise _Unanswered("and others redirect to each other: no leader is settled")

    def _leader(self, url: str, path: str, location: str) -> str:
        """The same question to the leader. Raises _Unanswered where that is no server that may be asked."""
        leader = shown(location.partition("?")[0], 200)
        try:
            may_lead = self.places.may_lead(location, url)
        except ValueError as error:
            raise _Unanswered(f"redirects to nowhere ({leader}): there is no leader yet") from error
        if not location.endswith(path):
            raise _Unanswered(f"redirects to {leader}, another path: something else than Druid answers there")
        if not may_lead:
            raise _Unanswered(
                f"says that {leader} leads, which gets no word of us: it is none of the addresses that are set. Add it "
                "to them, or its host to SLUICE_DRUID_LEADER_HOSTS"
            )
        scheme, host, port = origin_of(location)
        name = f"[{host}]" if ":" in host else host
        return f"{scheme}://{name}:{port}{path}"

    async def _send(self, role: Role, method: str, url: str, body: Any) -> Answer:
        more = {} if body is None else {"json": body}
        try:
            async with self.http.stream(method, url, follow_redirects=False, **more) as answer:
                content = bytearray()
                async for chunk in answer.aiter_bytes():
                    content += chunk
                    if len(content) > MOST_BYTES:
                        raise _Unanswered(f"sends more than {MOST_BYTES} bytes")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:  # an alert of TLS comes as it is
            raise _Unanswered(_why(error)) from error
        location = answer.headers.get("location", "") if answer.is_redirect else None
        return Answer(role, url, answer.status_code, bytes(content), location)


def _why(error: Exception) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return f"has a certificate that we do not trust ({error}): SLUICE_DRUID_CA_FILE names who signs it"
    return f"does not answer ({type(error).__name__}{f': {error}' if str(error) else ''})"


@asynccontextmanager
async def open_druid(settings: DruidSettings) -> AsyncIterator[DruidConnection]:
    """Connections that are made when they are needed; no proxy of the environment stands between."""
    auth = None
    if settings.druid_username is not None and settings.druid_password is not None:
        auth = httpx.BasicAuth(settings.druid_username, settings.druid_password.get_secret_value())
    timeout = httpx.Timeout(settings.druid_answer_seconds, connect=settings.druid_connect_seconds)
    async with httpx.AsyncClient(auth=auth, verify=_trust(settings), timeout=timeout, trust_env=False) as http:
        yield DruidConnection(http, settings.druid_places, settings.druid_answer_seconds)


def _trust(settings: DruidSettings) -> ssl.SSLContext:
    context = httpx.create_ssl_context(trust_env=False)
    if settings.druid_ca_file:
        context = ssl.create_default_context(cafile=settings.druid_ca_file)
    if settings.druid_cert_file:
        context.load_cert_chain(settings.druid_cert_file, settings.druid_key_file)
    return context
