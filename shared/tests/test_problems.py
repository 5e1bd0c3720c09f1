"""The pages behind the `type` of problem documents."""

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import httpx
import pytest

from sluice.accept import prefers
from sluice.http import Refusal, create_api
from sluice.problems import kind_of, outcome_kinds, problem_kinds
from sluice.problems.kinds import ProblemKind
from sluice.problems.page import render_markdown, render_page

DOCS = Path(__file__).parents[2] / "docs"
PAGE, JSON = {"Accept": "text/html"}, {"Accept": "application/json"}


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async def nothing(_api: object, _stack: object, _probes: object) -> None:
        return

    api = create_api("T", "t", nothing)

    @api.get("/refuses/{code}")
    async def refuse(code: str) -> None:
        raise Refusal(code, "Said here.")

    transport = httpx.ASGITransport(api, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
        yield client


@pytest.mark.parametrize("code", problem_kinds())
async def test_the_type_of_each_problem_leads_to_its_page(http, code):
    kind = kind_of(code)
    problem = await http.get(f"/refuses/{code}")
    assert problem.status_code == kind.status
    assert problem.json() == {
        "type": f"/problems/{code}",
        "title": kind.title,
        "status": kind.status,
        "code": code,
        "detail": "Said here.",
    }
    page = await http.get(problem.json()["type"], headers=PAGE)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<script" not in page.text
    shown = unescape(re.sub(r"</?code>", "`", page.text))
    assert all(said in shown for said in (kind.title, kind.happened, kind.remedy, f"`{code}`"))
    document = await http.get(problem.json()["type"], headers=JSON)
    assert document.json() == kind.model_dump()


@pytest.mark.parametrize("code", sorted(outcome_kinds().keys() - problem_kinds().keys()))
async def test_the_code_of_an_outcome_has_its_page(http, code):
    kind = outcome_kinds()[code]
    page = await http.get(f"/problems/{code}", headers=PAGE)
    shown = unescape(re.sub(r"</?code>", "`", page.text))
    assert all(said in shown for said in (kind.title, kind.happened, kind.remedy, f"`{code}` · how a task ends"))
    assert (await http.get(f"/problems/{code}", headers=JSON)).json() == kind.model_dump()


async def test_all_of_them_are_listed(http):
    assert list(problem_kinds()) == [each["code"] for each in (await http.get("/problems", headers=JSON)).json()]
    page = (await http.get("/problems")).text
    assert re.findall(r'href="/problems/([a-z-]+)"', page) == list(problem_kinds())


async def test_the_page_carries_a_policy_that_lets_its_own_style_in(http):
    answer = await http.get("/problems/internal")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert answer.headers["vary"] == "Accept"


@pytest.mark.parametrize("code", ["nothing", "Internal", "internal%00", "..%2finternal"])
async def test_a_page_that_is_not_there_is_a_problem_itself(http, code):
    answer = await http.get(f"/problems/{code}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


def test_a_code_without_a_page_is_a_fault_of_ours():
    with pytest.raises(LookupError, match="no-such-code has no page"):
        Refusal("no-such-code", "x")


def test_what_a_page_says_is_escaped():
    kind = ProblemKind(code="x", status=400, title="<b>", happened="`<i>` & more", remedy="`a` b `c`")
    page = render_page([kind])
    assert "<b>" not in page
    assert "<code>&lt;i&gt;</code> &amp; more" in page
    assert "<code>a</code> b <code>c</code>" in page


def test_each_says_in_sentences_what_happened_and_what_to_do():
    for kind in (*problem_kinds().values(), *outcome_kinds().values()):
        assert kind.happened.endswith(".")
        assert kind.remedy.endswith((".", "`."))
        assert not kind.title.endswith(".")
        assert "|" not in kind.happened + kind.remedy  # it would break the table of docs/problems.md


def test_the_documentation_is_current():
    written = (DOCS / "problems.md").read_text(encoding="utf-8")
    assert written == render_markdown(problem_kinds().values(), outcome_kinds().values()), "run `make docs`"


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", True),
        ("text/html, application/json", True),
        ("text/html;q=0.5, application/json", False),
        ("text/html;q=0.5, application/json;q=0.4", True),
        ("text/html;q=0.5, application/*", False),
        ("text/html, application/*;q=0.9, application/json", True),
        ("text/html;q=0", False),
        ("text/html;q=2", False),
        ("text/html;q=", False),
        ("TEXT/HTML ; q=1", True),
        ("*/*", False),
        ("", False),
    ],
)
def test_only_who_names_it_gets_the_other_representation(accept, page):
    assert prefers(accept, "text/html", "application/json") == page
