"""Every bad input ends in a clear error or a stated outcome; nothing hangs, nothing stays behind, the next file passes."""

import json
import socket
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from sluice.events import task_id_for_outside

HEADER = b"OrderID,TransactionTimestamp,ProductLine,Quantity,UnitPrice,Discount,CustomerEmail,Country\n"
ROW = b"A-1,2024-03-01T10:00:00Z,Ships,1,2.50,0.1,a@example.org,Norway\n"


@pytest.fixture(autouse=True)
def nothing_stays_behind(sluice):
    """What the gateway refused has left no bytes on S3, and what it took has come to an outcome."""
    before = set(sluice.keys("raw/"))
    yield
    accepted = {key.split("/")[3] for key in set(sluice.keys("raw/")) - before}
    records = {key.rpartition("/")[2].removesuffix(".json") for key in sluice.keys("accepted/")}
    assert accepted <= records, "bytes on S3 that nobody accepted"


@pytest.fixture(scope="module", autouse=True)
def the_next_file_passes(sluice):
    yield
    sluice.assert_next_file_passes()


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    problem = answer.json()
    assert problem["code"] == code
    assert len(problem["detail"]) > 20, "a problem says what to do"


@pytest.mark.parametrize(
    ("name", "content", "datasource", "status", "code"),
    [
        ("a.csv", HEADER + ROW, "nobody", 404, "unknown-datasource"),
        ("a.csv", b"", "sales", 422, "empty-file"),
        ("a.xlsx", HEADER + ROW, "sales", 415, "format-mismatch"),
        ("a.csv", b"PK\x03\x04" + b"\0" * 100, "sales", 415, "format-mismatch"),
        ("a.parquet", HEADER + ROW, "sales", 415, "format-mismatch"),
        ("a.docx", HEADER + ROW, "sales", 415, "unsupported-format"),
        ("..%2F..%2Fetc%2Fpasswd.csv", HEADER + ROW, "sales", 422, "invalid-filename"),
        ("..%5Cwin.csv", HEADER + ROW, "sales", 422, "invalid-filename"),
    ],
)
def test_the_gateway_refuses(sluice, name, content, datasource, status, code):
    refused(sluice.put(name, content, datasource), status, code)


def test_a_form_with_a_path_for_a_name_is_refused(sluice):
    url = f"{sluice.stack.url}/v1/datasources/sales/files"
    answer = httpx.post(url, files={"file": ("../../etc/passwd.csv", HEADER + ROW)}, timeout=60, trust_env=False)
    refused(answer, 422, "invalid-filename")


def test_a_file_of_600_mb_is_refused_before_its_body(sluice):
    at = urlsplit(sluice.stack.url)
    with socket.create_connection((at.hostname, at.port), timeout=20) as wire:
        wire.sendall(
            b"PUT /v1/datasources/sales/files/big.csv HTTP/1.1\r\nHost: x\r\nContent-Length: 600000000\r\n\r\n" + HEADER
        )
        answer = wire.recv(65536).decode()
    assert " 413 " in answer.splitlines()[0]


def test_a_client_that_goes_away_in_mid_body_leaves_nothing(sluice, until):
    at = urlsplit(sluice.stack.url)
    with socket.create_connection((at.hostname, at.port), timeout=20) as wire:
        wire.sendall(
            b"PUT /v1/datasources/sales/files/gone.csv HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n" + HEADER
        )
        for _ in range(200):
            wire.sendall(ROW * 1500)

    def aborted() -> bool:
        uploads = sluice.s3.list_multipart_uploads(Bucket="sluice").get("Uploads")
        return not uploads and not any("gone.csv" in key for key in sluice.keys("raw/"))

    until(aborted, "the upload is aborted")


