"""What the doctor says of clusters that lack something. On Druid itself it is tried in local/tests/standins."""

import json
import re

import pytest

from sluice.druid.__main__ import main
from sluice.testing.servers import LocalServer, Reply, behind_password

MODULES = [{"artifact": "druid-s3-extensions", "name": "x"}, {"name": "org.apache.druid.ParquetExtensionsModule"}]
OVERLORD, COORDINATOR = "/druid/indexer/v1", "/druid/coordinator/v1"
STATUS = {"version": "33.0.0", "modules": MODULES}


class Cluster:
    """All roles on one port, each answer by the path it is asked at; `{url}` in one is the server's own."""

    def __init__(self):
        self.answers = {
            "/status": STATUS,
            "/status/properties": {},
            f"{OVERLORD}/leader": "{url}",
            f"{COORDINATOR}/leader": "{url}",
            f"{OVERLORD}/task": {"task": "t"},
            f"{OVERLORD}/taskStatus": {},
            f"{OVERLORD}/lockedIntervals/v2": {},
            f"{OVERLORD}/totalWorkerCapacity": {"currentClusterCapacity": 4, "usedClusterCapacity": 1},
            f"{COORDINATOR}/metadata/datasources/sluice_doctor/segments": [],
            f"{COORDINATOR}/rules/sluice_doctor": [{"type": "loadForever"}],
            "/druid/v2/sql": Reply(400, b'{"errorMessage": "Object \'sluice_doctor\' not found"}'),
        }
        self.server = LocalServer(self.answer)

    def answer(self, asked):
        found = self.answers.get(asked.path.partition("?")[0], Reply(404, b"<html>HTTP ERROR 404</html>"))
        if isinstance(found, Reply):
            return found
        text = found if isinstance(found, str) else json.dumps(found)
        return Reply(200, text.replace("{url}", self.server.url).encode())


@pytest.fixture
def cluster(monkeypatch):
    for name in ("OVERLORD_URL", "COORDINATOR_URL", "BROKER_URL", "ROUTER_URL", "USERNAME", "PASSWORD"):
        monkeypatch.delenv(f"SLUICE_DRUID_{name}", raising=False)
    with Cluster().server as server:
        for role in ("OVERLORD", "COORDINATOR", "BROKER"):
            monkeypatch.setenv(f"SLUICE_DRUID_{role}_URL", server.url)
        yield server.answer.__self__


@pytest.fixture
def doctor(capsys):
    """The exit code and what was said; with `--json` the findings by what was asked."""

    def run(*words):
        with pytest.raises(SystemExit) as ended:
            main(words)
        said = capsys.readouterr()
        assert said.err == ""
        return ended.value.code, said.out

    return run


@pytest.fixture
def findings(doctor):
    def ask():
        code, said = doctor("--json")
        told = json.loads(said)
        assert told["ok"] is (code == 0)
        return {each["asked"]: each for each in told["findings"]}

    return ask


def test_a_good_cluster_is_ready_and_each_line_says_what_was_asked(cluster, doctor):
    code, said = doctor()
    lines = said.splitlines()
    assert (code, lines[-1]) == (0, "Ready for Sluice.")
    assert {line[:6] for line in lines[:-1]} == {"ok    "}
    assert f"ok    Overlord {cluster.server.url}: answers: Druid 33.0.0" in lines
    assert "ok    slots for tasks: 4, of which 1 are taken now; each file takes one while it is loaded" in lines


DENIED = Reply(403, b"Forbidden")
NO_S3 = {**STATUS, "modules": MODULES[1:]}
NO_SLOT = {"currentClusterCapacity": 0, "usedClusterCapacity": 0}
SEGMENT_LOCKS = {"druid.indexer.tasklock.forceTimeChunkLock": "false"}
CAPACITY, RULES = f"{OVERLORD}/totalWorkerCapacity", f"{COORDINATOR}/rules/sluice_doctor"
DELAY, RETENTION = "from a task's end to its rows in queries", "retention of sluice_doctor"


def rules(*kinds):
    return [{"type": kind} for kind in kinds]


