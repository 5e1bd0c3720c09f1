"""A file out of a multipart form, streamed: what comes before and after it is bounded and looked at, never kept."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser, parse_options_header

from gateway.errors import InvalidForm

FIELD = "file"
CORRECTS = "corrects"
MOST_FIELDS = 16
OTHER_FIELDS = 65_536
"""Bytes that all fields beside the file may have together."""

OVERHEAD = 131_072
"""Bytes by which a form may be larger than the file in it."""

Event: TypeAlias = MultipartSegment | bytes | None


@dataclass(frozen=True, slots=True)
class Form:
    """Name and bytes of the field `file`. The bytes end only when the whole form was in order; they raise InvalidForm."""

    filename: str
    corrects: UUID | None
    content: AsyncIterator[bytes]


async def open_form(content_type: str, body: AsyncIterator[bytes]) -> Form:
    """Read up to the file. Raises InvalidForm."""
    events = _events(_boundary(content_type), body)
    inside_other, in_corrects, corrects = 0, False, b""
    async for event in events:
        if isinstance(event, MultipartSegment) and event.name == FIELD:
            if not event.filename:
                raise InvalidForm('The field `file` must carry a file with its name: filename="…" in its part.')
            return Form(event.filename, _task_id(corrects), _file_bytes(events, inside_other))
        if isinstance(event, MultipartSegment):
            in_corrects = event.name == CORRECTS
        elif in_corrects:
            corrects += event or b""
        inside_other = _count(inside_other, event)
    raise InvalidForm("The form has no field named `file`. Send the file in a field of that name.")


async def _file_bytes(events: AsyncIterator[Event], inside_other: int) -> AsyncIterator[bytes]:
    in_file = True
    async for event in events:
        if isinstance(event, MultipartSegment) and event.name == FIELD:
            raise InvalidForm("The form has two fields named `file`. Send one request for each file.")
        if isinstance(event, MultipartSegment) and event.name == CORRECTS:
            raise InvalidForm(
                "The field `corrects` must stand before the file. Send it first, or as a parameter of the address."
            )
        if event is None:
            in_file = False
        elif in_file and not isinstance(event, MultipartSegment):
            yield bytes(event)
        else:
            inside_other = _count(inside_other, event)


def _task_id(text: bytes) -> UUID | None:
    try:
        return UUID(text.decode()) if text else None
    except ValueError:
        raise InvalidForm("The field `corrects` must hold the id of a task.") from None


def _count(before: int, event: Event) -> int:
    total = before + (len(event) if isinstance(event, bytes | bytearray) else 0)
    if total > OTHER_FIELDS:
        raise InvalidForm(f"The fields beside the file may have {OTHER_FIELDS:,} bytes together. Leave them out.")
    return total


async def _events(boundary: str, body: AsyncIterator[bytes]) -> AsyncIterator[Event]:
    try:
        with PushMultipartParser(boundary, max_segment_count=MOST_FIELDS) as parser:
            async for chunk in body:
                for event in parser.parse(chunk):
                    yield event
    except ParserLimitReached as error:
        raise InvalidForm("The form has too many fields, or headers that are too long.") from error
    except MultipartError as error:
        raise InvalidForm("The body is not a complete form as RFC 7578 describes it. Send it again.") from error


def _boundary(content_type: str) -> str:
    kind, options = parse_options_header(content_type)
    if kind != "multipart/form-data" or not options.get("boundary"):
        raise InvalidForm(
            "The body must be multipart/form-data with a boundary. To send bare bytes, PUT them to …/files/{filename}."
        )
    return str(options["boundary"])
