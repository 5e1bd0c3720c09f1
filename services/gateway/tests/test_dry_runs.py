"""Dry runs over HTTP, on fakes: accepted as any other file, marked, and in nobody's way."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sluice.events import FileUploaded, Outcome, Receipt, TaskCompleted, follow
from sluice.ledger import outcome_key
from sluice.messaging import encode_structured

DRY = "a.csv?dry_run=true"
TUS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream", "Upload-Length": "8"}
METADATA = "filename YS5jc3Y=,datasource c2FsZXM=,dry_run "


def fact(gateway: Any) -> FileUploaded:
    data: FileUploaded = gateway.record().data
    return data


async def resumable(gateway: Any, dry_run: str) -> Any:
    headers = TUS | {"Upload-Metadata": METADATA + dry_run}
    return await gateway.http.post("/v1/uploads", content=b"a,b\n1,2\n", headers=headers)


@pytest.mark.parametrize("way", ["bytes", "form", "tus"])
async def test_a_dry_run_is_accepted_and_marked(gateway: Any, way: str) -> None:
    match way:
        case "bytes":
            answer = await gateway.put(DRY)
        case "form":
            answer = await gateway.post(params={"dry_run": "true"})
        case _:
            answer = await resumable(gateway, "dHJ1ZQ==")
    assert answer.is_success, answer.text
    assert fact(gateway).dry_run


async def test_an_upload_is_none(gateway: Any) -> None:
    await resumable(gateway, "ZmFsc2U=")
    assert not fact(gateway).dry_run


async def test_what_is_neither_true_nor_false_is_refused(gateway: Any) -> None:
    assert (await gateway.put("a.csv?dry_run=perhaps")).status_code == 422
    assert (await resumable(gateway, "bWF5YmU=")).status_code == 400
    assert gateway.store.keys("accepted/") == []


async def test_the_file_may_follow_under_the_same_key(gateway: Any) -> None:
    tried = [(await gateway.put(DRY, Idempotency_Key="k")).json()["task_id"] for _ in range(2)]
    loaded = [(await gateway.put(Idempotency_Key="k")).json()["task_id"] for _ in range(2)]
    assert tried[0] == tried[1] != loaded[0] == loaded[1]


async def test_it_corrects_nothing(gateway: Any) -> None:
    task_id = (await gateway.put()).json()["task_id"]
    answer = await gateway.put(f"{DRY}&corrects={task_id}")
    assert (answer.status_code, answer.json()["code"]) == (409, "dry-run-corrects")
    assert gateway.store.keys("corrections/") == []


@pytest.mark.parametrize("ended", [True, False])
async def test_it_is_neither_corrected_nor_retried_nor_retracted(gateway: Any, ended: bool) -> None:  # noqa: FBT001
    gateway.clock.now = datetime.now(UTC)  # an id that was drawn tells the day on which its record is looked for
    task_id = (await gateway.put(DRY)).json()["task_id"]
    if ended:
        about = fact(gateway)
        said = about.model_dump(include={"task_id", "datasource", "filename", "accepted_at", "dry_run"})
        done = TaskCompleted(**said, outcome=Outcome.CANCELLED, rows=Receipt(), completed_at=about.accepted_at)
        document = encode_structured(follow(gateway.record(), done, source="s", time=about.accepted_at))
        gateway.store.objects[outcome_key(about.accepted_at, about.task_id)] = document
    corrected = await gateway.put(f"a.csv?corrects={task_id}")
    assert (corrected.status_code, corrected.json()["code"]) == (409, "nothing-to-correct")
    codes = {
        command: (await gateway.http.post(f"/v1/tasks/{task_id}/{command}")).json()["code"]
        for command in ("retry", "retract")
    }
    retract = "nothing-to-retract" if ended else "task-not-concluded"
    assert codes == {"retry": "nothing-to-retry", "retract": retract}
