"""Contracts on a real S3 server: versions that never change, one of them active."""

import subprocess
import sys
from uuid import uuid4

import pytest
from contract_builder import contract

from sluice.contracts import ContractStore, publish_contract
from sluice.errors import ContractInvalid, ObjectMissing
from sluice.events import ContractRef
from sluice.ledger import contract_key
from sluice.objectstore import open_objectstore
from sluice.settings import S3Settings

pytestmark = pytest.mark.real


@pytest.fixture
async def store(environment):
    async with open_objectstore(S3Settings()) as store:
        yield store


@pytest.fixture
def name():
    return f"t{uuid4().hex[:20]}"


def version(name: str, number: str, properties: str = "") -> str:
    text = contract(f"- {{name: x, logicalType: string{properties}}}")
    return text.replace("name: orders", f"name: {name}").replace("version: 1.0.0", f"version: {number}")


async def test_a_version_never_changes(store, name):
    contracts = ContractStore(store)
    assert await contracts.active(name) is None
    reference = (await publish_contract(store, version(name, "1.0.0"))).reference
    assert (await publish_contract(store, version(name, "1.0.0").encode())).reference == reference
    assert await contracts.active(name) == reference
    assert (await contracts.get(reference)).datasource == name
    with pytest.raises(ContractInvalid, match="other content"):
        await publish_contract(store, version(name, "1.0.0", ", unique: true"))
    with pytest.raises(ObjectMissing):
        await contracts.get(ContractRef(datasource=name, version="2.0.0"))


async def test_a_new_version_is_held_against_the_active_one(store, name):
    assert (await publish_contract(store, version(name, "1.0.0"))).comparison is None
    published = await publish_contract(store, version(name, "1.1.0", ", unique: true"))
    assert published.comparison is not None
    assert published.comparison.breaking
    assert [change.code for change in published.comparison.changes] == ["unique"]


async def test_an_old_version_is_active_again_when_it_is_published_again(store, name):
    first = (await publish_contract(store, version(name, "1.0.0"))).reference
    await publish_contract(store, version(name, "1.1.0", ", unique: true"))
    back = await publish_contract(store, version(name, "1.0.0"))
    assert await ContractStore(store).active(name) == first
    assert back.comparison is not None
    assert not back.comparison.breaking


@pytest.mark.parametrize(
    ("body", "said"),
    [(b"a: 1\nb: \xff", "line 2: not UTF-8"), (version("other", "7.0.0").encode(), "holds version 7.0.0 of other")],
)
async def test_what_somebody_put_there_by_hand_is_checked(store, name, body, said):
    await store.put(contract_key(name, "1.0.0"), body, "application/yaml")
    with pytest.raises(ContractInvalid, match=said):
        await ContractStore(store).get(ContractRef(datasource=name, version="1.0.0"))


async def test_a_version_that_cannot_be_read_any_more_is_followed_by_a_new_one(store, name):
    await publish_contract(store, version(name, "1.0.0"))
    await store.put(contract_key(name, "1.0.0"), b"no contract", "application/yaml")
    published = await publish_contract(store, version(name, "1.1.0"))
    assert published.comparison is None
    assert await ContractStore(store).active(name) == published.reference


def test_the_command_says_what_a_version_changes(environment, name, tmp_path):
    def publish(text: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "orders.odcs.yaml").write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "sluice.contracts", "publish", "orders.odcs.yaml"]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    assert publish(version(name, "1.0.0")).stdout == f"orders.odcs.yaml: {name} 1.0.0 is active\n"
    told = publish(version(name, "1.1.0", ", required: true")).stdout
    assert told == f"orders.odcs.yaml: {name} 1.1.0 is active; it is breaking\n  BREAKING: x is required now.\n"
    refused = publish(version(name, "1.2.0", ", unique: maybe"))
    assert refused.returncode == 1
    assert "orders.odcs.yaml: line 12: schema/0/properties/1/unique: " in refused.stderr
