"""Tokens, against a real issuer on HTTP."""

import asyncio
import base64
import hashlib
import hmac
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import example, given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from sluice.auth import Grant
from sluice.auth.issuer import FRESH, MOST_BYTES, PAUSE, IssuerKeys, fetch_keys, usable_keys
from sluice.auth.tokens import LEEWAY, Tokens, caller_name
from sluice.errors import Transient
from sluice.http import Refusal

READ_SALES = Grant.parse("read:sales")


@pytest.fixture
def tokens(issuer, ticks):
    return Tokens(IssuerKeys(issuer.url, None, ticks), "sluice", ("scope", "sluice_scopes"))


async def code(tokens, token):
    with pytest.raises(Refusal) as caught:
        await tokens(token)
    assert caught.value.status == 401
    return caught.value.code


def part(content):
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


async def test_a_token_tells_its_caller(issuer, tokens):
    caller = await tokens(issuer.token())
    assert caller.name == f"{issuer.url.removeprefix('http://')}|jane"
    assert caller.grants == {READ_SALES}


@pytest.mark.parametrize(("kid", "algorithm"), [("rsa", "RS256"), ("ec", "ES256"), ("ed", "EdDSA")])
async def test_each_allowed_algorithm_is_understood(issuer, tokens, signers, kid, algorithm):
    assert (await tokens(issuer.token(signers[kid], algorithm, {"kid": kid}))).grants == {READ_SALES}


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({"scope": "read:sales  upload:* profile"}, {"read:sales", "upload:*"}),
        ({"scope": None, "sluice_scopes": ["read:sales", 7, "no scope"]}, {"read:sales"}),
        ({"scope": "read:a", "sluice_scopes": ["read:b"]}, {"read:a", "read:b"}),
        ({"scope": {"read:sales": True}}, set()),
        ({"scope": None}, set()),
        ({"scp": "manage:*"}, {"read:sales"}),
    ],
)
async def test_scopes_come_from_the_named_claims(issuer, tokens, claims, scopes):
    assert {str(grant) for grant in (await tokens(issuer.token(**claims))).grants} == scopes


async def test_a_token_of_yesterday_has_expired_and_one_of_tomorrow_is_none(issuer, tokens):
    now = time.time()
    assert await code(tokens, issuer.token(exp=int(now - LEEWAY - 2))) == "credential-expired"
    assert await code(tokens, issuer.token(nbf=int(now + LEEWAY + 20))) == "unauthenticated"
    assert (await tokens(issuer.token(exp=int(now - LEEWAY / 2), nbf=int(now + LEEWAY / 2)))).grants


@pytest.mark.parametrize(
    "claims",
    [
        *({"iss": "https://elsewhere.example"}, {"iss": None}, {"aud": "other"}, {"aud": ["other"]}, {"aud": None}),
        *({"sub": None}, {"exp": None}, {"exp": "soon"}),
    ],
)
async def test_a_token_that_is_not_for_us_or_lacks_a_claim_is_refused(issuer, tokens, claims):
    assert await code(tokens, issuer.token(**claims)) == "unauthenticated"


async def test_an_expired_token_of_a_stranger_is_not_called_expired(issuer, tokens, signers):
    assert await code(tokens, issuer.token(signers["strange"], exp=1)) == "unauthenticated"


@pytest.mark.parametrize("headers", [{}, {"kid": ""}, {"kid": "unknown"}])
async def test_a_token_must_name_a_key_of_the_issuer(issuer, tokens, headers):
    assert await code(tokens, issuer.token(headers=headers)) == "unauthenticated"
    _, payload, signature = issuer.token().split(".")
    assert await code(tokens, f"{part({'alg': 'RS256', 'kid': ['rsa']})}.{payload}.{signature}") == "unauthenticated"


async def test_algorithm_none_is_refused(issuer, tokens):
    payload = issuer.token().split(".")[1]
    for algorithm in ("none", "None", "NONE"):
        unsigned = f"{part({'alg': algorithm, 'kid': 'rsa'})}.{payload}."
        assert await code(tokens, unsigned) == "unauthenticated"


