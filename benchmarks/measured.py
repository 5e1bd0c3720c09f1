"""What a contender does around its work: measure it, and say so in one line of JSON."""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path


def measured(work: Callable[[], dict[str, object]]) -> None:
    """Run `work` once. CPU of this process and of its ended children; imports that came before are not counted."""
    before, began = _cpu(), time.perf_counter()
    found = work()
    wall, cpu = time.perf_counter() - began, _cpu() - before
    say(**{"cpu_s": cpu, "wall_s": wall, "peak_rss_mib": peak_rss_mib(), **found})


def say(**found: float) -> None:
    """What the harness reads."""
    sys.stdout.write(json.dumps(found) + "\n")


def peak_rss_mib() -> float:
    """Of this process since its start. `ru_maxrss` would begin with what the process had that started it."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


def _cpu() -> float:
    uses = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)
