"""Sluice's engine, as the validator's warm child runs it: report, rejects file and canonical Parquet included."""

import gc
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from benchmarks.measured import measured
from sluice.contracts import load_contract
from sluice.events import FileFormat
from sluice_engine import paths
from sluice_engine.run import Submission, judge
from validator.adapters.child import warm_up

FILE, CONTRACT = Path(sys.argv[1]), Path(sys.argv[2])
JOB = Submission(
    task_id=UUID(int=1),
    filename=FILE.name,
    format=FileFormat(FILE.suffix[1:]),
    contract=load_contract(CONTRACT.read_text()),
    max_unpacked=4_000_000_000,
).model_dump_json()
"""As the service hands it over; contracts are read and checked once, not for each file."""


def work() -> dict[str, object]:
    with TemporaryDirectory(prefix="sluice-bench-") as name:
        run = Path(name)
        paths.input_file(run).symlink_to(FILE.resolve())
        judged = judge(run, Submission.model_validate_json(JOB))
        size = sum(part.stat().st_size for part in paths.part_file(run, 0).parent.glob("*.parquet"))
    return {"rows": judged.source, "errors": judged.errors, "accepted": judged.accepted, "parquet": size}


warm_up(judge)
gc.collect()
gc.freeze()  # as the nursery does
measured(work)