@pytest.mark.parametrize("form", ["pem", "jwk"])
async def test_the_public_key_is_no_secret_to_sign_with(issuer, tokens, signers, form):
    public = signers["rsa"].public_key()
    secret = {
        "pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "jwk": json.dumps(issuer.pages["/keys"]["keys"][0]).encode(),
    }[form]
    payload = issuer.token().split(".")[1]
    for algorithm in ("HS256", "RS256"):
        signed = f"{part({'alg': algorithm, 'kid': 'rsa'})}.{payload}"
        signature = base64.urlsafe_b64encode(hmac.digest(secret, signed.encode(), hashlib.sha256)).rstrip(b"=").decode()
        assert await code(tokens, f"{signed}.{signature}") == "unauthenticated"


async def test_the_algorithm_is_the_keys_and_not_the_tokens(issuer, tokens, signers):
    assert await code(tokens, issuer.token(signers["ec"], "ES256", {"kid": "rsa"})) == "unauthenticated"
    assert await code(tokens, issuer.token(signers["rsa"], "RS512")) == "unauthenticated"
    assert await code(tokens, issuer.token(signers["strange"])) == "unauthenticated"


@given(text=st.text() | st.builds(".".join, st.lists(st.text(), min_size=3, max_size=3)))
def test_what_is_no_token_is_refused_and_never_a_fault(text):
    tokens = Tokens(IssuerKeys("http://127.0.0.1:1", None), "sluice", ("scope",))
    assert asyncio.run(code(tokens, text)) == "unauthenticated"


async def test_a_changed_payload_is_refused(issuer, tokens):
    head, payload, signature = issuer.token().split(".")
    claims = jwt.decode(f"{head}.{payload}.{signature}", options={"verify_signature": False})
    assert await code(tokens, f"{head}.{part(claims | {'scope': 'read:*'})}.{signature}") == "unauthenticated"


async def test_keys_are_fetched_once_and_new_ones_when_a_token_names_them(issuer, tokens, ticks, signers, jwk):
    for _ in range(3):
        await tokens(issuer.token())
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]
    issuer.pages["/keys"] = {"keys": [jwk(signers["strange"], "new")]}
    rotated = issuer.token(signers["strange"], headers={"kid": "new"})
    assert await code(tokens, rotated) == "unauthenticated"
    assert len(issuer.asked) == 2
    ticks.now += PAUSE
    assert (await tokens(rotated)).grants
    assert await code(tokens, issuer.token()) == "unauthenticated"
    assert len(issuer.asked) == 4


async def test_invented_key_ids_ask_the_issuer_once_in_a_while(issuer, tokens, ticks):
    for number in range(20):
        ticks.now += PAUSE / 10
        assert await code(tokens, issuer.token(headers={"kid": f"invented-{number}"})) == "unauthenticated"
    assert issuer.asked.count("/keys") == 2


async def test_a_key_that_is_withdrawn_is_forgotten(issuer, tokens, ticks):
    await tokens(issuer.token())
    issuer.pages["/keys"] = {"keys": issuer.pages["/keys"]["keys"][1:]}
    ticks.now += FRESH - 1
    assert (await tokens(issuer.token())).grants
    ticks.now += 1
    assert await code(tokens, issuer.token()) == "unauthenticated"


async def test_while_the_issuer_is_down_known_keys_work_and_others_have_to_wait(issuer, tokens, ticks, signers):
    await tokens(issuer.token())
    issuer.close()
    ticks.now += FRESH
    with capture_logs() as lines:
        for _ in range(3):
            assert (await tokens(issuer.token())).grants
            with pytest.raises(Transient):
                await tokens(issuer.token(signers["ec"], "ES256", {"kid": "other"}))
    assert [line["event"] for line in lines] == ["the keys of the issuer cannot be fetched"]


async def test_an_issuer_that_was_down_is_asked_again(issuer, tokens, ticks):
    there = issuer.pages.pop("/keys")
    with pytest.raises(Transient):
        await tokens(issuer.token())
    issuer.pages["/keys"] = there
    with pytest.raises(Transient):
        await tokens(issuer.token())
    ticks.now += PAUSE
    assert (await tokens(issuer.token())).grants


