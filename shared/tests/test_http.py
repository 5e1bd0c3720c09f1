from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import APIRouter

from sluice.errors import Permanent, Transient
from sluice.http import Refusal, create_api


def service(alive=None, ready=None):
    """An API of nothing but these probes."""

    async def open_parts(_api, _stack, probes):
        probes.alive.update(alive or {})
        probes.ready.update(ready or {})

    return create_api("T", "t", open_parts)


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


@asynccontextmanager
async def client(api) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(api, raise_app_exceptions=False)
    async with LifespanManager(api), httpx.AsyncClient(transport=transport, base_url="http://t") as http:
        yield http


@pytest.fixture
def api():
    api = service({"loop": lambda: True}, {"storage": yes})

    @api.get("/fails/{how}")
    async def fail(how: str, number: int = 0):
        raise {
            "refused": Refusal("nothing-to-cancel", "Take another.", {"Retry-After": "1"}, limit=3),
            "transient": Transient("db at secret-host is down"),
            "permanent": Permanent("secret"),
            "bug": KeyError("secret"),
        }[how]

    return api


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/fails/refused", 409, "nothing-to-cancel"),
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


async def test_an_address_names_every_method_that_it_knows(api):
    router = APIRouter(prefix="/things/{number}")
    router.add_api_route("", lambda number: number, methods=["GET"])
    router.add_api_route("", lambda number: number, methods=["PUT", "DELETE"])
    router.add_api_route("/more", lambda number: number, methods=["POST"])
    api.include_router(router)
    async with client(api) as http:
        answers = [await http.post("/things/7"), await http.patch("/things/7/more"), await http.put("/docs")]
    assert {(each.status_code, each.json()["code"]) for each in answers} == {(405, "method-not-allowed")}
    assert [each.headers["allow"] for each in answers] == ["DELETE, GET, PUT", "POST", "GET"]


@pytest.mark.parametrize(
    ("alive", "ready", "live_status", "ready_status"),
    [
        ({"a": lambda: True}, {"b": yes}, 200, 200),
        ({"a": lambda: False}, {"b": yes}, 503, 200),
        ({"a": lambda: True}, {"b": yes, "c": no}, 200, 503),
    ],
)
async def test_probes_say_which_check_failed(alive, ready, live_status, ready_status):
    async with client(service(alive, ready)) as http:
        assert (await http.get("/health/live")).status_code == live_status
        answer = await http.get("/health/ready")
    assert answer.status_code == ready_status
    assert set(answer.json()["checks"]) == set(ready)


async def test_what_was_opened_is_closed_at_the_end():
    closed = []

    async def open_parts(_api, stack, _probes):
        stack.callback(closed.append, "first")
        stack.callback(closed.append, "second")

    async with client(create_api("T", "t", open_parts)) as http:
        await http.get("/health/live")
        assert closed == []
    assert closed == ["second", "first"]


async def test_the_docs_load_nothing_from_other_hosts(api):
    async with client(api) as http:
        page = (await http.get("/docs")).text
        assert "http://" not in page.replace("http://t", "")
        assert "https://" not in page
        assert (await http.get("/docs/assets/swagger-ui-bundle.js")).status_code == 200
