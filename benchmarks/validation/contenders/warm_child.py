"""A small file through the validator's own judge: its warm child process, from handing over to the verdict. Wall time of one file."""

import asyncio
import resource
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from uuid import UUID

from sluice.contracts import load_contract
from sluice.events import FileFormat, FileUploaded, ObjectRef
from sluice_engine import paths
from validator.adapters.child import Limits
from validator.adapters.children import ChildJudge

FILE, CONTRACT = Path(sys.argv[1]), Path(sys.argv[2])
FILES = 30


async def judge_all() -> list[float]:
    contract = load_contract(CONTRACT.read_text())
    judge = ChildJudge(Limits(memory_bytes=1_500_000_000, cpu_seconds=60), 60.0, 100_000_000)
    fact = FileUploaded(
        task_id=UUID(int=1),
        datasource=contract.datasource,
        filename=FILE.name,
        accepted_at=datetime(2024, 1, 1, tzinfo=UTC),
        format=FileFormat.CSV,
        object=ObjectRef(uri="s3://bench/file.csv"),
    )
    walls = []
    try:
        for number in range(FILES + 1):
            with TemporaryDirectory(prefix="sluice-bench-") as name:
                paths.input_file(Path(name)).write_bytes(FILE.read_bytes())
                began = perf_counter()
                await judge(Path(name), fact, contract)
                if number:  # the first one waits for the imports
                    walls.append(perf_counter() - began)
    finally:
        await judge.close()
    return walls


def main() -> None:
    walls = sorted(asyncio.run(judge_all()))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    median = walls[len(walls) // 2]
    sys.stdout.write(f'{{"cpu_s": 0, "wall_s": {median}, "peak_rss_mib": {peak}, "fastest_s": {walls[0]}}}\n')


main()
