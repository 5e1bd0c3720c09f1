"""Versions on a real S3 server: put once, put in force in an order that everybody sees alike."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from sluice.contracts import ActiveChanged, ContractVersions, VersionExists
from sluice.events import ContractRef
from sluice.ledger import active_contract_key, contract_key
from sluice.objectstore import open_objectstore
from sluice.settings import S3Settings

pytestmark = pytest.mark.real

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture
async def store(environment):
    async with open_objectstore(S3Settings()) as store:
        yield store


@pytest.fixture
def versions(store):
    moments = iter(NOW + timedelta(seconds=number) for number in range(1000))
    return ContractVersions(store, lambda: next(moments))


@pytest.fixture
def of():
    """Versions of a datasource that no other test uses."""
    name = f"t{uuid4().hex[:20]}"
    return lambda version: ContractRef(datasource=name, version=version)


async def active(store, reference):
    return (await store.get(active_contract_key(reference.datasource))).decode()


async def told(versions, reference):
    """Earliest first: what took the place of what, by whom."""
    history = await versions.history(reference.datasource, 100)
    return [(each.before, each.version, each.by) for each in reversed(history)]


async def test_a_version_is_put_once(versions, of):
    assert await versions.is_new(of("1.0.0"), b"a")
    assert await versions.put(of("1.0.0"), b"a")
    assert not await versions.put(of("1.0.0"), b"a")
    assert not await versions.is_new(of("1.0.0"), b"a")
    for ask in (versions.put, versions.is_new):
        with pytest.raises(VersionExists, match=r"1\.0\.0 of t\w+ exists with other content"):
            await ask(of("1.0.0"), b"b")
    assert await versions.read(of("1.0.0")) == b"a"


async def test_of_many_at_once_one_content_is_kept(versions, of):
    bodies = [b"%d" % number for number in range(10)]
    results = await asyncio.gather(*(versions.put(of("1"), each) for each in bodies), return_exceptions=True)
    assert [each for each in results if each is True] == [True]
    assert sum(isinstance(each, VersionExists) for each in results) == 9
    assert await versions.read(of("1")) == bodies[results.index(True)]


async def test_versions_are_listed_from_any_of_them_on(versions, store, of):
    wanted = ["1.0.0", "1.10.0", "1.9.0", "2-beta", "2.0.0"]
    for each in wanted:
        await versions.put(of(each), b"x")
    await versions.activate(of("2.0.0"), "ada")
    name = of("1").datasource
    await store.put(f"{contract_key(name, '3.0.0')}-{uuid4()}", b"unfinished")
    await store.put(f"contracts/{name}/notes.txt", b"by hand")
    assert [each.version async for each in versions.of(name)] == wanted
    assert [each.version async for each in versions.of(name, after="1.10.0")] == wanted[2:]
    assert name in [each async for each in versions.datasources()]
    assert name not in [each async for each in versions.datasources(after=name)]


async def test_each_activation_is_kept_and_the_same_when_it_is_asked_for_again(versions, store, of):
    first = await versions.activate(of("1"), "ada")
    assert first.model_dump() == {"version": "1", "before": None, "at": NOW, "by": "ada"}
    assert await versions.activate(of("1"), "bob") == first
    await versions.activate(of("2"), "bob")
    await versions.activate(of("1"), "cyd")
    assert await told(versions, of("1")) == [(None, "1", "ada"), ("1", "2", "bob"), ("2", "1", "cyd")]
    assert await active(store, of("1")) == "1"
    assert [each.version for each in await versions.history(of("1").datasource, 2)] == ["1", "2"]


async def test_what_is_expected_must_be_in_force(versions, store, of):
    with pytest.raises(ActiveChanged, match="no version is in force"):
        await versions.activate(of("2"), "ada", expected="1")
    await versions.activate(of("1"), "ada", expected="")
    with pytest.raises(ActiveChanged) as caught:
        await versions.activate(of("2"), "ada", expected="")
    assert caught.value.active == "1"
    await versions.activate(of("2"), "ada", expected="1")
    again = await versions.activate(of("2"), "ada", expected="1")  # the answer to the first request was lost
    assert again.before == "1"
    assert await active(store, of("1")) == "2"


async def test_of_many_who_expect_the_same_one_has_its_way(versions, store, of):
    await versions.activate(of("0"), "ada")
    wanted = [of(str(number)) for number in range(1, 11)]
    results = await asyncio.gather(
        *(versions.activate(each, "bob", expected="0") for each in wanted), return_exceptions=True
    )
    (won,) = (each for each in results if not isinstance(each, BaseException))
    assert {str(each) for each in results if isinstance(each, ActiveChanged)} == {f"{won.version} is in force"}
    assert await active(store, of("0")) == won.version


async def test_of_many_at_once_each_has_its_turn_and_readers_see_the_last(versions, store, of):
    wanted = [of(str(number)) for number in range(10)]
    await asyncio.gather(*(versions.activate(each, "bob") for each in wanted))
    history = await told(versions, of("0"))
    assert sorted(version for _, version, _ in history) == sorted(each.version for each in wanted)
    assert [before for before, _, _ in history] == [None, *(version for _, version, _ in history[:-1])]
    assert await active(store, of("0")) == history[-1][1]


async def test_an_activation_that_readers_were_not_told_of_is_told_when_it_is_asked_for_again(versions, store, of):
    await versions.activate(of("1"), "ada")
    await versions.activate(of("2"), "ada")
    await store.put(active_contract_key(of("1").datasource), b"1")  # as if the process had ended in between
    await versions.activate(of("2"), "ada")
    assert await active(store, of("1")) == "2"


async def test_what_was_put_in_force_by_hand_is_known_as_the_first(versions, store, of):
    await store.put(active_contract_key(of("1").datasource), b"1\n")
    with pytest.raises(ActiveChanged, match="1 is in force"):
        await versions.activate(of("2"), "ada", expected="")
    await versions.activate(of("2"), "ada", expected="1")
    assert await told(versions, of("1")) == [("1", "2", "ada")]
