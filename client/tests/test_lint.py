"""`sluice contract lint`: every fault, its line, and the exit code."""

from pathlib import Path

import pytest

CONTRACTS = Path(__file__).parents[2] / "contracts"
SALES = (CONTRACTS / "sales.odcs.yaml").read_text()
LARGE = 'logicalTypeOptions:\n          pattern: "(?:a{1000}){1000}" '


def test_good_contracts_are_good(run):
    done = run("lint", *sorted(CONTRACTS.glob("*.yaml")))
    assert (done.exit_code, done.stdout.count(": good\n")) == (0, 2)


def test_every_fault_of_every_contract_is_told_with_its_line(run, write):
    bad = SALES.replace("maximum: 10000", "maximum: -1").replace("timeColumn: Trans", "timeColumn: trans")
    path = write("bad.yaml", bad)
    done = run("lint", CONTRACTS / "sales.odcs.yaml", path)
    found = [each.removeprefix(f"{path}:").split(": ", 2) for each in done.stdout.splitlines()[1:]]
    lines = bad.splitlines()
    assert done.exit_code == 1
    assert [(place, lines[int(at) - 1].strip()) for at, place, _ in found] == [
        ("schema/0/properties/4/logicalTypeOptions", "logicalTypeOptions:"),
        ("customProperties/0/value/druid/timeColumn", "timeColumn: transactionTimestamp"),
    ]


def test_more_faults_than_are_listed_are_counted(run, write):
    columns = "".join(f"      - name: c{at}\n        logicalType: array\n" for at in range(30))
    path = write("many.yaml", SALES.replace("    properties:\n", f"    properties:\n{columns}"))
    done = run("lint", path)
    assert (done.exit_code, len(done.stdout.splitlines())) == (1, 21)
    assert done.stdout.splitlines()[-1].endswith("and 10 more faults: correct these first")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: [", "2: not YAML"),
        ("", "1: the contract is empty"),
        (
            SALES.replace("logicalTypeOptions:\n          pattern: ", f"{LARGE}#"),
            "1: pattern of CustomerEmail cannot be honoured",
        ),
    ],
    ids=["yaml", "empty", "engine"],
)
def test_faults_without_a_place_of_their_own(run, write, text, said):
    path = write("bad.yaml", text)
    done = run("lint", path)
    assert (done.exit_code, done.stdout.startswith(f"{path}:{said}")) == (1, True), done.stdout


def test_files_that_cannot_be_read(run, tmp_path):
    done = run("lint", tmp_path / "none.yaml")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: unreadable-contract: ")
