"""What the druid-submitter relies on, on the simulator and on Druid 33."""

from uuid import uuid4

import httpx
import pytest

JANUARY = "forceMetadataRefresh=true&interval=2024-01-01_2024-02-01"
ALL_TIME = "forceMetadataRefresh=true&interval=0001-01-01T00:00:00.000Z_10000-01-01T00:00:00.000Z"


def rows_of(druid, task_id: str) -> dict:
    payload = druid.task(task_id, "/reports").json()["ingestionStatsAndErrors"]["payload"]
    stats = payload["rowStats"]
    return stats.get("totals", stats)["buildSegments"]


def assert_taken(answer: httpx.Response, task_id: str) -> None:
    assert answer.status_code == 400
    assert answer.json()["errorCode"] == "entryAlreadyExists"
    assert answer.json()["errorMessage"] == f"Task[{task_id}] already exists"


def test_rows_are_ingested_counted_and_reported(druid):
    spec = druid.spec(druid.upload("A", [1, 2, 3]))
    status = druid.run(spec)
    assert (status["statusCode"], status["errorMsg"], status["dataSource"]) == ("SUCCESS", None, druid.datasource)
    assert rows_of(druid, spec["id"])["processed"] == 3
    assert druid.statuses(spec["id"]).json()[spec["id"]]["status"] == "SUCCESS"
    assert druid.task(spec["id"]).json()["payload"]["type"] == "index_parallel"
    druid.wait_for({"A": 3, "B": 0})
    query = f'SELECT * FROM "{druid.datasource}" ORDER BY "__time" LIMIT 1'  # noqa: S608 - a test's own name
    assert druid.sql(query).json() == [
        {"__time": "2024-01-01T12:00:00.000Z", "Name": "day 1", "Day": 1, "__task_id": "A"}
    ]


def test_sub_tasks_report_totals(druid):
    spec = druid.spec(druid.upload("A", [1, 2]), subtasks=2)
    assert druid.run(spec)["statusCode"] == "SUCCESS"
    stats = druid.task(spec["id"], "/reports").json()["ingestionStatsAndErrors"]["payload"]["rowStats"]
    assert stats["totals"]["buildSegments"]["processed"] == 2


def test_an_id_is_taken_once_while_it_runs_and_after(druid):
    spec = druid.spec(druid.upload("A", [1]))
    assert druid.submit(spec).status_code == 200
    assert_taken(druid.submit(spec), spec["id"])
    druid.ended(spec["id"])
    assert_taken(druid.submit(spec), spec["id"])
    druid.wait_for({"A": 1})


def test_a_burnt_id_never_runs(druid):
    spec = druid.spec(druid.upload("A", [1]))
    noop = {"type": "noop", "id": spec["id"], "dataSource": druid.datasource, "runTime": 1}
    assert druid.run(noop)["statusCode"] == "SUCCESS"
    assert_taken(druid.submit(spec), spec["id"])
    assert druid.task(spec["id"]).json()["payload"]["type"] == "noop"
    assert druid.task(spec["id"], "/reports").status_code == 404


def test_unknown_ids(druid):
    for what in ("", "/status", "/reports", "/log"):
        answer = druid.task("unknown", what)
        assert (answer.status_code, answer.text) == (404, "Cannot find any task with id: [unknown]")
    assert druid.overlord.post("/druid/indexer/v1/task/unknown/shutdown").status_code == 404
    assert druid.statuses("unknown").json() == {}
    assert druid.statuses().status_code == 400


def without(spec: dict, part: str, field: str) -> dict:
    del spec["spec"][part][field]
    return spec


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: {},
        lambda spec: {**spec, "type": "unheard-of"},
        lambda spec: {**spec, "id": "a/b"},
        lambda spec: without(spec, "dataSchema", "dataSource"),
        lambda spec: without(spec, "dataSchema", "timestampSpec"),
        lambda spec: without(spec, "ioConfig", "inputSource"),
    ],
)
def test_an_invalid_spec_is_refused(druid, spoil):
    answer = druid.submit(spoil(druid.spec("s3://sluice/none.parquet")))
    assert answer.status_code == 400
    assert list(answer.json()) == ["error"]


def test_a_uri_must_be_encoded(druid):
    assert druid.submit(druid.spec("s3://sluice/a b.parquet")).status_code == 400


