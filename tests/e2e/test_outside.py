"""Files that other systems put on S3: imported, or published by producers of their own, in whatever language."""

import hashlib
import hmac
import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from sluice.events import task_id_for_outside
from sluice_local.java import jars

ERP, SECRET, OURS = "erp/berlin", "e" * 40, "g" * 40
PUBLISHERS = {
    "publishers": [
        {"source": "sluice/gateway", "secrets": [OURS]},
        {"source": ERP, "secrets": [SECRET], "prefixes": ["s3://landing/erp/"], "datasources": ["sales"]},
    ]
}
TIME = "2026-03-01T08:00:00Z"
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module", autouse=True)
def publishers_are_known(sluice, tmp_path_factory) -> Iterator[None]:
    """Gateway and validator of the stack, started anew with a file of publishers and something to import from."""
    if "landing" not in [each["Name"] for each in sluice.s3.list_buckets()["Buckets"]]:
        sluice.s3.create_bucket(Bucket="landing")
    path = tmp_path_factory.mktemp("publishers") / "publishers.json"
    path.write_text(json.dumps(PUBLISHERS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLUICE_PUBLISHERS_FILE", str(path))
        patch.setenv("SLUICE_IMPORT_PREFIXES", json.dumps({"*": ["s3://landing/"]}))
        restart(sluice, "gateway", "validator")
        yield
    restart(sluice, "gateway", "validator")


def restart(sluice, *names: str) -> None:
    for name in names:
        sluice.stack.services[name].stop()
        start(sluice, name)


def start(sluice, name: str) -> None:
    sluice.stack.services[name].start()
    sluice.stack.services[name].wait_ready(time.monotonic() + 60)


@pytest.fixture
def landed(sluice) -> str:
    """URI of a new file of 200 rows that ERP has put on S3."""
    path = sluice.sales_file()
    sluice.s3.put_object(Bucket="landing", Key=f"erp/{path.name}", Body=path.read_bytes())
    return f"s3://landing/erp/{path.name}"


def imported(sluice, uri: str, key: str | None = None, **more: Any) -> httpx.Response:
    url = f"{sluice.stack.url}/v1/datasources/sales/imports"
    headers = {"Idempotency-Key": key} if key else {}
    return httpx.post(url, json={"uri": uri, **more}, headers=headers, timeout=60, trust_env=False)


def content(sluice, uri: str) -> bytes:
    return sluice.s3.get_object(Bucket="landing", Key=uri.removeprefix("s3://landing/"))["Body"].read()


def test_an_imported_file_becomes_rows_and_stays_where_it_is(sluice, landed):
    before = content(sluice, landed)
    answer = imported(sluice, landed, "nightly-1", sha256=hashlib.sha256(before).hexdigest())
    assert answer.status_code == 202, answer.text
    sluice.assert_loaded_once(answer.json()["task_id"], 200)
    assert content(sluice, landed) == before
    assert imported(sluice, landed, "nightly-1").json() == answer.json()


def test_a_file_that_is_not_there_is_refused(sluice):
    answer = imported(sluice, "s3://landing/erp/none.csv")
    assert (answer.status_code, answer.json()["code"]) == (404, "object-missing")


def test_an_object_that_is_replaced_after_its_import_is_not_loaded(sluice, landed):
    sluice.stack.services["validator"].stop()
    try:
        answer = imported(sluice, landed)
        other = sluice.sales_file()
        sluice.s3.put_object(Bucket="landing", Key=f"erp/{Path(landed).name}", Body=other.read_bytes())
    finally:
        start(sluice, "validator")
    task = sluice.outcome(answer.json()["task_id"])
    assert (task["state"], task["error"]["code"]) == ("failed", "object-changed")
    assert sluice.count(task["task_id"]) == 0


@dataclass(frozen=True)
class Said:
    """An event as an outsider publishes it. The task that it becomes follows from source and id."""

    uri: str
    source: str = ERP
    id: str = field(default_factory=lambda: uuid4().hex)
    datasource: str = "sales"

    @property
    def data(self) -> dict[str, Any]:
        return {"datasource": self.datasource, "filename": "from-erp.csv", "object": {"uri": self.uri}}

    @property
    def attributes(self) -> dict[str, str]:
        said = {"specversion": "1.0", "type": "sluice.file.uploaded.v1", "source": self.source, "id": self.id}
        return {**said, "time": TIME}

    @property
    def task_id(self) -> str:
        return str(task_id_for_outside(self.source, self.id))

    def binary(self) -> tuple[bytes, dict[str, str]]:
        headers = {f"ce_{name}": text for name, text in self.attributes.items()}
        return json.dumps(self.data).encode(), headers | JSON

    def structured(self) -> tuple[bytes, dict[str, str]]:
        document = {**self.attributes, "datacontenttype": "application/json", "data": self.data}
        return json.dumps(document).encode(), {"content-type": "application/cloudevents+json"}


def signature(value: bytes, headers: dict[str, str], secret: str) -> dict[str, str]:
    lines = "".join(f"{name}={headers[name]}\n" for name in sorted(headers))
    return {"ce_sluicesignature": "v1=" + hmac.digest(secret.encode(), f"{lines}\n".encode() + value, "sha256").hex()}


def publish(sluice, value: bytes, headers: dict[str, str], secret: str | None = SECRET) -> None:
    sluice.say("file.uploaded", value, headers | (signature(value, headers, secret) if secret else {}))


@pytest.mark.parametrize("mode", ["binary", "structured"])
def test_an_outsiders_event_that_comes_twice_is_one_task_with_one_outcome(sluice, landed, mode):
    said = Said(landed)
    for _ in range(2):
        publish(sluice, *getattr(said, mode)())
    sluice.assert_loaded_once(said.task_id, 200)
    assert content(sluice, landed)


def test_another_language_publishes_as_well(sluice, landed):
    if sluice.stack.kind == "standin":
        pytest.skip("Kafka's own client finds no leader on the stand-in")
    said = Said(landed, id=f"aus-Köln-{uuid4().hex}")
    program = ["java", "-cp", f"{jars('kafka', sluice.stack.site)}/*", str(Path(__file__).with_name("Outsider.java"))]
    told = [sluice.stack.endpoints.kafka_bootstrap, said.source, said.id, TIME, json.dumps(said.data)]
    for _ in range(2):
        environment = os.environ | {"OUTSIDER_SECRET": SECRET}
        done = subprocess.run([*program, *told], env=environment, capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr.decode()[-2000:]
    sluice.assert_loaded_once(said.task_id, 200)


@pytest.mark.parametrize(
    ("uri", "datasource", "code"),
    [
        ("s3://landing/shop/x.csv", "sales", "prefix-not-allowed"),
        ("s3://landing/erp/../shop/x.csv", "sales", "prefix-not-allowed"),
        ("s3://sluice/drop/x.csv", "sales", "prefix-not-allowed"),
        (None, "weather", "datasource-not-allowed"),
    ],
)
def test_a_publisher_is_told_that_it_went_too_far(sluice, landed, uri, datasource, code):
    said = Said(uri or landed, datasource=datasource)
    publish(sluice, *said.binary())
    task = sluice.outcome(said.task_id)
    assert (task["state"], task["error"]["code"]) == ("failed", code)


def letters(sluice, event_id: str) -> list[str]:
    found = [dict(letter.headers) for letter in sluice.heard("file.uploaded.dlq")]
    return [json.loads(each["sluice_dead_letter"])["code"] for each in found if each.get("ce_id") == event_id.encode()]


@pytest.mark.parametrize(
    ("source", "secret", "code"),
    [
        ("erp/paris", SECRET, "source-not-allowed"),
        (ERP, None, "signature-missing"),
        (ERP, OURS, "signature-wrong"),
        ("sluice/gateway", SECRET, "signature-wrong"),
    ],
)
def test_who_is_not_believed_ends_no_task_and_stops_nobody(sluice, until, landed, source, secret, code):
    said = Said(landed, source=source)
    somebodys = str(uuid4())
    value, headers = said.binary()
    named = json.loads(value) | {"task_id": somebodys, "accepted_at": TIME, "format": "csv"}
    for _ in range(25):  # more than stop a consumer
        publish(sluice, json.dumps(named).encode(), headers, secret)
    until(lambda: len(letters(sluice, said.id)) == 25, "dead letters")
    assert set(letters(sluice, said.id)) == {code}
    judged = {key.split("/")[2] for key in sluice.keys("reports/")}
    assert judged.isdisjoint({somebodys, said.task_id})
    sluice.assert_next_file_passes()
