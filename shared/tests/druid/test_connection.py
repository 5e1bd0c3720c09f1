"""Druid reached over real sockets: pairs of servers, leaders, passwords, certificates, and servers that are something else."""

import json
import threading
from contextlib import ExitStack

import pytest
from structlog.testing import capture_logs

from sluice.druid import DruidDenied, DruidSettings, Role, open_druid
from sluice.druid.connection import MOST_BYTES
from sluice.errors import Transient
from sluice.testing.servers import Authority, LocalServer, Reply, behind_password

PATH = "/druid/indexer/v1/task"
FINE = Reply(200, b'{"task": "t"}')


def fine(_asked):
    return FINE


def leads_to(url):
    return lambda asked: Reply(307, headers={"location": f"{url}{asked.path}"})


@pytest.fixture
def serve():
    """Servers that stop with the test."""
    with ExitStack() as servers:
        yield lambda answer, tls=None: servers.enter_context(LocalServer(answer, tls))


async def ask(*servers, path=PATH, method="POST", body=None, times=1, **more):
    settings = DruidSettings(druid_router_url=",".join(servers), **more)
    async with open_druid(settings) as druid:
        for _ in range(times):
            answer = await druid.ask(Role.OVERLORD, method, path, body)
    return answer


async def failure(*servers, expected=Transient, **more):
    with pytest.raises(expected) as caught:
        await ask(*servers, **more)
    return str(caught.value)


NOBODY = "http://127.0.0.1:9"


async def test_the_next_server_is_asked_where_one_does_not_answer_and_first_the_next_time(serve):
    down, up = serve(lambda _: Reply(503)), serve(fine)
    assert (await ask(NOBODY, down.url, up.url, times=3)).json() == {"task": "t"}
    assert (len(down.seen), len(up.seen)) == (1, 3)


async def test_a_server_that_is_silent_does_not_keep_the_other_from_answering(serve):
    over = threading.Event()
    silent, up = serve(lambda _: over.wait(30) and FINE), serve(fine)
    answer = await ask(silent.url, up.url, druid_answer_seconds=0.3)
    assert answer.url == up.url + PATH
    said = await failure(silent.url, druid_answer_seconds=0.3)
    assert "is silent for 0.3 s" in said or "ReadTimeout" in said
    over.set()


async def test_who_answers_nothing_is_named_with_the_role_and_the_reason(serve):
    said = await failure(NOBODY, serve(lambda _: Reply(503, b"busy")).url)
    assert said.startswith(f"Druid's Overlord does not answer: {NOBODY} does not answer (Connect")
    assert "answers 503: busy" in said


async def test_the_leader_is_asked_the_same_and_from_then_on_first(serve):
    leader = serve(fine)
    follower = serve(leads_to(leader.url))
    await ask(follower.url, leader.url, path=f"{PATH}?a=b%2Fc", body={"id": "t"}, times=2)
    assert len(follower.seen) == 1
    assert [(each.method, each.path, json.loads(each.body)) for each in leader.seen] == [
        ("POST", f"{PATH}?a=b%2Fc", {"id": "t"})
    ] * 2


@pytest.mark.parametrize(
    ("hosts", "reaches"),
    [("", False), ("druid.example", False), ("10.0.0.0/8", False), ("127.0.0.1", True), ("127.0.0.0/8", True)],
)
async def test_a_leader_that_nobody_named_gets_no_word_of_ours(serve, hosts, reaches):
    stranger = serve(fine)
    secrets = {"druid_username": "sluice", "druid_password": "hunter2", "druid_leader_hosts": hosts}
    follower = serve(leads_to(stranger.url))
    if reaches:
        assert (await ask(follower.url, **secrets)).good
    else:
        assert "SLUICE_DRUID_LEADER_HOSTS" in await failure(follower.url, **secrets)
    assert bool(stranger.seen) is reaches


