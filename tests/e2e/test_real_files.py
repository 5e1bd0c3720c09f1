"""Files that nobody here made: a contract written from the file, the file held against it, its rows in Druid."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
from vega_datasets import local_data

FOLDER = Path(local_data.seattle_weather.filepath).parent
FILES = ("seattle-weather", "seattle-temps", "sf-temps", "us-employment", "iowa-electricity", "stocks", "la-riots")


def program(*command: str, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", FILES)
def test_real_file_passes_from_init_to_druid(sluice, tmp_path, name):
    path, contract = FOLDER / f"{name}.csv", tmp_path / f"{name}.odcs.yaml"
    datasource = name.replace("-", "_")
    program("sluice_client", "contract", "init", str(path), "--datasource", datasource, "--out", str(contract))
    program("sluice_client", "contract", "lint", str(contract))
    program("sluice_client", "contract", "test", str(contract), str(path))
    program("sluice.contracts", "publish", str(contract), environment=sluice.stack.endpoints.environment())
    task = sluice.outcome(sluice.upload(path, datasource))
    with path.open(newline="", encoding="utf-8") as file:
        rows = sum(1 for _ in csv.reader(file)) - 1
    assert (task["state"], task["rows"]["queryable"]) == ("succeeded", rows), task["error"]