@pytest.mark.parametrize(
    ("path", "answer", "asked", "verdict", "told", "do"),
    [
        ("/status", {**STATUS, "version": "29.0.1"}, "version", "fail", "29.0.1 is too old", "Upgrade Druid to 30"),
        ("/status", {**STATUS, "version": "99.0.0"}, "version", "warn", "is newer than 37", "--deep"),
        ("/status", {**STATUS, "version": "2026.1-iap"}, "version", "warn", "no version of Apache Druid", "--deep"),
        ("/status", NO_S3, "extension druid-s3-extensions", "fail", "not loaded", "loadList"),
        (f"{OVERLORD}/task", DENIED, "may we submit a task?", "fail", "403", "DATASOURCE sluice_doctor WRITE"),
        (f"{OVERLORD}/taskStatus", DENIED, "may we see statuses?", "fail", "403", "STATE STATE READ"),
        ("/druid/v2/sql", DENIED, "may we query by SQL?", "fail", "403", "DATASOURCE sluice_doctor READ"),
        ("/druid/v2/sql", Reply(200, b"<html>"), "may we query by SQL?", "fail", "sends no JSON: <html>", "Mend"),
        (f"{OVERLORD}/leader", "", "leader of the Overlords", "fail", "nobody says who leads", "Wait for the election"),
        (f"{OVERLORD}/leader", "http://10.9.9.9:8090", "leader of the Overlords", "fail", "no setting", "LEADER_HOSTS"),
        (f"{COORDINATOR}/leader", Reply(404), "leader of the Coordinators", "fail", "404", "managementProxy"),
        (CAPACITY, NO_SLOT, "slots for tasks", "fail", "none", "Start a"),
        (CAPACITY, Reply(503), "slots for tasks", "fail", "answers 503", "Mend that first"),
        ("/status/properties", DENIED, DELAY, "warn", "not shown", "CONFIG READ"),
        ("/status/properties", {"druid.coordinator.period": "PT1H"}, DELAY, "warn", "3720 s", "Shorten"),
        ("/status/properties", SEGMENT_LOCKS, "tasks beside each other", "warn", "locks of segments", "Remove"),
        (RULES, rules("loadByPeriod", "dropForever"), RETENTION, "warn", "loadByPeriod, dropForever", "loadForever"),
        (RULES, rules("dropByPeriod", "loadForever"), RETENTION, "warn", "dropByPeriod, loadForever", "loadForever"),
        (RULES, rules("dropForever"), RETENTION, "fail", "dropForever", "loadForever"),
        (RULES, rules(), RETENTION, "fail", "no rule", "loadForever"),
        (RULES, rules("loadByPeriod", "loadForever"), RETENTION, "ok", "loadByPeriod, loadForever", ""),
    ],
)
def test_what_is_lacking_is_said_with_what_to_do(cluster, findings, path, answer, asked, verdict, told, do):
    cluster.answers[path] = answer
    finding = findings()[asked]
    assert (finding["verdict"], bool(finding["do"])) == (verdict, verdict != "ok")
    assert told in finding["told"]
    assert do in finding["do"]


def test_of_a_role_that_nobody_answers_for_nothing_else_is_asked(cluster, findings, monkeypatch):
    monkeypatch.setenv("SLUICE_DRUID_COORDINATOR_URL", "http://127.0.0.1:9")
    told = findings()
    bad = {asked for asked, each in told.items() if each["verdict"] == "fail"}
    assert bad == {"Coordinator http://127.0.0.1:9", "all else"}
    assert told["Coordinator http://127.0.0.1:9"]["told"].startswith("does not answer (ConnectError")
    assert "leader of the Overlords" in told


def test_a_server_that_is_down_beside_another_is_told_and_all_else_is_asked(cluster, findings, monkeypatch):
    monkeypatch.setenv("SLUICE_DRUID_BROKER_URL", f"http://127.0.0.1:9,{cluster.server.url}")
    told = findings()
    assert told["Broker http://127.0.0.1:9"]["verdict"] == "fail"
    assert {each["verdict"] for asked, each in told.items() if ":9" not in asked} == {"ok"}


def test_a_password_is_asked_for_and_never_shown(cluster, doctor, findings, monkeypatch):
    cluster.server.answer = behind_password("sluice", "hunter2", cluster.answer)
    code, said = doctor()
    assert code == 1
    assert "SLUICE_DRUID_USERNAME" in said
    monkeypatch.setenv("SLUICE_DRUID_USERNAME", "sluice")
    monkeypatch.setenv("SLUICE_DRUID_PASSWORD", "hunter2")
    assert {each["verdict"] for each in findings().values()} == {"ok"}
    monkeypatch.setenv("SLUICE_DRUID_PASSWORD", "hunter3")
    assert "hunter" not in doctor()[1]


def test_a_password_over_plain_http_is_warned_of(cluster, findings, monkeypatch):
    monkeypatch.setenv("SLUICE_DRUID_ROUTER_URL", "http://druid.invalid:8888")
    monkeypatch.delenv("SLUICE_DRUID_BROKER_URL")
    assert "the password" not in findings()
    monkeypatch.setenv("SLUICE_DRUID_USERNAME", "sluice")
    monkeypatch.setenv("SLUICE_DRUID_PASSWORD", "hunter2")
    assert findings()["the password"]["verdict"] == "warn"


def test_servers_behind_a_router_are_asked_through_it(cluster, findings, monkeypatch):
    for role in ("OVERLORD", "COORDINATOR", "BROKER"):
        monkeypatch.delenv(f"SLUICE_DRUID_{role}_URL")
    monkeypatch.setenv("SLUICE_DRUID_ROUTER_URL", cluster.server.url)
    cluster.answers[f"{OVERLORD}/leader"] = "http://10.9.9.9:8090"  # the router knows the way
    assert "managementProxy" in findings()[f"Overlord {cluster.server.url}"]["do"]
    for proxy in ("/proxy/overlord", "/proxy/coordinator"):
        cluster.answers |= {f"{proxy}/status": STATUS, f"{proxy}/status/properties": {}}
    told = findings()
    assert {asked for asked, each in told.items() if each["verdict"] != "ok"} == {
        "from a task's end to its rows in queries"
    }


def test_what_a_server_says_moves_no_cursor(cluster, doctor):
    cluster.answers["/status"] = {**STATUS, "version": "33.0.0\x1b[2J\nok    all: fine"}
    cluster.answers[f"{OVERLORD}/task"] = Reply(400, b'{"error": "no\\n\\u001b[2J"}')
    _, said = doctor()
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", said)
    assert "\nok    all" not in said


def test_without_addresses_nobody_can_say(cluster, monkeypatch, capsys):
    for role in ("OVERLORD", "COORDINATOR", "BROKER"):
        monkeypatch.delenv(f"SLUICE_DRUID_{role}_URL")
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert "SLUICE_DRUID_ROUTER_URL" in capsys.readouterr().err