async def test_a_redirect_leads_not_from_tls_to_none_unless_the_address_is_set(serve, tmp_path):
    authority = Authority(tmp_path)
    plain = serve(fine)
    follower = serve(leads_to(plain.url), authority.server_context())
    trusted = {"druid_ca_file": authority.file, "druid_leader_hosts": "127.0.0.1"}
    assert "gets no word of us" in await failure(follower.url, **trusted)
    assert plain.seen == []
    assert (await ask(follower.url, plain.url, **trusted)).good


@pytest.mark.parametrize(
    ("location", "says"),
    [
        (None, "no leader yet"),
        ("", "no leader yet"),
        ("null/druid/indexer/v1/task", "no leader yet"),
        ("http://[::1/druid/indexer/v1/task", "Invalid URL in location header"),
        ("https://login.example/sso?back=1", "another path"),
        (f"http://127.0.0.1@evil.example{PATH}", "gets no word of us"),
    ],
)
async def test_a_redirect_to_nowhere_or_elsewhere_is_waited_out(serve, location, says):
    headers = {} if location is None else {"location": location}
    assert says in await failure(serve(lambda _: Reply(307, headers=headers)).url)


async def test_two_that_think_the_other_leads_are_waited_out(serve):
    one, other = serve(fine), serve(fine)
    one.answer, other.answer = leads_to(other.url), leads_to(one.url)
    assert "no leader is settled" in await failure(one.url, other.url)
    assert len(one.seen) + len(other.seen) < 10


async def test_the_password_is_shown_to_the_server_and_in_no_message(serve):
    server = serve(behind_password("sluice", "hunter2", fine))
    assert (await ask(server.url, druid_username="sluice", druid_password="hunter2")).good
    for wrong in ({}, {"druid_username": "sluice", "druid_password": "hunter3"}):
        said = await failure(server.url, expected=DruidDenied, **wrong)
        assert f"answers 401 at {server.url}{PATH}; " in said
        assert "SLUICE_DRUID_USERNAME" in said
        assert "hunter" not in said


async def test_a_denial_is_said_aloud_once_until_it_is_mended(serve):
    denies = [True, True, False, True]
    server = serve(lambda _: Reply(403 if denies.pop(0) else 200))
    async with open_druid(DruidSettings(druid_router_url=server.url)) as druid:
        with capture_logs() as logs:
            for expected in (DruidDenied, DruidDenied, None, DruidDenied):
                if expected:
                    with pytest.raises(expected, match="has no right"):
                        await druid.ask(Role.OVERLORD, "GET", PATH)
                else:
                    await druid.ask(Role.OVERLORD, "GET", PATH)
    assert [each["log_level"] for each in logs] == ["error"] * 2


async def test_a_server_is_trusted_by_who_signed_it_and_sees_who_we_are(serve, tmp_path):
    (tmp_path / "theirs").mkdir()
    authority, stranger = Authority(tmp_path), Authority(tmp_path / "theirs")
    server = serve(fine, authority.server_context(asks_for_certificates=True))
    certificate, key = authority.issue("sluice")
    ours = {"druid_cert_file": certificate, "druid_key_file": key}
    assert (await ask(server.url, druid_ca_file=authority.file, **ours)).good
    for wrong in ({}, {"druid_ca_file": stranger.file}):
        assert "SLUICE_DRUID_CA_FILE names who signs it" in await failure(server.url, **wrong)
    await failure(server.url, druid_ca_file=authority.file)
    assert len(server.seen) == 1


async def test_no_proxy_of_the_environment_stands_between(serve, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, NOBODY)
    monkeypatch.setenv("NO_PROXY", "")
    assert (await ask(serve(fine).url)).good


async def test_what_is_not_druid_is_told_by_what_it_sends(serve):
    answer = await ask(serve(lambda _: Reply(200, b"<html>\x1b[2JWelcome</html>")).url)
    with pytest.raises(Transient, match=r"is not Druid's Overlord, for it sends no JSON: <html>\\x1b\[2JWelcome"):
        answer.json()


async def test_an_answer_without_end_is_not_taken_in(serve):
    endless = {"content-length": str(4 * MOST_BYTES)}
    said = await failure(serve(lambda _: Reply(200, b"x" * (MOST_BYTES + 1), endless)).url)
    assert f"sends more than {MOST_BYTES} bytes" in said
