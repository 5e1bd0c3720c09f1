"""`small gateway | puts`: many small files, by 50 at once; the bare puts are those that acceptance cannot do without."""

import asyncio
import sys
import time
from collections.abc import Iterator
from uuid import uuid4

from benchmarks.measured import say
from benchmarks.servers import gateway
from benchmarks.upload.sending import BLOCK, send_many
from sluice.objectstore import ObjectStore, open_objectstore
from sluice.settings import S3Settings, read_settings

BODY, RECORD, AT_ONCE, FILES = BLOCK[:10_000], b"x" * 900, 50, 2_000


def by_gateway() -> dict[str, float]:
    room = {"max_uploads": 64, "max_uploads_of_caller": 64, "upload_rate": "999999/second", "max_backlog": 10_000_000}
    with gateway(**room, relay_room=1_000_000) as running:
        path = "/v1/datasources/sales/files/a.csv"
        asyncio.run(send_many(running.port, path, BODY, AT_ONCE, 200))
        before, began = running.cpu(), time.perf_counter()
        waits = sorted(asyncio.run(send_many(running.port, path, BODY, AT_ONCE, FILES)))
        wall = time.perf_counter() - began
        return {
            "wall_s": wall,
            "p50_s": waits[FILES // 2],
            "p99_s": waits[FILES * 99 // 100],
            "cpu_s": running.cpu() - before,
            "peak_rss_mib": running.peak_rss_mib(),
        }


async def by_puts(store: ObjectStore) -> float:
    async def work(left: Iterator[int]) -> None:
        for _ in left:
            await store.put(f"bench/raw/{uuid4()}", BODY)
            await store.create(f"bench/accepted/{uuid4()}", RECORD)

    async def all_of(count: int) -> None:
        left = iter(range(count))
        await asyncio.gather(*(work(left) for _ in range(AT_ONCE)))

    await all_of(200)
    began = time.perf_counter()
    await all_of(FILES)
    return time.perf_counter() - began


async def puts() -> float:
    async with open_objectstore(read_settings(S3Settings)) as store:
        return await by_puts(store)


say(**({"wall_s": asyncio.run(puts())} if sys.argv[1] == "puts" else by_gateway()))
