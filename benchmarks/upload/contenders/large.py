"""`large gateway | aioboto3 | tus | tusd`: the large file onto the S3 server."""

import asyncio
import os
import sys
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable
from tempfile import TemporaryDirectory
from typing import TypeVar
from uuid import uuid4

from benchmarks.measured import say
from benchmarks.servers import gateway, server
from benchmarks.upload.sending import BLOCK, LARGE, blocks, send
from sluice.multipart import PART_SIZE, Pieces
from sluice.objectstore import ObjectStore, open_objectstore
from sluice.settings import S3Settings, read_settings

T = TypeVar("T")
PATH = "/v1/datasources/sales/files/a.csv"


def by_gateway() -> dict[str, float]:
    """`beyond_s`: from the last byte to 202, less what S3 itself needs to complete such an object."""
    with gateway() as running:
        sent = send(running.port, "PUT", PATH, LARGE)
        require(sent.status, 202)
        completion = asyncio.run(with_store(complete))
        return {
            "wall_s": sent.wall_s,
            "after_s": sent.after_s,
            "completion_s": completion,
            "beyond_s": max(0.001, sent.after_s - completion),
            "peak_rss_mib": running.peak_rss_mib(),
        }


def by_tus_of_gateway() -> dict[str, float]:
    with gateway() as running:
        return by_tus(running.port, "/v1/uploads", f"filename {told('a.csv')},datasource {told('sales')}")


def by_tusd() -> dict[str, float]:
    at = read_settings(S3Settings)
    if at.s3_access_key is None or at.s3_secret_key is None:
        raise RuntimeError("the S3 server has no keys")
    with TemporaryDirectory(prefix="sluice-bench-") as folder:
        command = [os.environ["TUSD"], "-host=127.0.0.1", "-port={port}", "-base-path=/files/", f"-upload-dir={folder}"]
        command += [f"-s3-bucket={at.s3_bucket}", f"-s3-endpoint={at.s3_endpoint}", "-s3-object-prefix=tusd/"]
        keys = {
            "AWS_ACCESS_KEY_ID": at.s3_access_key.get_secret_value(),
            "AWS_SECRET_ACCESS_KEY": at.s3_secret_key.get_secret_value(),
            "AWS_REGION": "us-east-1",
        }
        with server(command, "/metrics", **keys) as running:
            return by_tus(running.port, "/files/", f"filename {told('a.csv')}")


def by_tus(port: int, path: str, metadata: str) -> dict[str, float]:
    """Create, and all bytes in one PATCH."""
    tus, began = {"Tus_Resumable": "1.0.0"}, time.perf_counter()
    created = send(port, "POST", path, 0, Upload_Length=str(LARGE), Upload_Metadata=metadata, **tus)
    require(created.status, 201)
    at = created.location.partition(f":{port}")[2] or "/" + created.location.split("/", 3)[-1]
    patch = {"Content_Type": "application/offset+octet-stream", "Upload_Offset": "0"}
    require(send(port, "PATCH", at, LARGE, **patch, **tus).status, 204)
    return {"wall_s": time.perf_counter() - began}


async def put(store: ObjectStore) -> float:
    began = time.perf_counter()
    async with store.upload(f"bench/{uuid4()}") as upload:
        for block in blocks(LARGE):
            await upload.write(block)
    return time.perf_counter() - began


async def complete(store: ObjectStore) -> float:
    """Seconds of the completion alone."""
    multipart = await store.begin(f"bench/{uuid4()}")
    body = (BLOCK * (PART_SIZE // len(BLOCK) + 1))[:PART_SIZE]
    parts = [await multipart.put(number + 1, Pieces(body)) for number in range(LARGE // PART_SIZE)]
    began = time.perf_counter()
    await multipart.complete(parts)
    return time.perf_counter() - began


async def clear(store: ObjectStore) -> None:
    """The next contender finds as much room as this one."""
    for prefix in ("raw/", "bench/", "tusd/"):
        async for info in store.list(prefix):
            await store.delete(info.key)


async def with_store(work: Callable[[ObjectStore], Awaitable[T]]) -> T:
    async with open_objectstore(read_settings(S3Settings)) as store:
        return await work(store)


def told(text: str) -> str:
    return b64encode(text.encode()).decode()


def require(status: int, wanted: int) -> None:
    if status != wanted:
        raise RuntimeError(f"answered {status} instead of {wanted}")


WAYS = {
    "gateway": by_gateway,
    "tus": by_tus_of_gateway,
    "tusd": by_tusd,
    "aioboto3": lambda: {"wall_s": asyncio.run(with_store(put))},
}
found = WAYS[sys.argv[1]]()
asyncio.run(with_store(clear))
say(**found)