@pytest.mark.parametrize(
    ("suffix", "content", "said"),
    [
        ("csv", HEADER, "no-rows"),
        ("csv", HEADER + ROW + b'A-2,"2024-03-01T10:00:00Z,Ships,1,2.50,0.1,a@example.org,Norway\n' + ROW, None),
        ("csv", HEADER + ROW.replace(b"Norway", b"Norv\xe8ge"), "invalid-encoding"),
        ("csv", b"Order,When\n1,2\n", None),
        ("xlsx", b"PK\x03\x04" + b"\0" * 500, "unreadable-file"),
        ("parquet", b"PAR1" + b"\0" * 500, "unreadable-file"),
    ],
    ids=["header only", "unclosed quote", "latin-1", "other columns", "broken xlsx", "broken parquet"],
)
def test_the_validator_rejects(sluice, suffix, content, said):
    path = sluice.folder / f"{uuid4().hex}.{suffix}"
    path.write_bytes(content)
    task = sluice.outcome(sluice.upload(path))
    assert task["state"] == "rejected", json.dumps(task, indent=1)
    assert said is None or task["error"]["code"] == said
    assert len(task["error"]["message"]) > 20
    assert sluice.count(task["task_id"]) == 0


def test_a_truncated_parquet_is_rejected(sluice):
    whole = sluice.sales_file("parquet")
    path = whole.with_name("truncated.parquet")
    path.write_bytes(whole.read_bytes()[:-100])
    assert sluice.outcome(sluice.upload(path))["state"] == "rejected"


def outside(sluice, uri: str, event_id: str, **changes: str) -> str:
    """Publish `file.uploaded` as another system does; returns the task that it must become."""
    body = {"datasource": "sales", "filename": "from-erp.csv", "object": {"uri": uri}}
    headers = {
        "ce_specversion": "1.0",
        "ce_type": "sluice.file.uploaded.v1",
        "ce_source": "erp/berlin",
        "ce_id": event_id,
        "ce_time": "2026-03-01T08:00:00Z",
        "content-type": "application/json",
    }
    sluice.say("file.uploaded", json.dumps(body).encode(), headers | changes)
    return str(task_id_for_outside("erp/berlin", event_id))


def test_another_system_publishes_a_file_of_its_own_twice_and_it_is_loaded_once(sluice):
    path, event_id = sluice.sales_file(), uuid4().hex
    sluice.s3.put_object(Bucket="sluice", Key=f"erp/{path.name}", Body=path.read_bytes())
    first = outside(sluice, f"s3://sluice/erp/{path.name}", event_id)
    second = outside(sluice, f"s3://sluice/erp/{path.name}", event_id)
    assert first == second
    sluice.assert_loaded_once(first, 200)


def test_a_bucket_that_is_not_allowed_ends_the_task(sluice):
    task = sluice.outcome(outside(sluice, "s3://somebody-elses/secret.csv", uuid4().hex))
    assert (task["state"], task["error"]["code"]) == ("failed", "bucket-not-allowed")


def letters(sluice, event_id: str) -> list:
    return [m for m in sluice.heard("file.uploaded.dlq") if dict(m.headers).get("ce_id") == event_id.encode()]


@pytest.mark.parametrize(
    ("change", "value"),
    [({"ce_type": "sluice.file.uploaded.v9"}, None), ({}, b"{not json"), ({}, b"\xff\xfe\x00")],
    ids=["unknown version", "broken JSON", "no text"],
)
def test_what_is_no_event_is_put_aside_with_its_bytes(sluice, until, change, value):
    event_id = uuid4().hex
    headers = {
        "ce_specversion": "1.0",
        "ce_type": "sluice.file.uploaded.v1",
        "ce_source": "erp/berlin",
        "ce_id": event_id,
        "ce_time": "2026-03-01T08:00:00Z",
    }
    body = value if value is not None else json.dumps({"datasource": "sales"}).encode()
    sluice.say("file.uploaded", body, headers | change)
    until(lambda: letters(sluice, event_id), "a dead letter")
    assert all(letter.value == body for letter in letters(sluice, event_id))
