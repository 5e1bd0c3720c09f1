"""Pausing a datasource over HTTP, on fakes: whoever asks first stands, and asking twice is asking once."""

from typing import Any

import pytest

from sluice.ledger import contract_key, paused_key

HERE = "/v1/datasources/sales"


@pytest.fixture(autouse=True)
def _contract(store: Any) -> None:
    store.objects[contract_key("sales", "1.0.0")] = b"unread"


async def ask(gateway: Any, command: str, datasource: str = "sales") -> Any:
    return await gateway.http.post(f"/v1/datasources/{datasource}/{command}")


async def shown(gateway: Any) -> Any:
    return (await gateway.http.get(HERE)).json()["paused"]


async def test_a_pause_says_who_and_since_when_and_the_first_stands(gateway: Any) -> None:
    assert await shown(gateway) is None
    first = await ask(gateway, "pause")
    since = gateway.clock.now.isoformat().replace("+00:00", "Z")
    assert first.json() == {"datasource": "sales", "paused": {"by": "anonymous", "at": since}}
    gateway.clock.forward(60)
    assert (await ask(gateway, "pause")).json() == first.json()
    assert await shown(gateway) == first.json()["paused"]


async def test_a_resume_ends_it_and_may_be_repeated(gateway: Any) -> None:
    await ask(gateway, "pause")
    for _ in range(2):
        answer = await ask(gateway, "resume")
        assert (answer.status_code, answer.json()["paused"]) == (200, None)
        assert await shown(gateway) is None
    assert gateway.store.keys("paused/") == []


@pytest.mark.parametrize("command", ["pause", "resume"])
async def test_a_datasource_that_there_is_not_is_refused(gateway: Any, command: str) -> None:
    answer = await ask(gateway, command, "nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown-datasource")
    assert gateway.store.keys("paused/") == []


async def test_files_are_accepted_all_the_same(gateway: Any) -> None:
    await ask(gateway, "pause")
    assert (await gateway.put()).status_code == 202


async def test_a_storage_that_does_not_answer_pauses_nothing(gateway: Any, fault: Any) -> None:
    gateway.store.faults.append(fault("create", paused_key("sales")))
    assert (await ask(gateway, "pause")).status_code == 503
    assert await shown(gateway) is None
