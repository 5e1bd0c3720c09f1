"""Which uploads, which peers, and what is to be reached. The S3 server and Kafka are the same for all of a run."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.harness import ROOT, Comparison, Contender
from sluice.messaging.topics import create_topics
from sluice_local.stack import Stack

TUSD = "github.com/tus/tusd/v2/cmd/tusd@v2.9.1"


@contextmanager
def comparisons(data: Path, ours: str, peers: str) -> Iterator[list[Comparison]]:
    """`data`: folder for what is kept between runs; `ours`, `peers`: the Python of each environment."""
    tusd = install_tusd(data / "bin")
    with (
        TemporaryDirectory(prefix="sluice-bench-") as state,
        Stack(Path(state), "real", progress=lambda _: None) as stack,
    ):
        stack.start_parts()
        asyncio.run(create_topics(stack.endpoints.kafka_bootstrap, 1))
        environment = {**stack.endpoints.environment(), "SLUICE_AUTH": "off", "TUSD": str(tusd)}
        contract = ROOT / "contracts" / "sales.odcs.yaml"
        publish = [ours, "-m", "sluice.contracts", "publish", str(contract)]
        subprocess.run(publish, env={**os.environ, **environment}, check=True, stdout=subprocess.DEVNULL)

        def contender(name: str, *command: str, python: str = ours) -> Contender:
            program = (python, "-m", f"benchmarks.upload.contenders.{command[0]}", *command[1:])
            return Contender(name, program, tuple(environment.items()))

        gateway, tus = contender("gateway", "large", "gateway"), contender("gateway by tus", "large", "tus")
        small, discards = (
            contender("gateway, small files", "small", "gateway"),
            contender("gateway", "discard", "gateway"),
        )
        obstore = contender("obstore", "obstore_puts", python=peers)
        uploadfile = contender("UploadFile", "discard", "uploadfile", python=peers)
        hashed = contender("UploadFile, hashed as ours is", "discard", "hashed", python=peers)
        discarded = "430 MB body discarded"
        yield [
            Comparison(discarded, discards, uploadfile, "cpu_s", 0.5, 0.25),
            Comparison(discarded, discards, hashed, "cpu_s", 0.5, 0.25),
            # as many MB/s as … times the peer's is a wall time of one part in … of it
            Comparison("430 MB PUT", gateway, contender("aioboto3", "large", "aioboto3"), "wall_s", 1 / 0.7, 1 / 0.9),
            Comparison("430 MB PUT", gateway, obstore, "wall_s", 1 / 0.7, 1 / 0.9),
            Comparison("430 MB PUT, 202 after S3 itself is done", gateway, 0.2, "beyond_s", 1.0, None, "200 ms"),
            Comparison("430 MB by tus", tus, contender("tusd", "large", "tusd"), "wall_s", 1.0, 1 / 1.3),
            Comparison("10 KB, 50 connections", small, contender("bare puts", "small", "puts"), "wall_s", 2.0, 1.25),
            Comparison("10 KB, 50 connections, last byte to 202", small, 0.1, "p99_s", 1.0, None, "100 ms"),
            Comparison(
                "8 of 430 MB at once",
                contender("gateway, 8 at once", "eight"),
                250.0,
                "peak_rss_mib",
                1.0,
                0.6,
                "250 MiB",
            ),
        ]


def install_tusd(folder: Path) -> Path:
    """Built once, by Go."""
    program = folder / "tusd"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [shutil.which("go") or "go", "install", TUSD], env={**os.environ, "GOBIN": str(folder)}, check=True
        )
    return program