async def test_one_fetch_serves_all_who_wait_and_delays_nobody_with_a_known_key(issuer, tokens, ticks, signers, jwk):
    await tokens(issuer.token())
    issuer.pages["/keys"]["keys"].append(jwk(signers["strange"], "new"))
    ticks.now += FRESH
    issuer.hold.clear()
    token = issuer.token(signers["strange"], headers={"kid": "new"})
    waiting = [asyncio.create_task(tokens(token)) for _ in range(10)]
    async with asyncio.timeout(5):
        while len(issuer.asked) < 3:
            await asyncio.sleep(0.01)
        assert (await tokens(issuer.token())).grants
        assert not any(each.done() for each in waiting)
        issuer.hold.set()
        assert all(caller.grants for caller in await asyncio.gather(*waiting))
    assert issuer.asked.count("/keys") == 2


async def test_where_the_keys_are_can_be_said(issuer, ticks):
    issuer.pages["/elsewhere"] = issuer.pages["/keys"]
    tokens = Tokens(IssuerKeys(issuer.url, f"{issuer.url}/elsewhere", ticks), "sluice", ("scope",))
    assert (await tokens(issuer.token())).grants
    assert issuer.asked == ["/elsewhere"]


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/keys", None),
        ("/keys", b"no JSON"),
        ("/keys", b"[" * 100_000),
        ("/keys", []),
        ("/keys", {}),
        ("/keys", {"keys": {"kid": "rsa"}}),
        ("/keys", b'{"keys": [' + b" " * MOST_BYTES + b"]}"),
    ],
)
async def test_what_is_no_set_of_keys_is_as_if_the_issuer_were_down(issuer, path, page):
    issuer.pages[path] = page
    with pytest.raises(Transient):
        await fetch_keys(issuer.url, None)


async def test_an_issuer_that_answers_with_a_fault_has_told_nothing(issuer):
    issuer.status = 500
    with pytest.raises(Transient, match="answers 500"):
        await fetch_keys(issuer.url, f"{issuer.url}/keys")


async def test_keys_of_another_issuer_are_not_taken(issuer):
    issuer.pages["/.well-known/openid-configuration"]["issuer"] = f"{issuer.url}/"
    with pytest.raises(Transient, match="another issuer's"):
        await fetch_keys(issuer.url, None)


@pytest.mark.parametrize("uri", [None, "ftp://127.0.0.1/keys", "http://keys.example/", "http://127.0.0.1.example/"])
async def test_keys_are_not_fetched_where_they_could_be_exchanged_on_the_way(issuer, uri):
    issuer.pages["/.well-known/openid-configuration"] = {"issuer": issuer.url, "jwks_uri": uri}
    with pytest.raises(Transient, match="must be an https:// URL"):
        await fetch_keys(issuer.url, None)


def test_keys_that_are_not_for_signatures_or_of_another_kind_are_passed_over(jwk, signers):
    small = rsa.generate_private_key(65537, 1024)  # noqa: S505 - the point of it
    entries = [
        jwk(signers["rsa"], "good"),
        jwk(signers["rsa"], "encrypts", use="enc"),
        jwk(signers["rsa"], "long", alg="RS512"),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"},
        {"kty": "RSA", "kid": "broken"},
        {**jwk(signers["rsa"], "x"), "kid": None},
        jwk(small, "small"),
        "no key",
    ]
    assert set(usable_keys({"keys": entries})) == {"good", "small"}


async def test_a_key_that_is_too_short_is_refused(issuer, tokens, jwk):
    small = rsa.generate_private_key(65537, 1024)  # noqa: S505 - the point of it
    issuer.pages["/keys"] = {"keys": [jwk(small, "rsa")]}
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = issuer.token(small)
    assert await code(tokens, token) == "unauthenticated"


subjects = st.text() | st.text(st.characters(codec=None, categories=["Cs", "Cc", "Ll"]), min_size=1)


@given(subjects, subjects)
@example("\ud800", "\ud801")
def test_names_of_callers_are_short_printable_and_never_shared(one, other):
    issuer = "https://login.example.com/realms/x"
    names = caller_name(issuer, one), caller_name(issuer, other)
    assert all(len(name) <= 200 and name.isprintable() for name in names)
    assert (names[0] == names[1]) == (one == other)


def test_a_long_name_cannot_be_claimed_by_a_short_one():
    issuer = "https://login.example.com"
    long = caller_name(issuer, "x" * 300)
    assert len(long) <= 200
    assert caller_name(issuer, long.partition("~")[2]) != long
    assert caller_name(issuer + "x" * 300, "jane").startswith("login.example.com")
