"""The large file by obstore, four parts at once."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator

from obstore.store import S3Store

from benchmarks.measured import say
from benchmarks.upload.sending import LARGE, blocks

KEY = "bench/obstore"
STORE = S3Store(
    os.environ["SLUICE_S3_BUCKET"],
    endpoint=os.environ["SLUICE_S3_ENDPOINT"],
    access_key_id=os.environ["SLUICE_S3_ACCESS_KEY"],
    secret_access_key=os.environ["SLUICE_S3_SECRET_KEY"],
    region="us-east-1",
    virtual_hosted_style_request=False,
    client_options={"allow_http": True},
)


async def content() -> AsyncIterator[bytes]:
    for block in blocks(LARGE):
        yield block


async def put() -> float:
    began = time.perf_counter()
    await STORE.put_async(KEY, content(), chunk_size=5_242_880, max_concurrency=4)
    wall = time.perf_counter() - began
    await STORE.delete_async(KEY)
    return wall


say(wall_s=asyncio.run(put()))
sys.stdout.flush()
os._exit(0)  # its runtime aborts now and then while the interpreter ends
