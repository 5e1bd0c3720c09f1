"""The store on a real S3 server."""

import asyncio
import os
from uuid import uuid4

import pytest

from sluice.errors import ObjectChanged, ObjectExists, ObjectMissing, Transient
from sluice.objectstore import PART_SIZE, open_objectstore, split_uri
from sluice.settings import S3Settings

pytestmark = pytest.mark.real


@pytest.fixture
async def store(environment):
    async with open_objectstore(S3Settings()) as store:
        yield store


@pytest.fixture
def key():
    return f"tests/{uuid4()}"


async def test_of_many_creating_at_once_one_wins_and_all_learn_which(store, key):
    stands = await asyncio.gather(*(store.create_or_get(key, str(n).encode()) for n in range(16)))
    assert len(set(stands)) == 1
    with pytest.raises(ObjectExists):
        await store.create(key, b"late")
    assert await store.get(key) == stands[0]


async def test_a_server_with_create_only_puts_is_taken(store):
    await store.require_create_only()
    assert [info async for info in store.list("probes/")] == []


@pytest.mark.parametrize("size", [0, 1, PART_SIZE - 1, PART_SIZE, 2 * PART_SIZE + 17])
async def test_an_upload_holds_every_byte(store, key, size):
    content = os.urandom(size)
    async with store.upload(key) as upload:
        for start in range(0, size, 1_000_003):
            await upload.write(content[start : start + 1_000_003])
    assert (await store.head(key)).size == size
    assert b"".join([chunk async for chunk in store.stream(key)]) == content


async def test_an_upload_that_is_left_by_an_error_leaves_nothing(store, key):
    async def interrupted():
        async with store.upload(key) as upload:
            await upload.write(os.urandom(2 * PART_SIZE))
            raise KeyError

    with pytest.raises(KeyError):
        await interrupted()
    with pytest.raises(ObjectMissing):
        await store.head(key)
    uploads = await store.client.list_multipart_uploads(Bucket=store.bucket)
    assert key not in [each["Key"] for each in uploads.get("Uploads", [])]


async def test_a_range_is_got_and_only_of_the_object_that_is_meant(store, key):
    await store.put(key, b"0123456789")
    meant = (await store.head(key)).etag
    assert await store.get_range(key, 0, 3) == b"0123"
    assert await store.get_range(key, 8, 99, f'"{meant}"') == b"89"
    await store.put(key, b"9876543210")
    with pytest.raises(ObjectChanged):
        await store.get_range(key, 0, 3, meant)
    with pytest.raises(ObjectChanged):
        await anext(store.stream(key, etag=meant))
    assert await anext(store.stream(key, etag=(await store.head(key)).etag)) == b"9876543210"


async def test_credentials_that_are_not_taken_are_told_from_what_is_not_there(store, key, monkeypatch):
    await store.put(key, b"x")
    monkeypatch.setenv("SLUICE_S3_SECRET_KEY", "another")
    async with open_objectstore(S3Settings()) as shut_out:
        with pytest.raises(Transient, match="SignatureDoesNotMatch"):
            await shut_out.head(key)


async def test_what_is_not_there_is_missing_and_may_be_deleted(store, key):
    with pytest.raises(ObjectMissing):
        await store.get(key)
    await store.delete(key)


async def test_a_server_that_is_not_there_is_transient(environment, monkeypatch):
    monkeypatch.setenv("SLUICE_S3_ENDPOINT", "http://127.0.0.1:9")
    async with open_objectstore(S3Settings()) as nowhere:
        assert not await nowhere.answers()
        with pytest.raises(Transient):
            await nowhere.get("x")


def test_a_uri_is_split():
    assert split_uri("s3://bucket/a/b c.csv") == ("bucket", "a/b c.csv")
    with pytest.raises(ValueError, match="s3://"):
        split_uri("file:///etc/passwd")
