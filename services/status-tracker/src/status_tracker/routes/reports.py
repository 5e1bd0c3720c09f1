"""The report of a task, as JSON and as a page, and the files that it names."""

import asyncio
from collections.abc import Mapping
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from sluice.accept import prefers
from sluice.http import Refusal, problem_answers
from sluice.reports.html import content_security_policy, render_html, render_link
from status_tracker.domain.report import MEDIA_TYPES, REPORT, content_disposition, parse_report
from status_tracker.domain.task import Task
from status_tracker.ports import Document
from status_tracker.routes.examples import ETAG, REJECTS, REPORT_DOCUMENT, REPORT_PAGE
from status_tracker.routes.sources import Asked, From, Sources

router = APIRouter(prefix="/{task_id}", tags=["tasks"])

MOST_RENDERED = 8_388_608
"""Bytes of a report that is read as a whole; a larger one is only passed on."""

COMMON = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private"}


class Shown(StrEnum):
    JSON = "json"
    HTML = "html"


Format = Annotated[Shown | None, Query(description="Goes before the Accept header.")]
IfNoneMatch = Annotated[
    str | None, Header(alias="If-None-Match", description="`ETag` of what you have.", examples=[ETAG])
]

FILE = {"schema": {"type": "string", "format": "binary"}, "example": REJECTS}
UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "It is still what `If-None-Match` names."}}


@router.get(
    "/report",
    summary="Fetch the validation report of a task",
    description="As JSON (schema `sluice.report.v2`), or as a page for people where `Accept` prefers text/html. The page has no scripts.",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"application/json": {"example": REPORT_DOCUMENT}, "text/html": {"example": REPORT_PAGE}}},
        **problem_answers("invalid-request", "task-not-found", "report-not-found"),
        **UNCHANGED,
    },
)
async def fetch_report(
    sources: From,
    task: Asked,
    format: Format = None,  # noqa: A002 - the name of the query parameter
    accept: Annotated[str, Header()] = "",
    if_none_match: IfNoneMatch = None,
) -> Response:
    report = await _open(sources, task)
    if format is Shown.HTML or (format is None and prefers(accept, "text/html", "application/json")):
        return _page(await _rendered(task, report), if_none_match)
    return _stream(report, "application/json", {"Vary": "Accept"}, if_none_match)


@router.get(
    "/{kind}",
    summary="Fetch the rejected rows, or the sender's workbook with its bad cells marked",
    description="`rejects`: the complete rows, in the format that came in, with a column `__errors`. `workbook`: of spreadsheets only.",
    response_class=StreamingResponse,
    responses={
        200: {"content": dict.fromkeys(MEDIA_TYPES.values(), FILE)},
        **problem_answers("invalid-request", "task-not-found", "report-not-found", "file-not-found"),
        **UNCHANGED,
    },
)
async def fetch_file(
    sources: From, task: Asked, kind: Literal["rejects", "workbook"], if_none_match: IfNoneMatch = None
) -> Response:
    report = parse_report(await _whole(await _open(sources, task)) or b"")
    named = next((file for file in report.files if file.kind == kind), None) if report else None
    document = await sources.reports.open(task, named.name) if named else None
    if named is None or document is None:
        raise Refusal("file-not-found", _why_none(task, kind))
    headers = {"Content-Disposition": content_disposition(task.filename, kind, named.name)}
    return _stream(document, MEDIA_TYPES[named.name.rpartition(".")[2]], headers, if_none_match)


async def _open(sources: Sources, task: Task) -> Document:
    report = await sources.reports.open(task, REPORT)
    if report is None:
        raise Refusal("report-not-found", f"The task is {task.state}, and there is no report of it.", state=task.state)
    return report


async def _whole(document: Document) -> bytes | None:
    """All of it; None where it is larger than what is read."""
    if document.size > MOST_RENDERED:
        return None
    return b"".join([chunk async for chunk in document.chunks])


async def _rendered(task: Task, document: Document) -> str:
    content = await _whole(document)
    if content is None:
        return render_link(task.filename, "The report on this file is too long for a page.")
    report = parse_report(content)
    if report is None:
        return render_link(
            task.filename, "The report on this file was written by an older version and has no page of its own."
        )
    # a thousand errors take a while to write down: others are served meanwhile
    return await asyncio.to_thread(render_html, report)


def _page(page: str, if_none_match: str | None) -> Response:
    etag = f'"{sha256(page.encode()).hexdigest()[:32]}"'
    headers = {
        **COMMON,
        "ETag": etag,
        "Vary": "Accept",
        "Content-Security-Policy": content_security_policy(),
        "Referrer-Policy": "no-referrer",
    }
    return _unchanged(headers) if _matches(if_none_match, etag) else HTMLResponse(page, headers=headers)


def _stream(document: Document, media_type: str, more: Mapping[str, str], if_none_match: str | None) -> Response:
    etag = f'"{document.etag}"'
    headers = {**COMMON, "ETag": etag, **more}
    if _matches(if_none_match, etag):
        return _unchanged(headers)
    headers["Content-Length"] = str(document.size)
    return StreamingResponse(document.chunks, media_type=media_type, headers=headers)


def _unchanged(headers: Mapping[str, str]) -> Response:
    return Response(status_code=304, headers={name: headers[name] for name in headers if name != "Content-Disposition"})


def _matches(if_none_match: str | None, etag: str) -> bool:
    asked = {each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")}
    return bool(asked & {etag, "*"})


def _why_none(task: Task, kind: str) -> str:
    if kind == "workbook" and (task.format is None or task.format.value not in {"xlsx", "xls"}):
        return "Only of a spreadsheet is a marked workbook made. The report names each place; the rejected rows are at /rejects."
    if not task.errors and not task.rows.rejected:
        return "There is none: no row of this file was rejected."
    return "There is none for this file: it could not be made, or the report is of an older version. The report names each place."
