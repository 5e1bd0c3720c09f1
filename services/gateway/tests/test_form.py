from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidForm
from gateway.routes.form import MOST_FIELDS, OTHER_FIELDS, open_form

PARENT = UUID("0190a000-0000-7000-8000-000000000001")
TYPE = "multipart/form-data; boundary=xyz"
FILE = b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
END = b"\r\n--xyz--\r\n"


def other(name: bytes, value: bytes) -> bytes:
    return b'--xyz\r\nContent-Disposition: form-data; name="' + name + b'"\r\n\r\n' + value + b"\r\n"


async def read(form: bytes, size: int = 64, content_type: str = TYPE) -> tuple[str, UUID | None, bytes]:
    async def body() -> AsyncIterator[bytes]:
        for start in range(0, len(form), size):
            yield form[start : start + size]

    opened = await open_form(content_type, body())
    return opened.filename, opened.corrects, b"".join([chunk async for chunk in opened.content])


@given(st.binary(max_size=300), st.integers(1, 400))
async def test_the_file_comes_out_whole_however_it_is_cut(content: bytes, size: int) -> None:
    form = (
        other(b"before", b"1")
        + other(b"corrects", str(PARENT).encode())
        + FILE
        + content
        + b"\r\n"
        + other(b"after", b"2")[:-2]
        + END
    )
    if b"--xyz" not in content:
        assert await read(form, size) == ("a.csv", PARENT, content)


WRONG = {
    "no file": other(b"note", b"hi") + b"--xyz--\r\n",
    "two files": FILE + b"1\r\n" + FILE + b"2" + END,
    "a field without a name of a file": other(b"file", b"1")[:-2] + END,
    "cut short": FILE + b"1,2",
    "too many fields": b"".join(other(b"n", b"1") for _ in range(MOST_FIELDS + 1)) + FILE + b"1" + END,
    "too much before": other(b"n", b"1" * (OTHER_FIELDS + 1)) + FILE + b"1" + END,
    "too much after": FILE + b"1\r\n" + other(b"n", b"1" * (OTHER_FIELDS + 1))[:-2] + END,
    "no task to correct": other(b"corrects", b"me") + FILE + b"1" + END,
    "no text": other(b"corrects", b"\xff") + FILE + b"1" + END,
    "too late to correct": FILE + b"1\r\n" + other(b"corrects", str(PARENT).encode())[:-2] + END,
    "no form at all": b"a,b\n1,2\n" * 100,
    "nothing": b"",
}


@pytest.mark.parametrize("form", WRONG.values(), ids=WRONG)
async def test_a_form_that_is_not_in_order_is_refused(form: bytes) -> None:
    with pytest.raises(InvalidForm):
        await read(form)


@pytest.mark.parametrize("content_type", ["", "text/csv", "multipart/form-data", "multipart/mixed; boundary=xyz"])
async def test_another_content_type_is_told_about_put(content_type: str) -> None:
    with pytest.raises(InvalidForm, match="PUT"):
        await read(FILE + b"1" + END, content_type=content_type)


async def test_an_empty_field_corrects_nothing() -> None:
    assert await read(other(b"corrects", b"") + FILE + b"1" + END) == ("a.csv", None, b"1")
