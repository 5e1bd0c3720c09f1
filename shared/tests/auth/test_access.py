"""An API behind the gate, asked from outside."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID, uuid4

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import Depends, Request
from structlog.testing import capture_logs

from sluice.auth import ANYBODY, Caller, Grant, Verb, audit
from sluice.auth.access import at_least, hides, protect, require
from sluice.auth.authenticator import LONGEST, Credentials, let_everybody_in, make_authenticator
from sluice.auth.keyfile import change_keys, with_key
from sluice.auth.keys import ApiKey, new_secret
from sluice.auth.refusals import unauthenticated
from sluice.errors import Transient
from sluice.http import Refusal, create_api
from sluice.settings import ApiSettings

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def settings(**own):
    return ApiSettings(http_port=0, **own)


def api_behind(authenticator):
    async def open_parts(_api, _stack, _probes):
        pass

    api = create_api("T", "t", open_parts)
    protect(api, authenticator)

    @api.post("/v1/datasources/{datasource}/files")
    async def upload(caller: Annotated[Caller, Depends(at_least(Verb.UPLOAD))], datasource: str) -> str:
        audit.allowed("file accepted", caller, Verb.UPLOAD, datasource, UUID(int=1))
        return caller.name

    @api.get("/v1/tasks")
    async def list_tasks(caller: Annotated[Caller, Depends(at_least(Verb.READ))], datasource: str | None = None) -> str:
        if datasource:
            require(caller, Verb.READ, datasource)
        return caller.name

    @api.get("/forgotten")
    async def forget(request: Request) -> str:
        return str(await request.body())

    return api


@asynccontextmanager
async def client(api):
    transport = httpx.ASGITransport(api, client=("192.0.2.7", 4711))
    async with LifespanManager(api), httpx.AsyncClient(transport=transport, base_url="http://t") as http:
        yield http


@pytest.fixture
def make_key(tmp_path):
    def make(*scopes, expires=None, name="ci"):
        secret = new_secret()
        key = ApiKey.of(secret, name, [Grant.parse(scope) for scope in scopes], NOW, expires)
        change_keys(tmp_path / "keys.json", lambda kept: with_key(kept, key))
        return secret

    return make


@pytest.fixture
def ask(make_key, tmp_path):
    """Ask an API that knows keys, with one of these scopes unless told otherwise."""
    make_key("read:other", name="other")

    async def ask(method, path, *scopes, **options):
        headers = {"Authorization": f"Bearer {make_key(*scopes)}"} if scopes else {}
        authenticator = make_authenticator(settings(keys_file=tmp_path / "keys.json"), lambda: NOW)
        async with client(api_behind(authenticator)) as http:
            return await http.request(method, path, **{"headers": headers, **options})

    return ask


UPLOAD = ("POST", "/v1/datasources/sales/files")


async def test_whoever_holds_the_scope_gets_in(ask):
    answer = await ask(*UPLOAD, "upload:sales")
    assert (answer.status_code, answer.json()) == (200, "ci")
    assert (await ask(*UPLOAD, "upload:*")).status_code == 200


@pytest.mark.parametrize("scopes", [("upload:weather",), ("read:sales", "manage:sales"), ("read:*",)])
async def test_whoever_does_not_is_told_what_is_missing(ask, scopes):
    answer = await ask(*UPLOAD, *scopes)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert answer.headers["www-authenticate"].endswith('error="insufficient_scope", scope="upload:sales"')
    assert "may not upload on the datasource `sales`" in answer.json()["detail"]


async def test_a_list_needs_the_verb_on_some_datasource_and_the_route_asks_for_the_rest(ask):
    assert (await ask("GET", "/v1/tasks", "upload:sales")).json()["code"] == "forbidden"
    assert (await ask("GET", "/v1/tasks", "read:sales")).status_code == 200
    assert (await ask("GET", "/v1/tasks?datasource=weather", "read:sales")).json()["code"] == "forbidden"


@pytest.mark.parametrize("path", ["/v1/datasources/a%0d%0ab/files", "/v1/datasources/%22x/files"])
async def test_what_is_no_name_goes_into_no_header_and_no_sentence(ask, path):
    answer = await ask("POST", path, "upload:sales")
    assert answer.status_code == 403
    assert answer.headers["www-authenticate"].endswith('scope="upload"')
    assert answer.json()["detail"].startswith("This caller may not upload on this one.")


@pytest.mark.parametrize(
    ("headers", "challenge"),
    [
        ([], 'Bearer realm="sluice"'),
        *(
            ([("Authorization", each)], 'Bearer realm="sluice", error="invalid_token"')
            for each in ("", "Bearer", "Bearer ", "Basic dTpw", f"slk_{'0' * 12}_{'a' * 43}", "Bearer eyJ.eyJ.x")
        ),
        ([("Authorization", "Bearer " + "x" * (LONGEST + 1))], 'Bearer realm="sluice", error="invalid_token"'),
        (
            [("Authorization", "Bearer a"), ("Authorization", "Bearer a")],
            'Bearer realm="sluice", error="invalid_token"',
        ),
    ],
)
async def test_whoever_is_not_known_is_told_what_to_send(ask, headers, challenge):
    for method, path in (UPLOAD, ("GET", "/forgotten"), ("GET", "/nowhere")):
        answer = await ask(method, path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"] == challenge
        assert "Authorization: Bearer" in answer.json()["detail"]


async def test_the_scheme_is_read_as_the_standard_says(ask, make_key):
    secret = make_key("upload:sales")
    for scheme in ("bearer", "BEARER"):
        assert (await ask(*UPLOAD, headers={"Authorization": f"{scheme}  {secret}"})).status_code == 200


async def test_a_second_credential_beside_a_good_one_is_no_good(ask, make_key):
    good = ("Authorization", f"Bearer {make_key('upload:sales')}")
    assert (await ask(*UPLOAD, headers=[good, ("Authorization", "Bearer x")])).status_code == 401


async def test_an_expired_key_is_told_as_such(ask, make_key):
    secret = make_key("upload:sales", expires=NOW - timedelta(days=1))
    answer = await ask(*UPLOAD, headers={"Authorization": f"Bearer {secret}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "credential-expired")
    assert "invalid_token" in answer.headers["www-authenticate"]


@pytest.mark.parametrize(
    "path",
    [
        "/health/live",
        "/health/ready",
        "/docs",
        "/docs/assets/swagger-ui.css",
        "/openapi.json",
        "/problems",
        "/problems/unauthenticated",
    ],
)
async def test_health_and_description_are_open(ask, path):
    assert (await ask("GET", path)).status_code == 200


@pytest.mark.parametrize(
    "path", ["/health", "/healthy", "/problemsx", "/openapi.json/", "/docsx", "//docs", "/v1/tasks/../../docs"]
)
async def test_nothing_else_is(path):
    answer = await raw(path)
    assert answer[0]["status"] == 401


async def test_a_path_that_begins_openly_leads_nowhere_else():
    answer = await raw("/docs/../v1/tasks")
    assert answer[0]["status"] == 404


async def test_a_body_of_somebody_unknown_is_not_read():
    async def receive():
        raise AssertionError("the body was read")

    assert (await raw("/forgotten", receive))[0]["status"] == 401


async def raw(path, receive=None):
    """What the API sends to somebody unknown, the path as it is."""
    sent = []

    async def nobody(_authorization):
        raise unauthenticated(given=False)

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "root_path": "", "headers": [], "query_string": b""}
    await api_behind(nobody)(scope, receive, send)
    return sent


async def test_a_route_without_a_gate_lets_nobody_in():
    async def open_parts(_api, _stack, _probes):
        pass

    api = create_api("T", "t", open_parts)

    @api.get("/x")
    async def show(_caller: Annotated[Caller, Depends(at_least(Verb.READ))]) -> str:
        return "secret"

    async with client(api) as http:
        assert (await http.get("/x")).status_code == 401


async def test_who_cannot_be_known_now_is_asked_to_come_again():
    async def down(_authorization):
        raise Transient("https://secret.example does not answer")

    async with client(api_behind(down)) as http:
        answer = await http.get("/v1/tasks", headers={"Authorization": "Bearer x"})
    assert (answer.status_code, answer.json()["code"]) == (503, "dependency-unavailable")
    assert answer.headers["retry-after"] == "5"
    assert "secret" not in answer.text


async def test_where_nobody_has_to_say_who_he_is_everybody_is_anonymous():
    for own in ({}, {"auth": "off", "http_host": "192.0.2.1"}):
        async with client(api_behind(make_authenticator(settings(**own)))) as http:
            assert (await http.request(*UPLOAD)).json() == "anonymous"


def test_a_broken_file_of_keys_ends_the_process_with_a_sentence(tmp_path):
    (tmp_path / "keys.json").write_text("{")
    with pytest.raises(SystemExit, match=r"keys\.json is no file of keys"):
        make_authenticator(settings(keys_file=tmp_path / "keys.json"))


async def test_keys_and_tokens_are_told_apart(issuer, make_key, tmp_path):
    secret = make_key("upload:sales")
    oidc = {"oidc_issuer": issuer.url, "oidc_audience": "sluice", "oidc_scope_claims": "scp"}
    both = settings(keys_file=tmp_path / "keys.json", **oidc)
    token = issuer.token(scp=["upload:sales"], scope="read:*")
    async with client(api_behind(make_authenticator(both, lambda: NOW))) as http:
        by_key = await http.request(*UPLOAD, headers={"Authorization": f"Bearer {secret}"})
        by_token = await http.request(*UPLOAD, headers={"Authorization": f"Bearer {token}"})
        unread = await http.get("/v1/tasks", headers={"Authorization": f"Bearer {token}"})
    assert (by_key.json(), by_token.json()) == ("ci", f"{issuer.url[7:]}|jane")
    assert unread.status_code == 403
    async with client(api_behind(make_authenticator(settings(**oidc)))) as http:
        assert (await http.request(*UPLOAD, headers={"Authorization": f"Bearer {secret}"})).status_code == 401


@pytest.mark.parametrize("length", [LONGEST, LONGEST + 1])
async def test_a_credential_that_is_too_long_is_not_even_looked_at(length):
    looked = []

    async def by_token(token):
        looked.append(len(token))
        return ANYBODY

    async with client(api_behind(Credentials(None, by_token))) as http:
        answer = await http.request(*UPLOAD, headers={"Authorization": "Bearer " + "x" * length})
    assert (answer.status_code, looked) == ((200, [LONGEST]) if length == LONGEST else (401, []))


async def test_the_audit_log_tells_who_did_what_from_where_and_no_secret(ask, make_key):
    secret = make_key("upload:sales")
    good, strange = ({"Authorization": f"Bearer {each}"} for each in (secret, secret[:-1]))
    with capture_logs() as lines:
        await ask(*UPLOAD, headers=good)
        await ask("POST", "/v1/datasources/weather/files", headers=good)
        await ask(*UPLOAD, headers=strange)
    about = {"log": "audit", "address": "192.0.2.7"}
    who = {**about, "caller": "ci", "verb": "upload"}
    assert [line for line in lines if line.get("log") == "audit"] == [
        {**who, "event": "file accepted", "datasource": "sales", "task_id": str(UUID(int=1)), "log_level": "info"},
        {**who, "event": "access denied", "datasource": "weather", "task_id": None, "code": "forbidden"}
        | {"log_level": "warning"},
        {**about, "event": "credential refused", "code": "unauthenticated", "method": "POST", "path": UPLOAD[1]}
        | {"log_level": "warning"},
    ]
    assert secret[17:30] not in str(lines)


@pytest.mark.parametrize(
    ("scopes", "verb", "expected"),
    [
        (["command:sales"], Verb.COMMAND, False),
        (["read:sales"], Verb.READ, False),
        (["command:weather"], Verb.COMMAND, True),
        (["read:weather"], Verb.READ, True),
    ],
)
def test_a_task_is_hidden_from_whoever_may_not_read_it(scopes, verb, expected):
    caller = Caller("ci", frozenset(map(Grant.parse, scopes)))
    with capture_logs() as lines:
        assert hides(caller, verb, "sales", UUID(int=1)) is expected
    assert [line["task_id"] for line in lines] == [str(UUID(int=1))] * expected


def test_whoever_may_read_a_task_is_told_what_else_he_may_not():
    with pytest.raises(Refusal, match="may not command"):
        hides(Caller("ci", frozenset({Grant.parse("read:sales")})), Verb.COMMAND, "sales", uuid4())
    assert not hides(ANYBODY, Verb.COMMAND, "sales", uuid4())


async def test_the_document_says_which_credential_a_route_takes():
    async with client(api_behind(let_everybody_in)) as http:
        document = (await http.get("/openapi.json")).json()
    assert document["components"]["securitySchemes"]["bearer"] | {"description": ""} == {
        "type": "http",
        "scheme": "bearer",
        "description": "",
    }
    assert document["paths"]["/v1/tasks"]["get"]["security"] == [{"bearer": []}]
    assert "security" not in document["paths"]["/health/live"]["get"]
