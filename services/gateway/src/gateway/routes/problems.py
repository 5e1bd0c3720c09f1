"""Refusals of the use cases as HTTP answers, and the same for the API's documentation."""

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from gateway import errors
from gateway.errors import Refused, Undecided
from gateway.routes.pace import RATE_LIMITED
from sluice.auth.refusals import DENIED
from sluice.http import Refusal, problem, problem_answer

log = structlog.get_logger()

STATUS: dict[type[Refused], int] = {
    errors.TaskUnknown: 404,
    errors.TaskNotConcluded: 409,
    errors.NothingToCancel: 409,
    errors.NothingToRetract: 409,
    errors.NothingToRetry: 409,
    errors.UploadIncomplete: 400,
    errors.UnknownDatasource: 404,
    errors.UploadStalled: 408,
    errors.ParentUnknown: 404,
    errors.ParentNotConcluded: 409,
    errors.NothingToCorrect: 409,
    errors.CorrectionUnderWay: 409,
    errors.AlreadyCorrected: 409,
    errors.CorrectTheFirst: 409,
    errors.ContentKnown: 409,
    errors.ContentUnderWay: 409,
    errors.FileTooLarge: 413,
    errors.UnsupportedFormat: 415,
    errors.FormatMismatch: 415,
    errors.InvalidFilename: 422,
    errors.EmptyFile: 422,
    errors.DigestMismatch: 422,
    errors.InvalidForm: 422,
    errors.KeyReused: 422,
    errors.BacklogFull: 429,
    errors.GatewayBusy: 503,
}
RETRY_AFTER = {"Retry-After": "5"}
PASSING = (
    errors.BacklogFull,
    errors.ContentUnderWay,
    errors.GatewayBusy,
    errors.ParentNotConcluded,
    errors.CorrectionUnderWay,
    errors.TaskNotConcluded,
)
"""Worth trying again by itself."""


def add_problems(api: FastAPI) -> None:
    @api.exception_handler(Refused)
    async def refuse(_request: Request, error: Refused) -> JSONResponse:
        status = STATUS[type(error)]
        log.info("request refused", code=error.code)
        headers = RETRY_AFTER if isinstance(error, PASSING) else {}
        return problem(Refusal(status, error.code, str(error), headers))

    @api.exception_handler(Undecided)
    async def leave_open(_request: Request, error: Undecided) -> JSONResponse:
        detail = (
            "The storage did not answer in time, so the file may have been accepted or not. "
            "Send it again with the same Idempotency-Key: it becomes the same task. Without a key it may become a second one."
        )
        return problem(Refusal(503, error.code, detail, RETRY_AFTER))


def documented(*kinds: type[Refused]) -> dict[int | str, dict[str, Any]]:
    """Every problem of these kinds that a request can end in, by status, for OpenAPI; that it is not allowed among them."""
    codes: dict[int, list[str]] = {
        422: ["invalid-request"],
        429: [RATE_LIMITED],
        503: ["dependency-unavailable", Undecided.code],
    }
    for refusal, status in STATUS.items():
        if issubclass(refusal, kinds):
            codes.setdefault(status, []).append(refusal.code)
    return {**DENIED, **{status: problem_answer(status, *names) for status, names in sorted(codes.items())}}
