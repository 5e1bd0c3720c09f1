from contextlib import asynccontextmanager

import httpx
import pytest

from sluice.errors import Permanent, Transient
from sluice.http import Probes, Refusal, create_api


@asynccontextmanager
async def nothing(_app):
    yield


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


def client(api) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(api, raise_app_exceptions=False), base_url="http://t")


@pytest.fixture
def api():
    api = create_api("T", "t", nothing, Probes({"loop": lambda: True}, {"storage": yes}))

    @api.get("/fails/{how}")
    async def fail(how: str, number: int = 0):
        raise {
            "refused": Refusal(409, "taken", "Take another.", {"Retry-After": "1"}, limit=3),
            "transient": Transient("db at secret-host is down"),
            "permanent": Permanent("secret"),
            "bug": KeyError("secret"),
        }[how]

    return api


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/fails/refused", 409, "taken"),
        ("/fails/transient", 503, "dependency-unavailable"),
        ("/fails/permanent", 500, "internal"),
        ("/fails/bug", 500, "internal"),
        ("/fails/refused?number=x", 422, "invalid-request"),
        ("/nowhere", 404, "not-found"),
    ],
)
async def test_every_no_is_a_problem_document_without_secrets(api, path, status, code):
    async with client(api) as http:
        answer = await http.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["code"] == code
    assert answer.json()["detail"]
    assert "secret" not in answer.text


async def test_a_refusal_keeps_its_headers_and_its_own_members(api):
    async with client(api) as http:
        answer = await http.get("/fails/refused")
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["limit"] == 3


@pytest.mark.parametrize(
    ("probes", "live", "ready"),
    [
        (Probes({"a": lambda: True}, {"b": yes}), 200, 200),
        (Probes({"a": lambda: False}, {"b": yes}), 503, 200),
        (Probes({"a": lambda: True}, {"b": yes, "c": no}), 200, 503),
    ],
)
async def test_probes_say_which_check_failed(probes, live, ready):
    async with client(create_api("T", "t", nothing, probes)) as http:
        assert (await http.get("/health/live")).status_code == live
        answer = await http.get("/health/ready")
    assert answer.status_code == ready
    assert set(answer.json()["checks"]) == set(probes.ready)


async def test_the_docs_load_nothing_from_other_hosts(api):
    async with client(api) as http:
        page = (await http.get("/docs")).text
        assert "http://" not in page.replace("http://t", "")
        assert "https://" not in page
        assert (await http.get("/docs/assets/swagger-ui-bundle.js")).status_code == 200
