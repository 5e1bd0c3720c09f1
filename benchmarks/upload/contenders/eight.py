"""Eight large files at once through one gateway: its peak of memory."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks.measured import say
from benchmarks.servers import gateway
from benchmarks.upload.sending import LARGE, send
from sluice.objectstore import open_objectstore
from sluice.settings import S3Settings, read_settings


async def clear() -> None:
    async with open_objectstore(read_settings(S3Settings)) as store:
        async for info in store.list("raw/"):
            await store.delete(info.key)


with gateway() as running, ThreadPoolExecutor(8) as senders:
    began = time.perf_counter()
    sent = list(senders.map(lambda _: send(running.port, "PUT", "/v1/datasources/sales/files/a.csv", LARGE), range(8)))
    if {each.status for each in sent} != {202}:
        raise RuntimeError(f"answered {[each.status for each in sent]}")
    asyncio.run(clear())
    say(wall_s=time.perf_counter() - began, peak_rss_mib=running.peak_rss_mib())
