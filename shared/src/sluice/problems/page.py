"""The kinds of problems as pages: HTML for people at an API, Markdown for the documentation."""

import re
from collections.abc import Iterable
from functools import cache
from http import HTTPStatus
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup, escape

from sluice import pages
from sluice.problems.kinds import HOME, PATH, OutcomeKind, ProblemKind

TEMPLATE = "problems.html.j2"

OF_TUS, CHECKSUM_MISMATCH = 460, "Checksum Mismatch"
"""A status of tus that HTTP does not know."""

HEAD = """# Problems

Whatever an API refuses, it says in a problem document (RFC 9457, `application/problem+json`): `code` is stable and for programs,
`detail` has the particulars for people, and `type` leads to a page that says what this file says: `/problems/<code>` on the same
host, as HTML or, for `Accept: application/json`, as JSON. Written by `make docs` from `shared/src/sluice/problems/problems.toml`.
"""

OF_OUTCOMES = """## How tasks end
A task that Druid could not load, or that was given up, ends with one of these as `error.code`; `error.message` has the particulars.
Each has its page, too. Codes of the validator stand in its report. Written from `shared/src/sluice/problems/outcomes.toml`.
"""


def render_page(kinds: Iterable[OutcomeKind]) -> str:
    """One HTML page about these kinds."""
    shown = list(kinds)
    return _environment().get_template(TEMPLATE).render(kinds=shown, alone=len(shown) == 1, path=PATH)


def content_security_policy() -> str:
    """For the answer that carries the page."""
    return pages.content_security_policy(HOME / TEMPLATE)


def render_markdown(kinds: Iterable[ProblemKind], outcomes: Iterable[OutcomeKind]) -> str:
    """`docs/problems.md`."""
    refusals = [f"| {kind.status} {_row(kind)}" for kind in kinds]
    ends = [_row(kind) for kind in outcomes]
    return "\n".join(
        (
            *(HEAD, "| status | code | what happened | what to do |", "|---|---|---|---|", *refusals, ""),
            *(OF_OUTCOMES, "| code | what happened | what to do |", "|---|---|---|", *ends, ""),
        )
    )


def _row(kind: OutcomeKind) -> str:
    return f"| `{kind.code}` | {kind.title}. {kind.happened} | {kind.remedy} |"


def write_markdown(docs: Path, kinds: Iterable[ProblemKind], outcomes: Iterable[OutcomeKind]) -> None:
    (docs / "problems.md").write_text(render_markdown(kinds, outcomes), encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = pages.page_environment(HOME)
    environment.filters.update(code=_with_code, phrase=_phrase)
    return environment


def _phrase(status: int) -> str:
    return CHECKSUM_MISMATCH if status == OF_TUS else HTTPStatus(status).phrase


def _with_code(text: str) -> Markup:
    """Backquotes as HTML; everything else is escaped."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped just before