def test_contradicting_modes_are_refused(druid):
    both = druid.submit(druid.spec("s3://sluice/none.parquet", append=True, drop=True))
    endless = druid.submit(druid.spec("s3://sluice/none.parquet", append=False, drop=True, intervals=()))
    assert (both.status_code, endless.status_code) == (400, 400)
    assert "Cannot simultaneously replace and append" in both.json()["error"]
    assert "intervals cannot be empty" in endless.json()["error"]


def test_broken_json_is_a_500_in_html(druid):
    answer = druid.overlord.post(
        "/druid/indexer/v1/task", content=b"{broken", headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 500
    assert answer.headers["content-type"].startswith("text/html")


def test_a_missing_object_fails_the_task(druid):
    spec = druid.spec("s3://sluice/canonical/missing.parquet")
    status = druid.run(spec)
    assert status["statusCode"] == "FAILED"
    assert 0 < len(status["errorMsg"]) <= 1100
    assert rows_of(druid, spec["id"])["processed"] == 0
    asked = f"/druid/indexer/v1/tasks?state=complete&max=1&datasource={druid.datasource}"
    (listed,) = druid.overlord.get(asked).json()
    said = [listed[key] for key in ("id", "groupId", "statusCode", "errorMsg")]
    assert said == [spec["id"], spec["id"], "FAILED", status["errorMsg"]]


def test_retention_rules_are_those_of_the_datasource_and_then_those_of_all(druid):
    path = f"/druid/coordinator/v1/rules/{druid.datasource}"
    assert druid.coordinator.get(path).json() == []
    (of_all,) = druid.coordinator.get(f"{path}?full=true").json()
    assert of_all["type"] == "loadForever"
    assert sum(of_all["tieredReplicants"].values()) > 0
    own = {"type": "loadByPeriod", "period": "P1M", "includeFuture": True, "tieredReplicants": {"_default_tier": 1}}
    assert druid.coordinator.post(path, json=[own]).status_code == 200
    first, second = druid.coordinator.get(f"{path}?full=true").json()
    assert own.items() <= first.items()
    assert second == of_all


def test_rows_outside_the_intervals_are_thrown_away(druid):
    spec = druid.spec(druid.upload("A", [1, 2, 3, 4]), intervals=("2024-01-02/2024-01-04",))
    assert druid.run(spec)["statusCode"] == "SUCCESS"
    rows = rows_of(druid, spec["id"])
    assert (rows["processed"], rows["thrownAway"]) == (2, 2)
    druid.wait_for({"A": 2})


def test_append_adds_and_replace_takes_the_place_of_its_days(druid):
    druid.run(druid.spec(druid.upload("A", [1, 2, 3])))
    druid.run(druid.spec(druid.upload("B", [2, 3, 4])))
    druid.wait_for({"A": 3, "B": 3})
    druid.run(druid.spec(druid.upload("C", [2]), append=False, intervals=("2024-01-02/2024-01-03",)))
    druid.wait_for({"A": 2, "B": 2, "C": 1})
    druid.run(druid.spec(druid.upload("D", [1]), append=False, drop=True))
    druid.wait_for({"A": 0, "B": 0, "C": 0, "D": 1})


def test_a_replace_without_drop_leaves_days_it_has_no_rows_for(druid):
    druid.run(druid.spec(druid.upload("A", [1, 2, 3])))
    druid.wait_for({"A": 3})
    druid.run(druid.spec(druid.upload("B", [2]), append=False))
    druid.wait_for({"A": 2, "B": 1})


def test_a_cancelled_task_has_failed_at_once_and_for_good(druid):
    noop = {"type": "noop", "id": f"long_{druid.datasource}", "dataSource": druid.datasource, "runTime": 60_000}
    druid.submit(noop)
    for _ in range(2):
        answer = druid.overlord.post(f"/druid/indexer/v1/task/{noop['id']}/shutdown")
        assert (answer.status_code, answer.json()) == (200, {"task": noop["id"]})
        status = druid.ended(noop["id"])
        assert (status["statusCode"], status["errorMsg"]) == ("FAILED", "Shutdown request from user")


def test_load_status(druid):
    assert druid.load_status("forceMetadataRefresh=true").status_code == 204
    assert druid.load_status("interval=2024-01-01_2024-02-01").status_code == 400
    druid.run(druid.spec(druid.upload("A", [1])))
    druid.wait_for({"A": 1})
    for span in (JANUARY, ALL_TIME):
        druid.wait_until_loaded(span)
    assert druid.load_status(f"{JANUARY}&simple").json() == {druid.datasource: 0}
    for elsewhere in ("forceMetadataRefresh=true", "forceMetadataRefresh=true&interval=2020-01-01_2020-02-01"):
        answer = druid.load_status(elsewhere)
        assert (answer.status_code, answer.text) == (200, "No used segment found for the given datasource and interval")


def test_sql_refusals(druid):
    unknown = druid.sql('SELECT COUNT(*) FROM "never_heard_of"')
    assert (unknown.status_code, unknown.json()["errorCode"]) == (400, "invalidInput")
    assert unknown.json()["errorMessage"] == "Object 'never_heard_of' not found (line [1], column [22])"
    assert druid.sql("SELEC").status_code == 400
    assert druid.sql("CREATE TABLE x AS SELECT 1").status_code == 400


def test_sql_results_as_arrays(druid):
    druid.run(druid.spec(druid.upload("A", [1, 2])))
    druid.wait_for({"A": 2})
    query = f'SELECT COUNT(*), "__task_id" FROM "{druid.datasource}" GROUP BY 2'  # noqa: S608 - a test's own name
    answer = druid.broker.post("/druid/v2/sql", json={"query": query, "resultFormat": "array", "header": True})
    assert answer.json() == [["EXPR$0", "__task_id"], [2, "A"]]


def test_one_uploads_rows_can_be_taken_back(druid):
    druid.run(druid.spec(druid.upload("A", [1, 2])))
    druid.run(druid.spec(druid.upload("B", [2, 3])))
    druid.wait_for({"A": 2, "B": 2})
    retract = druid.spec(druid.everything_but("A"), append=False, drop=True)
    assert druid.run(retract)["statusCode"] == "SUCCESS"
    assert rows_of(druid, retract["id"])["processed"] == 2
    druid.wait_for({"A": 0, "B": 2})
    druid.run(druid.spec(druid.everything_but("B"), append=False, drop=True))
    druid.wait_for({"A": 0, "B": 0})


def compaction_without(druid, task: str, interval: str = "2024-01-01/2024-02-01") -> dict:
    gone = {"type": "selector", "dimension": "__task_id", "value": task}
    return {
        "type": "compact",
        "id": f"test_{uuid4()}",
        "dataSource": druid.datasource,
        "ioConfig": {"type": "compact", "inputSpec": {"type": "interval", "interval": interval}, "dropExisting": True},
        "transformSpec": {"filter": {"type": "not", "field": gone}},
        "context": {"useConcurrentLocks": True},
    }


def test_a_compaction_leaves_out_the_rows_of_one_upload(druid):
    druid.run(druid.spec(druid.upload("A", [1, 2])))
    druid.run(druid.spec(druid.upload("B", [2, 3])))
    druid.wait_for({"A": 2, "B": 2})
    first = compaction_without(druid, "A")
    assert druid.run(first)["statusCode"] == "SUCCESS"
    druid.wait_for({"A": 0, "B": 2})
    report = druid.overlord.get(f"/druid/indexer/v1/task/{first['id']}/reports").json()
    built = [
        each["payload"]["rowStats"]["buildSegments"]
        for name, each in report.items()
        if name.startswith("ingestionStatsAndErrors_")
    ]
    assert sum(each["processed"] for each in built) == sum(each["thrownAway"] for each in built) == 2
    assert druid.run(compaction_without(druid, "B"))["statusCode"] == "SUCCESS"
    druid.wait_for({"A": 0, "B": 0})
    druid.wait_until_loaded(JANUARY)


def test_capacity_and_health(druid):
    capacity = druid.overlord.get("/druid/indexer/v1/totalWorkerCapacity").json()
    assert capacity["currentClusterCapacity"] == 3
    assert capacity["usedClusterCapacity"] >= 0
    workers = druid.overlord.get("/druid/indexer/v1/workers").json()
    assert [worker["worker"]["capacity"] for worker in workers] == [3]
    assert all(part.get("/status/health").json() is True for part in (druid.overlord, druid.coordinator, druid.broker))
