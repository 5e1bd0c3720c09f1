"""Contenders run one after the other, in turns, each in a process of its own; the minimum of each counts."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Contender:
    """A program that prints one line of JSON with `cpu_s`, `wall_s`, `peak_rss_mib`, and what it found."""

    name: str
    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    """Instead of what all others get."""


Sample = dict[str, float]


@dataclass(frozen=True)
class Comparison:
    """One row to be: a metric of ours over the same metric of a peer, or beyond it, and what is to be reached."""

    case: str
    ours: Contender
    peer: Contender | float
    metric: str
    reach: float
    stretch: float | None = None
    peer_name: str = ""
    beyond: bool = False
    """Ours minus theirs, in the metric's unit, where a ratio would say nothing."""


def run_in_turns(contenders: list[Contender], times: int) -> dict[Contender, Sample]:
    """Each contender `times` times, in turns; per metric the minimum."""
    samples: dict[Contender, list[Sample]] = {each: [] for each in contenders}
    for _ in range(times):
        for each in contenders:
            samples[each].append(run_once(each))
    return {each: _least(found) for each, found in samples.items()}


def run_once(contender: Contender) -> Sample:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/tmp"),  # noqa: S108 - peers keep their caches there
        "PYTHONPATH": str(ROOT),
        "POLARS_MAX_THREADS": "2",
        "OMP_NUM_THREADS": "2",
        "LC_ALL": "C.UTF-8",
        **dict(contender.environment),
    }
    done = subprocess.run(contender.command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{contender.name} ended with {done.returncode}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def _least(samples: list[Sample]) -> Sample:
    return {key: min(each[key] for each in samples) for key in samples[0] if samples[0][key] is not None}
