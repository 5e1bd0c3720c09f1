"""A nursery whose children do harm, as the name of the file tells them. Run by test_children.py."""

import os
import signal
import time
from pathlib import Path

from sluice_engine.judged import Judged
from sluice_engine.run import Submission, judge
from validator.adapters import child


def harm(run: Path, job: Submission) -> Judged:  # noqa: C901 - one case for each harm
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
        case "environment":
            (run / "environment").write_text("\n".join(os.environ))
    return judge(run, job)


child.main(harm)
