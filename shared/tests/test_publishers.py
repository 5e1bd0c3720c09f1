"""Who may publish files: from where, signed how, and that others are not believed."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from sluice import ledger
from sluice.errors import Untrusted
from sluice.events import GATEWAY_SOURCE
from sluice.messaging.cloudevents import encode, encode_structured
from sluice.messaging.deadletter import REASON, DeadLetterLimit
from sluice.messaging.delivery import Delivery, Stopped
from sluice.messaging.record import Record
from sluice.publishers import Location, Prefix, open_publishers, open_signer, open_vetting
from sluice.publishers.locations import LONGEST_KEY, OWN_PREFIXES
from sluice.publishers.register import PublishersUnreadable, read_register
from sluice.publishers.signature import HEADER, is_genuine, sign
from sluice.testing import file_uploaded

DOCS = Path(__file__).parents[2] / "docs" / "events.md"
OURS, THEIRS, NEXT = "o" * 32, "t" * 32, "n" * 32
HEADERS = {
    "ce_specversion": "1.0",
    "ce_type": "sluice.file.uploaded.v1",
    "ce_source": "erp/berlin",
    "ce_id": "order-export-17",
    "ce_time": "2026-03-01T08:00:00Z",
    "content-type": "application/json",
}
BODY = '{"datasource": "sales", "filename": "Aufträge.csv", "object": {"uri": "s3://landing/erp/orders.csv"}}'.encode()


def raw(headers):
    return tuple((name, text.encode()) for name, text in headers.items())


def record(headers=HEADERS, value=BODY, secret=THEIRS):
    signed = headers | {HEADER: sign(secret.encode(), raw(headers), value)}
    return Record("file.uploaded", 0, 0, None, value, raw(signed))


@pytest.fixture
def file(tmp_path):
    (tmp_path / "gateway.secret").write_text(f"{OURS}\n")
    path = tmp_path / "publishers.yaml"
    path.write_text(
        f"""
        publishers:
          - source: {GATEWAY_SOURCE}
            secrets: [file:gateway.secret]
          - source: erp/berlin
            secrets: ["{THEIRS}"]
            prefixes: ["s3://landing/erp/"]
            datasources: [sales]
        """
    )
    return path


# where files may lie


@pytest.mark.parametrize("uri", ["s3://landing/", "s3://landing/erp/", "s3://landing/erp/a b%20c/"])
def test_a_prefix_is_what_it_says(uri):
    assert str(Prefix.parse(uri)) == uri


@pytest.mark.parametrize(
    "uri",
    [
        "s3://landing",
        "s3://landing/erp",
        "landing/erp/",
        "s3:///erp/",
        "s3://../erp/",
        "s3://landing/../",
        "s3://landing/a//",
    ],
)
def test_what_is_no_prefix_is_refused(uri):
    with pytest.raises(ValueError, match="slash at its end"):
        Prefix.parse(uri)


@pytest.mark.parametrize(
    ("uri", "within"),
    [
        ("s3://landing/erp/x.csv", True),
        ("s3://landing/erp/2026/x%20y#?.csv", True),
        ("s3://landing/erpx/x.csv", False),
        ("s3://landing/erp", False),
        ("s3://landing/ERP/x.csv", False),
        ("s3://landing/%65rp/x.csv", False),
        ("s3://Landing/erp/x.csv", False),
        ("s3://landing.evil/erp/x.csv", False),
        ("s3://landing@evil/erp/x.csv", False),
        ("s3://landing/erp/", False),
        ("s3://landing/erp/../raw/x.csv", False),
        ("s3://landing/erp/./x.csv", False),
        ("s3://landing/erp//x.csv", False),
        ("s3://landing/erp/%2e%2e/raw/x.csv", False),
        ("s3://landing/erp/..%2fraw/x.csv", False),
        ("s3://landing/erp%2fx.csv", False),
        ("s3://sluice/drop/x.csv", True),
        ("s3://sluice/rawdata/x.csv", True),
        ("s3://sluice/raw/sales/x.csv", False),
        ("s3://sluice/raw%2fsales/x.csv", False),
        ("s3://sluice/uploads/x.csv", False),
    ],
)
def test_an_object_is_taken_from_within_a_prefix_and_never_what_is_sluices_own(uri, within):
    prefixes = (Prefix.parse("s3://landing/erp/"), Prefix.parse("s3://sluice/"))
    assert Location.of(uri).is_within(prefixes, "sluice") == within


def test_every_place_of_the_ledger_is_sluices_own():
    places = set(re.findall(r"^([a-z]+/)", ledger.__doc__ or "", re.MULTILINE))
    assert places
    assert places <= set(OWN_PREFIXES)


@pytest.mark.parametrize("key", ["erp/a\0b.csv", "erp/a\nb.csv", "erp/\x7f.csv", "k" * (LONGEST_KEY + 1), "ü" * 600])
def test_a_key_that_no_object_can_have_is_known(key):
    assert not Location("landing", key).possible
    assert Location("landing", "k" * LONGEST_KEY).possible


# how a record is signed


def test_each_covered_part_counts():
    genuine = record()
    assert is_genuine(dict(genuine.headers)[HEADER], [THEIRS.encode()], genuine.headers, genuine.value)
    for name in HEADERS:
        changed = tuple((n, v + b"x" if n == name else v) for n, v in genuine.headers)
        without = tuple((n, v) for n, v in genuine.headers if n != name)
        for headers in (changed, without):
            assert not is_genuine(dict(genuine.headers)[HEADER], [THEIRS.encode()], headers, genuine.value), name
    for value, headers in ((BODY + b" ", genuine.headers), (BODY, (*genuine.headers, ("ce_subject", b"x")))):
        assert not is_genuine(dict(genuine.headers)[HEADER], [THEIRS.encode()], headers, value)


def test_what_changes_on_the_way_does_not():
    genuine = record()
    traced = (("ce_traceparent", b"00-1"), ("CE_Tracestate", b"a"), ("correlation_id", b"7"), *genuine.headers)
    assert is_genuine(dict(genuine.headers)[HEADER], [NEXT.encode(), THEIRS.encode()], traced, genuine.value)


@pytest.mark.parametrize("headers", [{"ce_id": "1\nce_source=you"}, {"ce_id=1\nce_source": "you"}, {"ce_a-b": "1"}])
def test_two_records_are_never_signed_alike(headers):
    with pytest.raises(ValueError, match="characters"):
        sign(b"secret", raw(headers), b"")
    assert not is_genuine(b"v1=", [b"secret"], raw(headers), b"")


def example(language: str) -> str:
    (code,) = re.findall(rf"```{language}\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    return code


def test_the_example_in_python_signs_as_we_do():
    scope: dict = {}
    exec(example("python"), scope)  # noqa: S102 - of our own documentation
    assert scope["sign"](THEIRS, HEADERS, BODY).encode() == dict(record().headers)[HEADER]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_example_in_javascript_signs_as_we_do():
    given = f"{json.dumps(THEIRS)}, {json.dumps(HEADERS)}, Buffer.from(process.argv[1], 'hex')"
    script = f"{example('js')}\nprocess.stdout.write(sign({given}))"
    said = subprocess.run(["node", "-e", script, BODY.hex()], check=True, capture_output=True).stdout
    assert said == dict(record().headers)[HEADER]


# who is believed


def test_events_are_believed_that_their_source_has_signed(file):
    publishers = open_publishers(file)
    publishers.vet(record(), "erp/berlin")
    document = encode_structured(file_uploaded())
    publishers.vet(record({"content-type": "application/cloudevents+json"}, document, OURS), GATEWAY_SOURCE)


def test_the_gateway_signs_what_it_says_and_needs_no_other_secret(file, monkeypatch):
    monkeypatch.setenv("ERP", THEIRS)
    file.write_text(file.read_text().replace(f'"{THEIRS}"', "env:ERP"))
    publishers = open_publishers(file)
    monkeypatch.delenv("ERP")
    _, value, headers = encode(file_uploaded())
    signed = open_signer(file)(headers, value)
    publishers.vet(Record("file.uploaded", 0, 0, None, value, raw(signed)), GATEWAY_SOURCE)


@pytest.mark.parametrize(
    ("source", "change", "code"),
    [
        ("erp/paris", {}, "source-not-allowed"),
        ("erp/berlin", {"headers": raw(HEADERS)}, "signature-missing"),
        ("erp/berlin", {"value": b"{}"}, "signature-wrong"),
        (GATEWAY_SOURCE, {}, "signature-wrong"),
    ],
)
def test_all_others_are_not_believed_and_stand_in_the_audit_log(file, source, change, code):
    with capture_logs() as lines, pytest.raises(Untrusted) as refusal:
        open_publishers(file).vet(replace(record(), **change), source)
    assert refusal.value.code == code
    assert [(line["log"], line["code"], line["source"]) for line in lines] == [("audit", code, source)]


@pytest.mark.parametrize(
    ("topic", "source", "secret", "code"),
    [
        ("task.command", GATEWAY_SOURCE, OURS, None),
        ("task.command", GATEWAY_SOURCE, THEIRS, "signature-wrong"),
        ("task.command", "erp/berlin", THEIRS, "source-not-allowed"),
        ("file.uploaded", "erp/berlin", THEIRS, None),
        ("file.uploaded", "erp/berlin", OURS, "signature-wrong"),
        ("file.validated", "sluice/validator", OURS, None),
    ],
)
def test_a_consumer_believes_files_as_they_are_signed_and_commands_of_the_gateway_alone(
    file, topic, source, secret, code
):
    vet, heard = open_vetting(file), replace(record(secret=secret), topic=topic)
    open_vetting(None)(heard, source)
    if code is None:
        vet(heard, source)
    else:
        with pytest.raises(Untrusted) as refusal:
            vet(heard, source)
        assert refusal.value.code == code


@pytest.mark.parametrize("secret", [THEIRS, NEXT])
def test_while_a_secret_is_exchanged_both_are_taken(file, secret):
    file.write_text(file.read_text().replace(f'"{THEIRS}"', f'"{THEIRS}", "{NEXT}"'))
    open_publishers(file).vet(record(secret=secret), "erp/berlin")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("publishers:", "publishers: [", "neither YAML nor JSON"),
        ("publishers:", "people:", "no file of publishers"),
        (f"source: {GATEWAY_SOURCE}", "source: shop", "publishers.0"),
        ("source: erp/berlin", "source: sluice/validator", "begin with sluice/"),
        ("source: erp/berlin", f"source: {GATEWAY_SOURCE}", "the same source"),
        ('prefixes: ["s3://landing/erp/"]', "", "where its files lie"),
        ("s3://landing/erp/", "s3://landing/erp", "slash at its end"),
        ("[sales]", "[Sales]", "datasources"),
        (f'"{THEIRS}"', '"short"', "openssl rand"),
        (f'"{THEIRS}"', "env:SLUICE_NO_SUCH", "no SLUICE_NO_SUCH"),
        ("file:gateway.secret", "file:no.secret", "no.secret: No such file"),
        ("file:gateway.secret", "a, b, c", "secrets"),
    ],
)
def test_a_fault_in_the_file_is_said_without_a_secret(file, old, new, said):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    with pytest.raises(PublishersUnreadable, match=re.escape(said)) as fault:
        read_register(file)
    assert str(file) in str(fault.value)
    assert THEIRS not in str(fault.value)


def test_without_the_gateway_nobody_is_believed(file):
    text = file.read_text()
    file.write_text(
        text.replace(
            f"source: {GATEWAY_SOURCE}",
            'source: shop\n            prefixes: ["s3://a-b/"]\n            datasources: ["*"]',
        )
    )
    with pytest.raises(PublishersUnreadable, match="the gateway's own events"):
        read_register(file)
    for open_it in (open_publishers, open_signer):
        with pytest.raises(SystemExit, match="the gateway's own events"):
            open_it(file)


def test_json_will_do_and_secrets_are_not_shown(tmp_path):
    path = tmp_path / "publishers.json"
    path.write_text(json.dumps({"publishers": [{"source": GATEWAY_SOURCE, "secrets": [OURS]}]}))
    register, files = read_register(path)
    assert files == {path}
    assert OURS not in repr(register)


# what becomes of those who are not


class Letters:
    def __init__(self):
        self.codes = []

    async def publish_letter(self, _topic, _record, added):
        self.codes.append(json.loads(added[REASON])["code"])


@pytest.fixture
def delivery(file):
    async def handle(envelope):
        handled.append(envelope)

    async def abandon(envelope, _error):
        raise AssertionError(envelope)

    handled: list = []
    made = Delivery("test", handle, Letters(), abandon, open_publishers(file).vet, limit=DeadLetterLimit(limit=3))
    return made, handled


async def test_forged_events_end_nothing_and_stop_nobody(delivery):
    made, handled = delivery
    _, value, headers = encode(file_uploaded())
    for _ in range(5):
        await made._deliver(record(headers, value, THEIRS))  # says that it is the gateway's
        await made._deliver(record(headers, b"junk", THEIRS))
    assert made.publisher.codes == ["signature-wrong", "undecodable"] * 5
    assert await made.reading()
    await made._deliver(record(headers, value, OURS))
    assert [each.source for each in handled] == [GATEWAY_SOURCE]


async def test_events_of_the_gateway_that_nobody_can_read_still_stop_the_consumer(delivery):
    made, _ = delivery
    _, _, headers = encode(file_uploaded())
    for _ in range(3):
        await made._deliver(record(headers, b"junk", OURS))
    with pytest.raises(Stopped):
        await made._deliver(record(headers, b"junk", OURS))
