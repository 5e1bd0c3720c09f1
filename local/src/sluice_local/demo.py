"""`make demo`: one file of each format, and one with errors, through the whole chain."""

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vega_datasets import local_data

from sluice_local.client import Client
from sluice_local.run import publish_contracts, say_kind
from sluice_local.samples import WRITERS, planted, sales
from sluice_local.stack import Kind, Stack

_ROWS = 1000
_PLANTED = 7


@dataclass(frozen=True, slots=True)
class Trial:
    """A file to upload and what must become of it: that many rows, or that many errors."""

    datasource: str
    file: Path
    rows: int = 0
    errors: int = 0

    def judge(self, task: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """What to report of it, and whether it ended as expected."""
        report: dict[str, Any] = {"format": self.file.suffix.removeprefix("."), "outcome": task["state"]}
        if self.datasource != "sales":
            report["datasource"] = self.datasource
        if self.errors:
            report["errors"] = task["errors"]
            return report, (task["state"], task["errors"]) == ("rejected", self.errors)
        names = ("source", "accepted", "rejected", "ingested", "queryable")
        report["rows"] = {name: task["rows"][name] for name in names}
        everywhere = dict.fromkeys(names, self.rows) | {"rejected": 0}
        return report, task["state"] == "succeeded" and report["rows"] == everywhere


def demo(kind: Kind, progress: Callable[[str], None]) -> int:
    """Start a stack in a folder of its own, load a file of each kind, stop; prints one JSON object last.

    Exit status 0 if every file ended as expected.
    """
    say_kind(kind, progress)
    with tempfile.TemporaryDirectory(prefix="sluice-demo-") as name:
        judged = _try_all(Path(name), kind, progress)
    print(json.dumps({"stack": kind, "files": [report for report, _ in judged]}, separators=(",", ":")), flush=True)
    return 0 if all(expected for _, expected in judged) else 1


def _try_all(folder: Path, kind: Kind, progress: Callable[[str], None]) -> list[tuple[dict[str, Any], bool]]:
    with Stack(folder / "state", kind, progress) as stack:
        stack.start_parts()
        stack.start_services()
        publish_contracts(stack)
        client = Client(stack.url)
        trials = list(_trials(folder))
        tasks = [client.upload(trial.datasource, trial.file) for trial in trials]
        judged = []
        for trial, task_id in zip(trials, tasks, strict=True):
            judged.append(trial.judge(client.outcome(task_id)))
            progress(f"{trial.file.name}: {judged[-1][0]['outcome']}")
        return judged


def _trials(folder: Path) -> Iterator[Trial]:
    for suffix, write in WRITERS.items():
        file = folder / f"sales.{suffix}"
        write(sales(_ROWS, prefix=suffix.upper()), file)
        yield Trial("sales", file, rows=_ROWS)
    file = folder / "sales-with-errors.csv"
    WRITERS["csv"](planted(sales(_ROWS, prefix="BAD"), _PLANTED), file)
    yield Trial("sales", file, errors=_PLANTED)
    weather = Path(local_data.seattle_weather.filepath)
    yield Trial("weather", weather, rows=len(weather.read_text().splitlines()) - 1)
