"""Names, headers and forms that nobody sane would send: each gets an answer that the description names, and a refusal leaves nothing."""

import json
from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_from_bytes, unquote

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as trying
from hypothesis import strategies as st

from gateway.settings import GatewaySettings

ODDLY = trying(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
FILES = "/v1/datasources/{datasource}/files"
OFTEN = "1000000/second"
ROWS = b"a,b\n1,2\n"

field_values = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=60).map(
    lambda text: text.strip().encode("latin-1")
)
"""What an HTTP server lets through as the value of a header."""
LINE_END = b"\n"
extensions = st.sampled_from(["", ".csv", ".CSV", ".csv.gz", ".xlsx", ".xls", ".parquet", ".exe"])
names = st.builds(lambda name, end: f"{name}{end}".encode(), st.text(max_size=80), extensions) | st.binary(max_size=80)
chunks = st.lists(st.sampled_from([b"", ROWS, b"\x00", b"PK\x03\x04", b"PAR1", b"x" * 600]), max_size=4)
boundaries = st.text("abc'()+_,-./:=? \"\\\tä;", max_size=75)
Headers = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    media_type: str
    body: bytes


@pytest.fixture
def settings(settings: GatewaySettings) -> GatewaySettings:
    return settings.model_copy(update={"upload_rate": OFTEN, "command_rate": OFTEN, "max_backlog": 1_000_000})


async def ask(gateway: Any, method: str, path: str, headers: Headers, body: list[bytes]) -> Answer:
    """As a server hands a request over: the path decoded, headers as bytes, the body in any pieces."""
    coming, sent = iter([*body, None]), []

    async def receive() -> dict[str, Any]:
        chunk = next(coming, None)
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [
            (name.lower().encode(), value) for name, value in {**headers, "transfer-encoding": b"chunked"}.items()
        ],
        "client": ("127.0.0.1", 1),
        "server": ("gateway", 80),
    }
    await gateway.app(scope, receive, send)
    media_type = next((value.decode() for name, value in sent[0]["headers"] if name == b"content-type"), "")
    return Answer(sent[0]["status"], media_type, b"".join(each.get("body", b"") for each in sent[1:]))


async def check(gateway: Any, method: str, template: str, path: str, headers: Headers, body: list[bytes]) -> Answer:
    """Ask, and hold the answer against the description; a refusal changes nothing in the bucket.

    But of an upload in several requests, what has come stays until it expires.
    """
    resumable = ("uploads/", "raw/") if template == "/v1/uploads" else ()

    def left() -> list[str]:
        return [key for key in gateway.store.left_behind() if not key.startswith(resumable)]

    before = left()
    answer = await ask(gateway, method, path, headers, body)
    described = gateway.app.openapi()["paths"][template][method.lower()]["responses"]
    assert str(answer.status) in described, answer
    assert answer.media_type in described[str(answer.status)]["content"]
    if answer.status >= 400:
        schema = described[str(answer.status)]["content"][answer.media_type]["schema"]
        assert json.loads(answer.body)["code"] in schema["properties"]["code"]["enum"]
        assert left() == before
    assert gateway.store.multiparts == {}
    assert answer.status < 500
    return answer


@ODDLY
@given(name=names.filter(lambda name: LINE_END not in name), body=chunks)
@example(b"..", [ROWS])
@example(b"../../etc/passwd.csv", [ROWS])
@example(b"%2e%2e%2fa.csv", [ROWS])
@example(b"a\x00.csv", [ROWS])
@example(b"\xff\xfe.csv", [ROWS])
@example("\u202e.csv".encode(), [ROWS])
@example(b"a" * 251 + b".csv", [ROWS])
async def test_any_name(gateway: Any, name: bytes, body: list[bytes]) -> None:
    path = f"/v1/datasources/sales/files/{quote_from_bytes(name, safe='')}"
    await check(gateway, "PUT", f"{FILES}/{{filename}}", path, {}, body)


async def test_a_name_with_a_line_end_is_no_address(gateway: Any) -> None:
    answer = await ask(gateway, "PUT", "/v1/datasources/sales/files/a%0Ab.csv", {}, [ROWS])
    assert (answer.status, json.loads(answer.body)["code"]) == (404, "not-found")
    assert gateway.store.left_behind() == []


@ODDLY
@given(datasource=names)
async def test_any_datasource(gateway: Any, datasource: bytes) -> None:
    path = f"/v1/datasources/{quote_from_bytes(datasource, safe='')}/files/a.csv"
    answer = await ask(gateway, "PUT", path, {}, [ROWS])
    assert answer.status in {404, 405, 422}, answer
    assert gateway.store.left_behind() == []


