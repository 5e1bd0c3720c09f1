"""The simulator's faults: each shows what it says, as often as it says, and then Druid is as it was."""

import time

import httpx
import pytest

CONTROL = "/simulator/faults"
TASK = "/task$"
JANUARY = "forceMetadataRefresh=true&interval=2024-01-01_2024-02-01"


@pytest.fixture
def endpoints(simulator):
    return simulator


@pytest.fixture
def faults(druid):
    """The control."""
    yield druid.overlord
    druid.overlord.delete(CONTROL).raise_for_status()


def set_fault(faults, name, **fields):
    faults.put(f"{CONTROL}/{name}", json=fields).raise_for_status()


def end_fault(faults, name):
    faults.delete(f"{CONTROL}/{name}").raise_for_status()


def test_a_fault_is_set_shown_worn_off_and_ended(druid, faults):
    set_fault(faults, "no-leader", times=2, where=TASK)
    assert faults.get(CONTROL).json()["no-leader"]["times"] == 2
    spec = druid.spec(druid.upload("A", [1]))
    assert [druid.submit(spec).status_code for _ in range(3)] == [503, 503, 200]
    assert faults.get(CONTROL).json() == {}
    set_fault(faults, "no-slots")
    set_fault(faults, "locked", intervals=["2024-01-01/2024-01-02"])
    assert set(faults.get(CONTROL).json()) == {"no-slots", "locked"}
    end_fault(faults, "no-slots")
    assert set(faults.delete(CONTROL).json()) == set()


@pytest.mark.parametrize(("name", "fields"), [("unheard-of", {}), ("slow", {"minutes": 1})])
def test_a_fault_that_there_is_not_is_refused(faults, name, fields):
    answer = faults.put(f"{CONTROL}/{name}", json=fields)
    assert answer.status_code == 400
    assert "error" in answer.json()


@pytest.mark.parametrize(
    ("name", "status", "begins"),
    [("no-leader", 503, ""), ("redirect", 307, ""), ("queue-full", 429, "{"), ("html", 200, "<")],
)
def test_an_answer_is_given_instead_of_druids(druid, faults, name, status, begins):
    set_fault(faults, name, times=1, where="/status$")
    answer = druid.task("x", "/status")
    assert (answer.status_code, answer.text[:1], answer.headers.get("location")) == (status, begins, None)
    assert druid.task("x", "/status").status_code == 404


def test_an_answer_is_lost_and_the_task_taken(druid, faults):
    set_fault(faults, "lost-answer", times=1, where=TASK)
    spec = druid.spec(druid.upload("A", [1]))
    with pytest.raises(httpx.TransportError):
        druid.submit(spec)
    assert druid.submit(spec).json()["errorCode"] == "entryAlreadyExists"
    assert druid.ended(spec["id"])["statusCode"] == "SUCCESS"


def test_an_answer_comes_late(druid, faults):
    set_fault(faults, "slow", times=1, seconds=0.3)
    began = time.monotonic()
    druid.statuses("x")
    assert time.monotonic() - began >= 0.3


def waiting(druid, task_id, runner):
    deadline = time.monotonic() + 10
    while druid.task(task_id, "/status").json()["status"]["runnerStatusCode"] != runner:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_tasks_wait_for_a_slot(druid, faults):
    set_fault(faults, "no-slots")
    spec = druid.spec(druid.upload("A", [1]))
    druid.submit(spec)
    waiting(druid, spec["id"], "PENDING")
    told = druid.overlord.get("/druid/indexer/v1/totalWorkerCapacity").json()
    assert told["usedClusterCapacity"] == told["currentClusterCapacity"]
    end_fault(faults, "no-slots")
    assert druid.ended(spec["id"])["statusCode"] == "SUCCESS"


def test_tasks_wait_for_a_lock_where_others_hold_it(druid, faults):
    span = "2024-01-02/2024-01-04"
    set_fault(faults, "locked", where=druid.datasource, intervals=[span])
    days = ("2024-01-03/2024-01-05",)
    held = druid.spec(druid.upload("A", [3]), task_id=f"a_{druid.datasource}", intervals=days)
    free = druid.spec(druid.upload("B", [7]), task_id=f"b_{druid.datasource}", intervals=("2024-01-07/2024-01-08",))
    druid.submit(held)
    assert druid.run(free)["statusCode"] == "SUCCESS"
    waiting(druid, held["id"], "WAITING")
    path = "/druid/indexer/v1/lockedIntervals/v2"
    asked = [{"datasource": name, "priority": 50} for name in (druid.datasource, "other")]
    assert druid.overlord.post(path, json=asked).json() == {druid.datasource: [span]}
    assert druid.overlord.post(path, json=[]).status_code == 400
    end_fault(faults, "locked")
    assert druid.ended(held["id"])["statusCode"] == "SUCCESS"


def test_success_without_a_row(druid, faults):
    set_fault(faults, "empty-success", times=1)
    spec = druid.spec(druid.upload("A", [1]))
    assert druid.run(spec)["statusCode"] == "SUCCESS"
    assert druid.count("A") is None


@pytest.mark.parametrize(("name", "rows"), [("fails", None), ("fails-late", 1)])
def test_a_task_fails_with_these_words(druid, faults, name, rows):
    set_fault(faults, name, times=1, text="Out of luck.")
    status = druid.run(druid.spec(druid.upload("A", [1])))
    assert (status["statusCode"], status["errorMsg"]) == ("FAILED", "Out of luck.")
    if rows:
        druid.wait_for({"A": rows})
    assert druid.count("A") == rows


def test_a_task_is_forgotten_and_may_be_submitted_again(druid, faults):
    spec = druid.spec(druid.upload("A", [1]))
    druid.run(spec)
    set_fault(faults, "forgotten", times=1, where=spec["id"])
    assert druid.task(spec["id"], "/status").status_code == 404
    assert druid.run(spec)["statusCode"] == "SUCCESS"
    druid.wait_for({"A": 2})


def test_an_id_is_left_out(druid, faults):
    spec = druid.spec(druid.upload("A", [1]))
    druid.run(spec)
    set_fault(faults, "left-out", times=1)
    assert [list(druid.statuses(spec["id"]).json()) for _ in range(2)] == [[], [spec["id"]]]


def test_queries_count_too_few_or_do_not_know_the_datasource(druid, faults):
    druid.run(druid.spec(druid.upload("A", [1, 2])))
    druid.wait_for({"A": 2, "B": 0})
    set_fault(faults, "too-few", times=2)
    assert [druid.count(name) for name in ("A", "B", "A")] == [1, 0, 2]
    set_fault(faults, "unknown-datasource", times=1, where=druid.datasource)
    refused = druid.sql(f'SELECT COUNT(*) FROM "{druid.datasource}"')  # noqa: S608 - a test's own name
    assert f"Object '{druid.datasource}' not found" in refused.json()["errorMessage"]
    assert druid.count("A") == 2


def test_segments_are_not_loaded_and_those_before_still_answer(druid, faults):
    druid.run(druid.spec(druid.upload("A", [1, 2])))
    druid.wait_for({"A": 2})
    set_fault(faults, "never-loads")
    druid.run(druid.spec(druid.upload("B", [1]), append=False, drop=True))
    time.sleep(0.5)  # longer than segments take
    assert (druid.count("A"), druid.count("B")) == (2, 0)
    assert druid.load_status(JANUARY).json()[druid.datasource] < 100
    end_fault(faults, "never-loads")
    druid.wait_for({"A": 0, "B": 1})
