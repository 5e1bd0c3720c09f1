"""How contracts are read: what is kept in memory, and for how long."""

import asyncio
from dataclasses import dataclass, field

import pytest
from contract_builder import contract

from sluice.contracts import ContractStore
from sluice.errors import ObjectMissing
from sluice.events import ContractRef
from sluice.ledger import active_contract_key, contract_key


@dataclass
class SlowBucket:
    """Answers with what stood there when it was asked, once it is let."""

    objects: dict[str, bytes] = field(default_factory=dict)
    let: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[str] = field(default_factory=list)

    async def get(self, key: str) -> bytes:
        self.asked.append(key)
        stands = self.objects.get(key)
        await self.let.wait()
        if stands is None:
            raise ObjectMissing(key)
        return stands


def version(number: str) -> ContractRef:
    return ContractRef(datasource="orders", version=number)


@pytest.fixture
def bucket():
    return SlowBucket({active_contract_key("orders"): b"1"})


async def test_the_active_version_is_asked_for_once_in_a_while(bucket):
    contracts = ContractStore(bucket)
    bucket.let.set()
    assert {await contracts.active("orders") for _ in range(5)} == {version("1")}
    assert len(bucket.asked) == 1
    bucket.objects[active_contract_key("orders")] = b"2"
    assert await contracts.active("orders") == version("1")
    contracts.active_for = 0
    assert await contracts.active("orders") == version("2")


@pytest.mark.parametrize("known", [False, True])
async def test_a_change_is_known_at_once_also_to_whoever_was_asking(bucket, known):
    contracts = ContractStore(bucket, active_for=0)
    if known:
        bucket.let.set()
        await contracts.active("orders")
        bucket.let.clear()
    asking = [asyncio.ensure_future(contracts.active("orders")) for _ in range(3)]
    await asyncio.sleep(0)  # they have been told of version 1, and not heard it yet
    bucket.objects[active_contract_key("orders")] = b"2"
    contracts.changed(version("2"))
    bucket.let.set()
    assert set(await asyncio.gather(*asking)) == {version("2")}
    assert await contracts.active("orders") == version("2")


async def test_only_so_many_versions_are_kept(bucket):
    bucket.let.set()
    for number in "123":
        text = contract().replace("version: 1.0.0", f"version: '{number}'")
        bucket.objects[contract_key("orders", number)] = text.encode()
    contracts = ContractStore(bucket, most_kept=2)
    for number in "1223":
        assert (await contracts.get(version(number))).version == number
    assert len(bucket.asked) == 3
    await contracts.get(version("3"))
    assert len(bucket.asked) == 3
    await contracts.get(version("1"))
    assert len(bucket.asked) == 4