@ODDLY
@given(
    headers=st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            [
                "Idempotency-Key",
                "Content-Digest",
                "Content-Type",
                "Content-Encoding",
                "Accept",
                "Expect",
                "traceparent",
            ],
            field_values,
        ),
    ),
    body=chunks,
)
@example({"Content-Digest": b"sha-256=:" + b64encode(bytes(32)) + b":"}, [ROWS])
@example({"Content-Digest": b"sha-256=:\xff:, sha-256=::"}, [ROWS])
@example({"Idempotency-Key": b"\xe4" * 201}, [ROWS])
@example({"Idempotency-Key": b"x" * 200}, [ROWS])
async def test_any_headers(gateway: Any, headers: Headers, body: list[bytes]) -> None:
    path = "/v1/datasources/sales/files/a.csv"
    await check(gateway, "PUT", f"{FILES}/{{filename}}", path, headers, body)


DISPOSITION = b'Content-Disposition: form-data; name="%b"; filename="%b"'
fields = st.sampled_from([b"file", b"corrects", b"other", b"FILE", b""])
quotable = names.map(lambda name: name.replace(b"\r", b"").replace(b"\n", b"").replace(b'"', b"%22"))
heads = st.builds(lambda *said: DISPOSITION % said, fields, quotable) | field_values
contents = st.sampled_from([ROWS, b"", b"\r\n--", b"x" * 1200])


@st.composite
def forms(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """A content type and a body, as they should be but for a few things."""
    odd = draw(st.sets(st.sampled_from(["kind", "stated", "used", "end", "parts", "before", "after"]), max_size=3))

    def one(aspect: str, usual: Any, strategy: st.SearchStrategy[Any]) -> Any:
        return draw(strategy) if aspect in odd else usual

    stated = one("stated", "x", boundaries)
    used = one("used", stated, boundaries).encode()
    kind = one(
        "kind", 'multipart/form-data; boundary="{}"', st.sampled_from(["multipart/form-data; boundary={}", "text/csv"])
    )
    end = one("end", b"\r\n", st.sampled_from([b"\n", b"\r", b""]))
    parts = one("parts", [(DISPOSITION % (b"file", b"a.csv"), ROWS)], st.lists(st.tuples(heads, contents), max_size=3))
    body = b"".join(b"--%b%b%b%b%b%b%b" % (used, end, head, end, end, content, end) for head, content in parts)
    body = one("before", b"", st.just(b"before" + end)) + body + one("after", b"--%b--" % used, st.just(b"--"))
    cut = draw(st.integers(0, len(body)))
    return kind.format(stated).encode("latin-1"), [body[:cut], body[cut:]]


@ODDLY
@given(form=forms(), headers=st.fixed_dictionaries({}, optional={"Idempotency-Key": field_values}))
@example((b"multipart/form-data", [b""]), {})
@example((b"multipart/form-data; boundary=", [b"--\r\n\r\n----"]), {})
@example((b"multipart/form-data; boundary=" + b"x" * 5000, [b"--"]), {})
async def test_any_form(gateway: Any, form: tuple[bytes, list[bytes]], headers: Headers) -> None:
    content_type, body = form
    await check(gateway, "POST", FILES, "/v1/datasources/sales/files", {**headers, "Content-Type": content_type}, body)


async def test_the_form_that_all_of_these_resemble_is_taken(gateway: Any) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    headers = {"Content-Type": b'multipart/form-data; boundary="x"'}
    answer = await check(gateway, "POST", FILES, "/v1/datasources/sales/files", headers, [head, ROWS, b"\r\n--x--"])
    assert answer.status == 202


metadata = st.lists(
    st.builds(
        lambda key, value: key + b" " + value,
        st.sampled_from([b"filename", b"datasource", b"corrects", b"idempotency_key", b"", b"other"]),
        st.sampled_from([b"a.csv", b"sales", b"\xff", b"..", b""]).map(b64encode) | field_values,
    ),
    max_size=5,
).map(b",".join)


@ODDLY
@given(
    said=st.fixed_dictionaries(
        {"Upload-Metadata": metadata | st.just(b"filename YS5jc3Y=,datasource c2FsZXM=")},
        optional={
            "Upload-Length": field_values | st.sampled_from([b"8", b"0", b"-1", b"1e3", b"9" * 30, "\uff18".encode()]),
            "Upload-Checksum": field_values | st.just(b"sha256 " + b64encode(bytes(32))),
            "Content-Type": field_values | st.just(b"application/offset+octet-stream"),
        },
    ),
    body=chunks,
)
@example({"Upload-Metadata": b"filename YS5jc3Y=,datasource c2FsZXM=", "Upload-Length": b"8"}, [])
@example({"Upload-Metadata": b"filename YS5jc3Y=,datasource bm9uZQ==", "Upload-Length": b"8"}, [])
async def test_any_beginning_of_a_resumable_upload(gateway: Any, said: Headers, body: list[bytes]) -> None:
    await check(gateway, "POST", "/v1/uploads", "/v1/uploads", {**said, "Tus-Resumable": b"1.0.0"}, body)
