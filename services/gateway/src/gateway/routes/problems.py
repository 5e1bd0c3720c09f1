"""Refusals of the use cases as HTTP answers, and the same for the API's documentation."""

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from gateway.errors import PASSING, Refused, Undecided, UploadRefused
from gateway.routes.pace import RATE_LIMITED
from sluice.auth.refusals import DENIED
from sluice.http import Refusal, problem, problem_answers

log = structlog.get_logger()

RETRY_AFTER = {"Retry-After": "5"}


def add_problems(api: FastAPI) -> None:
    @api.exception_handler(Refused)
    async def refuse(_request: Request, error: Refused) -> JSONResponse:
        log.info("request refused", code=error.code)
        headers = RETRY_AFTER if isinstance(error, PASSING) else {}
        return problem(Refusal(error.code, str(error), headers, **error.more))

    @api.exception_handler(Undecided)
    async def leave_open(_request: Request, error: Undecided) -> JSONResponse:
        detail = (
            "The storage did not answer in time, so the file may have been accepted or not. "
            "Send it again with the same Idempotency-Key: it becomes the same task. Without a key it may become a second one."
        )
        return problem(Refusal(error.code, detail, RETRY_AFTER))


def documented(*kinds: type[Refused]) -> dict[int | str, dict[str, Any]]:
    """Every problem of these kinds that a request can end in, by status, for OpenAPI; that it is not allowed among them."""
    codes = {code for kind in kinds for code in _codes(kind)}
    if UploadRefused in kinds:
        codes.add(Undecided.code)
    return {**DENIED, **problem_answers("invalid-request", RATE_LIMITED, "dependency-unavailable", *codes)}


def _codes(kind: type[Refused]) -> set[str]:
    """Of the kind itself, where it is one that is raised, and of all kinds of it."""
    own = {kind.code} - {Refused.code}
    return own.union(*(_codes(each) for each in kind.__subclasses__()))
