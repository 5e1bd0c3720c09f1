"""A nursery whose children do harm, as the name of the file tells them. Run by test_children.py."""

import os
import signal
import time
from itertools import count
from pathlib import Path

import polars as pl

from sluice_engine.judged import Judged
from sluice_engine.run import Submission, judge
from validator.adapters import nursery


def harm(run: Path, job: Submission) -> Judged:  # noqa: C901, PLR0912 - one case for each harm
    match job.filename.partition(".")[0]:
        case "bomb":
            hoard = []
            while True:
                hoard.append(b"x" * 20_000_000)
        case "loop":
            while True:
                pass
        case "sleep":
            time.sleep(600)
        case "abort":
            os.abort()
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(0)
        case "raise":
            raise ValueError("a cell's value")
        case "fill":
            with (run / "hoard").open("wb") as hoard:
                while True:
                    hoard.write(b"x" * 1_000_000)
        case "scatter":
            for number in count():
                (run / str(number)).write_bytes(b"x" * 1_000_000)
        case "allocate":
            pl.repeat("x" * 1000, 5_000_000_000, eager=True)
        case "environment":
            (run / "environment").write_text("\n".join(os.environ))
    return judge(run, job)


nursery.main(harm)
