"""Every import contract is seen failing: a rule that cannot break protects nothing."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "sluice": "shared/src",
    "sluice_engine": "engine/src",
    "sluice_client": "client/src",
    "gateway": "services/gateway/src",
    "validator": "services/validator/src",
    "druid_submitter": "services/druid-submitter/src",
    "status_tracker": "services/status-tracker/src",
    "sluice_local": "local/src",
}

VIOLATIONS = {
    "Services are strangers to each other": ("gateway/app.py", "import validator.app"),
    "The library knows no service": ("sluice/clock.py", "import gateway.settings"),
    "Events are a leaf: pydantic and nothing else": ("sluice/events/values.py", "import aiokafka"),
    "The library's floors": ("sluice/objectstore.py", "import sluice.contracts.store"),
    "The engine reads files and nothing else": ("sluice_engine/run.py", "import sluice.objectstore"),
    "The engine's floors": ("sluice_engine/reading/csv.py", "import sluice_engine.judging.rules"),
    "Only the validator and the command use the engine": ("gateway/app.py", "import sluice_engine.run"),
    "The gateway's floors": ("gateway/usecases/accept.py", "import gateway.settings"),
    "The validator's floors": ("validator/ports.py", "import validator.usecases"),
    "The druid-submitter's floors": ("druid_submitter/handlers.py", "import druid_submitter.jobs"),
    "The status-tracker's floors": ("status_tracker/handlers.py", "import status_tracker.app"),
    "Use cases know ports and events, never a technology": ("druid_submitter/usecases/advance.py", "import asyncpg"),
    "The domain calculates: no clock, no storage, no wire": ("druid_submitter/domain/watch.py", "import sluice.clock"),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("imports")
    for package, source in PACKAGES.items():
        shutil.copytree(ROOT / source / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", folder)
    return folder


def broken(folder: Path) -> set[str]:
    """Names of the contracts that do not hold in the folder."""
    program = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    environment = os.environ | {"PYTHONPATH": str(folder), "NO_COLOR": "1", "COLUMNS": "200"}
    done = subprocess.run(
        [*program, "--no-cache"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert "Contracts: " in done.stdout, done.stdout + done.stderr
    return set(re.findall(r"^(.+) BROKEN$", done.stdout, re.MULTILINE))


def test_the_house_keeps_its_rules(copy):
    assert broken(copy) == set()


def test_every_contract_has_a_violation_here():
    assert set(re.findall(r"^name = (.+)$", (ROOT / ".importlinter").read_text(), re.MULTILINE)) == set(VIOLATIONS)


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_a_violation_is_seen(copy, contract):
    name, line = VIOLATIONS[contract]
    path = copy / name
    text = path.read_text()
    path.write_text(f"{text}\n{line}\n")
    try:
        assert contract in broken(copy)
    finally:
        path.write_text(text)
