"""The command as a process of its own."""

import os
import subprocess
import sys

import pytest


def test_it_is_a_module_that_says_what_it_does():
    done = subprocess.run(
        [sys.executable, "-m", "sluice_client", "contract"], capture_output=True, text=True, check=False
    )
    assert all(name in done.stdout for name in ("init", "lint", "diff", "test"))


@pytest.mark.parametrize("words", [["--help"], ["contract", "test", "--help"]])
def test_help_does_not_wait_for_the_engine(words):
    code = (
        "import sys; from sluice_client.app import app; app(sys.argv[1:], standalone_mode=False);"
        "print(sorted({'polars', 'sluice_engine', 'sluice.contracts'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_words_that_no_command_knows_end_as_what_could_not_run():
    words = ["contract", "test", "only-one"]
    assert (
        subprocess.run([sys.executable, "-m", "sluice_client", *words], capture_output=True, check=False).returncode
        == 2
    )


def test_the_doctor_is_asked_in_the_same_words_and_says_what_it_needs():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_DRUID")}
    command = [sys.executable, "-m", "sluice_client", "doctor", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "SLUICE_DRUID_ROUTER_URL" in done.stderr


def test_an_error_of_the_program_is_no_verdict(tmp_path):
    path, contract = tmp_path / "a.csv", tmp_path / "a.odcs.yaml"
    path.write_text("day,n\n2024-01-01,1\n")
    command = [sys.executable, "-m", "sluice_client", "contract"]
    subprocess.run([*command, "init", path, "--out", contract], check=True)
    without_disk = ["bash", "-c", 'ulimit -f 0; exec "$0" "$@"', *command]
    done = subprocess.run([*without_disk, "test", contract, path], capture_output=True, check=False)
    assert (done.returncode, b"Traceback" in done.stderr) == (2, True)
