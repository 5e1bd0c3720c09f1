"""`GET /problems` and `GET /problems/{code}`: where the `type` of a problem document leads."""

from typing import Annotated

from fastapi import FastAPI, Header
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from sluice.accept import prefers
from sluice.problems.kinds import PATH, OutcomeKind, outcome_kinds, problem_kinds
from sluice.problems.page import content_security_policy, render_page

HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "max-age=3600", "Vary": "Accept"}


def add_pages(api: FastAPI) -> None:
    """Not part of the API's own description: there `type` is described."""

    @api.get(PATH, include_in_schema=False)
    async def list_problems(accept: Annotated[str, Header()] = "") -> Response:
        kinds: list[OutcomeKind] = list(problem_kinds().values())
        return _answer(kinds, [kind.model_dump() for kind in kinds], accept)

    @api.get(f"{PATH}/{{code}}", include_in_schema=False)
    async def show_problem(code: str, accept: Annotated[str, Header()] = "") -> Response:
        kind = problem_kinds().get(code) or outcome_kinds().get(code)
        if kind is None:
            raise HTTPException(404)
        return _answer([kind], kind.model_dump(), accept)


def _answer(kinds: list[OutcomeKind], document: object, accept: str) -> Response:
    if prefers(accept, "application/json", "text/html"):
        return JSONResponse(document, headers=HEADERS)
    return HTMLResponse(render_page(kinds), headers={**HEADERS, "Content-Security-Policy": content_security_policy()})
