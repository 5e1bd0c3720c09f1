"""Contracts over HTTP, on fakes: checked, kept once, put in force in an order that everybody sees alike."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from gateway.routes.contractanswers import EXAMPLE
from gateway.usecases import ReadContracts
from sluice.contracts import ContractStore, ContractVersions
from sluice.contracts.source import MAX_BYTES
from sluice.ledger import active_contract_key, contract_key

HOME = "/v1/datasources/orders"


def text(version: str = "1.0.0", column: str = "amount", **keys: Any) -> str:
    """A contract of `orders` with one more column, described by these keys."""
    document = yaml.safe_load(EXAMPLE)
    document["version"] = version
    document["schema"][0]["properties"][1] = {"name": column, "logicalType": "number", **keys}
    return yaml.safe_dump(document, sort_keys=False)


async def put(gateway: Any, version: str, body: str | bytes | None = None, **query: str) -> Any:
    content = text(version) if body is None else body
    return await gateway.http.put(f"{HOME}/contracts/{version}", content=content, params=query)


async def activate(gateway: Any, version: str, **query: str) -> Any:
    return await gateway.http.post(f"{HOME}/contracts/{version}/activate", params=query)


async def get(gateway: Any, path: str, **headers: str) -> Any:
    return await gateway.http.get(path, headers=headers)


def refused(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def kept(gateway: Any) -> list[str]:
    return [key for key in gateway.store.objects if "/orders/" in key]


async def test_a_datasource_begins_with_its_first_contract(gateway: Any) -> None:
    assert refused(await get(gateway, HOME)) == (404, "unknown-datasource")
    assert refused(await get(gateway, f"{HOME}/contracts")) == (404, "unknown-datasource")
    first = await put(gateway, "1.0.0")
    assert first.status_code == 201
    assert first.json() == {
        "datasource": "orders",
        "version": "1.0.0",
        "created": True,
        "active": False,
        "compared_with": None,
        "breaking": False,
        "changes": [],
    }
    upload = f"{HOME}/files/a.csv"
    assert refused(await gateway.http.put(upload, content=b"a\n")) == (404, "unknown-datasource")
    assert (await get(gateway, HOME)).json()["active"] is None
    assert (await activate(gateway, "1.0.0")).status_code == 200
    assert (await gateway.http.put(upload, content=b"a\n")).status_code == 202
    assert gateway.record().data.contract.version == "1.0.0"


async def test_a_version_is_kept_once(gateway: Any) -> None:
    body = text().encode()
    assert (await put(gateway, "1.0.0", body)).status_code == 201
    again = await put(gateway, "1.0.0", body)
    assert (again.status_code, again.json()["created"]) == (200, False)
    await activate(gateway, "1.0.0")
    in_force = (await put(gateway, "1.0.0", body)).json()
    assert (in_force["active"], in_force["compared_with"]) == (True, None)
    other = await put(gateway, "1.0.0", text(required=True))
    assert refused(other) == (409, "contract-version-exists")
    assert refused(await put(gateway, "1.0.0", body + b"\n")) == (409, "contract-version-exists")
    assert gateway.store.objects[contract_key("orders", "1.0.0")] == body


async def test_of_many_contents_at_once_one_is_kept(gateway: Any) -> None:
    bodies = [text(description=f"number {number}") for number in range(20)]
    answers = await asyncio.gather(*(put(gateway, "1.0.0", body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    (won,) = (number for number, answer in enumerate(answers) if answer.status_code == 201)
    assert gateway.store.objects[contract_key("orders", "1.0.0")].decode() == bodies[won]


async def test_a_new_version_is_compared_and_not_put_in_force(gateway: Any) -> None:
    await put(gateway, "1.0.0", activate="true")
    answer = await put(gateway, "1.1.0", text("1.1.0", required=True))
    assert answer.json() == {
        "datasource": "orders",
        "version": "1.1.0",
        "created": True,
        "active": False,
        "compared_with": "1.0.0",
        "breaking": True,
        "changes": [
            {
                "code": "required",
                "message": "amount is required now.",
                "breaking": True,
                "senders": True,
                "readers": False,
            }
        ],
    }
    assert (await get(gateway, HOME)).json()["active"] == "1.0.0"


async def test_it_is_put_in_force_at_once_where_that_is_asked_for(gateway: Any) -> None:
    first = await put(gateway, "1.0.0", activate="true")
    assert (first.status_code, first.json()["active"], first.json()["compared_with"]) == (201, True, None)
    second = await put(gateway, "2.0.0", text("2.0.0", required=True), activate="true", expected="1.0.0")
    assert (second.json()["active"], second.json()["compared_with"], second.json()["breaking"]) == (True, "1.0.0", True)
    again = await put(gateway, "2.0.0", text("2.0.0", required=True), activate="true", expected="1.0.0")
    assert again.status_code == 200
    assert again.json() == {**second.json(), "created": False}
    late = await put(gateway, "3.0.0", activate="true", expected="1.0.0")
    assert refused(late) == (409, "active-contract-changed")
    assert (await get(gateway, HOME)).json()["active"] == "2.0.0"


async def test_a_dry_run_keeps_nothing(gateway: Any) -> None:
    await put(gateway, "1.0.0", activate="true")
    before = kept(gateway)
    answer = await put(gateway, "1.1.0", text("1.1.0", required=True), dry_run="true", activate="true")
    assert answer.status_code == 200
    assert (answer.json()["created"], answer.json()["active"], answer.json()["breaking"]) == (True, False, True)
    assert refused(await put(gateway, "1.0.0", text(required=True), dry_run="true")) == (409, "contract-version-exists")
    assert (await put(gateway, "1.0.0", dry_run="true")).json()["created"] is False
    assert refused(await put(gateway, "2.0.0", "a: [", dry_run="true")) == (422, "contract-invalid")
    assert kept(gateway) == before


async def test_every_fault_is_told_with_its_line(gateway: Any) -> None:
    body = EXAMPLE.replace("logicalType: number", "logicalType: object").replace("timeColumn: sold_at", "timeColumn: x")
    answer = await put(gateway, "1.0.0", body)
    assert refused(answer) == (422, "contract-invalid")
    told = answer.json()
    lines = body.splitlines()
    assert told["count"] == len(told["faults"]) == 2
    assert [set(fault) for fault in told["faults"]] == [{"line", "path", "message"}] * 2
    assert [lines[fault["line"] - 1].strip()[:9] for fault in told["faults"]] == ["- {name: ", "value: {d"]
    assert told["detail"].startswith(f"Line {told['faults'][0]['line']}: schema/0/properties/1/logicalType: ")
    assert "There are 2 faults" in told["detail"]
    assert kept(gateway) == []


@pytest.mark.parametrize(
    ("body", "line"),
    [("a: 1\nb: [", 2), (b"a: 1\nb: \xff", 2), (b"", 1), ("a: !!python/object:os.system x", 1), ("[" * 100_000, 1)],
    ids=range(5),
)
async def test_what_is_no_yaml_is_told_so(gateway: Any, body: str | bytes, line: int) -> None:
    answer = await put(gateway, "1.0.0", body)
    assert refused(answer) == (422, "contract-invalid")
    (fault,) = answer.json()["faults"]
    assert (fault["line"], fault["path"]) == (line, "document")


@pytest.mark.parametrize("address", ["orders/contracts/1.0.1", "other/contracts/1.0.0"])
async def test_address_and_document_must_agree(gateway: Any, address: str) -> None:
    answer = await gateway.http.put(f"/v1/datasources/{address}", content=text())
    assert refused(answer) == (422, "contract-misplaced")
    assert "/v1/datasources/orders/contracts/1.0.0" in answer.json()["detail"]
    assert gateway.store.keys("contracts/") == [active_contract_key("sales")]


@pytest.mark.parametrize(
    "path", ["Orders/contracts/1", "orders/contracts/-", "orders/contracts/1%20", "orders/contracts/" + "1" * 65]
)
async def test_names_that_no_key_should_have_are_refused(gateway: Any, path: str) -> None:
    for ask in (gateway.http.put, gateway.http.get):
        assert refused(await ask(f"/v1/datasources/{path}")) == (422, "invalid-request")
    assert refused(await gateway.http.post(f"/v1/datasources/{path}/activate")) == (422, "invalid-request")


async def test_a_contract_beyond_its_size_is_refused_declared_or_not(gateway: Any) -> None:
    async def chunks() -> Any:
        for _ in range(11):
            yield b"#" * 99_999 + b"\n"

    for content in (b"#" * (MAX_BYTES + 1), chunks()):
        answer = await gateway.http.put(f"{HOME}/contracts/1.0.0", content=content)
        assert refused(answer) == (413, "contract-too-large")
    assert kept(gateway) == []


async def test_the_largest_that_is_taken_is(gateway: Any) -> None:
    body = text() + "\n#"
    body += "x" * (MAX_BYTES - len(body))
    assert (await put(gateway, "1.0.0", body)).status_code == 201


async def test_a_version_is_fetched_as_it_was_put_or_as_json(gateway: Any) -> None:
    body = "# by hand\n" + text()
    await put(gateway, "1.0.0", body)
    path = f"{HOME}/contracts/1.0.0"
    answer = await get(gateway, path)
    assert (answer.headers["content-type"], answer.headers["vary"]) == ("application/yaml", "Accept")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.text == body
    for accept in ("*/*", "application/yaml, application/json;q=0.5", "text/html"):
        assert (await get(gateway, path, accept=accept)).text == body
    as_json = await get(gateway, path, accept="application/json")
    assert as_json.headers["content-type"] == "application/json"
    assert as_json.json() == yaml.safe_load(body)
    assert refused(await get(gateway, f"{HOME}/contracts/9")) == (404, "contract-version-unknown")


async def test_what_somebody_put_by_hand_is_shown_as_it_is(gateway: Any) -> None:
    gateway.store.objects[contract_key("orders", "1")] = b"no: ["
    assert (await get(gateway, f"{HOME}/contracts/1")).content == b"no: ["
    assert refused(await get(gateway, f"{HOME}/contracts/1", accept="application/json")) == (422, "contract-invalid")
    assert refused(await activate(gateway, "1")) == (422, "contract-invalid")
    gateway.store.objects[active_contract_key("orders")] = b"1"
    shown = (await get(gateway, HOME)).json()
    assert (shown["active"], shown["columns"], shown["druid"], shown["dialect"]) == ("1", None, None, None)
    put_over = await put(gateway, "2.0.0")
    assert (put_over.status_code, put_over.json()["compared_with"]) == (201, None)


async def test_a_version_is_put_in_force_and_back(gateway: Any) -> None:
    await put(gateway, "1.0.0")
    await put(gateway, "1.1.0", text("1.1.0", required=True))
    first = await activate(gateway, "1.0.0")
    assert first.status_code == 200
    assert first.json() == {
        "datasource": "orders",
        "version": "1.0.0",
        "before": None,
        "at": gateway.clock().isoformat().replace("+00:00", "Z"),
        "by": "anonymous",
        "compared_with": None,
        "breaking": False,
        "changes": [],
    }
    gateway.clock.forward(60)
    second = (await activate(gateway, "1.1.0")).json()
    assert (second["before"], second["compared_with"], second["breaking"]) == ("1.0.0", "1.0.0", True)
    gateway.clock.forward(60)
    assert (await activate(gateway, "1.1.0")).json() == second
    back = (await activate(gateway, "1.0.0")).json()
    assert (back["before"], back["breaking"], [each["code"] for each in back["changes"]]) == (
        "1.1.0",
        False,
        ["required"],
    )
    told = (await get(gateway, HOME)).json()["activations"]
    assert [(each["before"], each["version"]) for each in told] == [
        ("1.1.0", "1.0.0"),
        ("1.0.0", "1.1.0"),
        (None, "1.0.0"),
    ]


async def test_what_is_not_there_is_not_put_in_force(gateway: Any) -> None:
    assert refused(await activate(gateway, "1.0.0")) == (404, "contract-version-unknown")
    await put(gateway, "1.0.0", activate="true")
    assert refused(await activate(gateway, "1.1.0")) == (404, "contract-version-unknown")
    assert (await get(gateway, HOME)).json()["active"] == "1.0.0"


async def test_two_people_do_not_overwrite_each_other(gateway: Any) -> None:
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        await put(gateway, version)
    assert refused(await activate(gateway, "1.1.0", expected="1.0.0")) == (409, "active-contract-changed")
    assert (await activate(gateway, "1.0.0", expected="")).status_code == 200
    answers = await asyncio.gather(*(activate(gateway, version, expected="1.0.0") for version in ("1.1.0", "1.2.0")))
    (won,) = (answer.json()["version"] for answer in answers if answer.status_code == 200)
    (lost,) = (answer for answer in answers if answer.status_code != 200)
    assert refused(lost) == (409, "active-contract-changed")
    assert lost.json()["active"] == won
    assert refused(await activate(gateway, "1.0.0", expected="x y")) == (422, "invalid-request")


async def test_an_activation_is_seen_at_once(gateway: Any) -> None:
    for version in ("1.0.0", "1.1.0"):
        await put(gateway, version, activate="true")
        assert (await gateway.http.put(f"{HOME}/files/a.csv", content=version.encode())).status_code == 202
        assert (await get(gateway, HOME)).json()["active"] == version
    pinned = {
        json.loads(gateway.store.objects[key])["data"]["contract"]["version"] for key in gateway.store.keys("acc")
    }
    assert pinned == {"1.0.0", "1.1.0"}


@pytest.mark.parametrize("step", ["contracts/", "activations/"])
@pytest.mark.parametrize("landed", [False, True])
async def test_a_step_in_doubt_is_settled_by_asking_again(gateway: Any, fault: Any, *, step: str, landed: bool) -> None:
    gateway.store.faults.append(fault("create", step, landed))
    doubtful = await put(gateway, "1.0.0", activate="true")
    assert refused(doubtful) == (503, "dependency-unavailable")
    answer = await put(gateway, "1.0.0", activate="true")
    assert answer.status_code == (200 if landed or step == "activations/" else 201)
    assert answer.json()["active"] is True
    assert len(gateway.store.keys("activations/orders/")) == 1


async def test_an_activation_whose_news_was_lost_is_finished_by_asking_again(gateway: Any, fault: Any) -> None:
    await put(gateway, "1.0.0")
    gateway.store.faults.append(fault("put", "contracts/orders/active"))
    assert refused(await activate(gateway, "1.0.0")) == (503, "dependency-unavailable")
    assert (await get(gateway, HOME)).json()["active"] is None
    assert (await activate(gateway, "1.0.0", expected="")).status_code == 200
    assert (await get(gateway, HOME)).json()["active"] == "1.0.0"
    assert len(gateway.store.keys("activations/orders/")) == 1


async def test_a_datasource_is_shown_with_what_holds_there(gateway: Any) -> None:
    await put(gateway, "1.0.0", activate="true")
    await put(gateway, "1.1.0")
    shown = (await get(gateway, HOME)).json()
    assert (shown["datasource"], shown["active"], shown["columns"]) == ("orders", "1.0.0", ["sold_at", "amount"])
    assert shown["druid"]["time_column"] == "sold_at"
    assert (shown["dialect"]["delimiter"], shown["dialect"]["encoding"]) == (",", None)
    assert [(each["version"], each["active"]) for each in shown["contracts"]] == [("1.0.0", True), ("1.1.0", False)]
    put_at = datetime.fromisoformat(shown["contracts"][0]["put_at"])
    assert abs((datetime.now(UTC) - put_at).total_seconds()) < 60


async def test_versions_are_listed_page_by_page(gateway: Any) -> None:
    wanted = ["1.0.0", "1.10.0", "1.9.0", "2.0.0", "3"]
    for version in wanted:
        await put(gateway, version)
    await activate(gateway, "2.0.0")
    found, after = [], ""
    for _ in range(3):
        page = (await gateway.http.get(f"{HOME}/contracts", params={"limit": 2, "after": after})).json()
        found += [each["version"] for each in page["contracts"]]
        after = page["next"]
    assert (found, after) == (wanted, None)
    beyond = await gateway.http.get(f"{HOME}/contracts", params={"after": "9"})
    assert beyond.json() == {"contracts": [], "next": None}
    for query in ({"limit": 0}, {"limit": 1001}, {"after": "a/b"}):
        assert refused(await gateway.http.get(f"{HOME}/contracts", params=query)) == (422, "invalid-request")


async def test_datasources_are_listed_page_by_page(gateway: Any) -> None:
    wanted = ["a-b", "a", "a0", "b", "sales"]
    for name in wanted[:-1]:
        gateway.store.objects[contract_key(name, "1")] = b"x"
    gateway.store.objects[active_contract_key("b")] = b"1"
    gateway.store.objects["contracts/No Name/x"] = b"x"
    found, after = [], ""
    for _ in range(3):
        page = (await gateway.http.get("/v1/datasources", params={"limit": 2, "after": after})).json()
        found += [(each["datasource"], each["active"]) for each in page["datasources"]]
        after = page["next"]
    assert (found, after) == ([("a-b", None), ("a", None), ("a0", None), ("b", "1"), ("sales", "1.0.0")], None)


async def test_who_may_read_some_pages_through_them_in_the_same_order(store: Any, clock: Any) -> None:
    wanted = ["a-b", "a", "a0", "b"]
    for name in wanted:
        store.objects[contract_key(name, "1")] = b"x"
    read = ReadContracts(ContractVersions(store, clock), ContractStore(store))
    for allowed in (None, frozenset({*wanted, "sales", "not-there"})):
        found = [await read.datasources(allowed, after, 1) for after in ("", *wanted)]
        assert [name for page in found for name, _ in page] == [*wanted, "sales"]
