"""`sluice contract diff`: whom a change breaks, and the exit code."""

import json
from pathlib import Path

import pytest

SALES = (Path(__file__).parents[2] / "contracts" / "sales.odcs.yaml").read_text()
CHANGES = {
    "same": (SALES.replace("Orders as the shops", "What the shops"), 0),
    "looser": (SALES.replace("maximum: 1000\n", "maximum: 2000\n"), 0),
    "stricter": (SALES.replace("maximum: 1000\n", "maximum: 500\n"), 1),
    "unreadable": ("a: [", 2),
}


@pytest.fixture
def compared(run, write):
    return lambda name, *options: run("diff", write("old.yaml", SALES), write("new.yaml", CHANGES[name][0]), *options)


@pytest.mark.parametrize("name", CHANGES)
def test_the_exit_code_says_whether_it_breaks(compared, name):
    assert compared(name).exit_code == CHANGES[name][1]


def test_each_change_is_a_line(compared):
    assert compared("same").stdout == "Nothing differs in meaning.\n"
    assert compared("looser").stdout.startswith("ok: ")
    assert compared("looser").stdout.endswith("It breaks nothing.\n")
    assert compared("stricter").stdout.startswith("BREAKING for senders: ")
    assert compared("stricter").stdout.endswith("It is breaking.\n")


def test_what_cannot_be_read_is_told_with_its_lines(compared):
    done = compared("unreadable")
    assert done.stderr.splitlines()[0].startswith("error: contract-invalid: ")
    assert done.stderr.splitlines()[1].startswith("line 1: not YAML")


def test_programs_get_json(compared):
    told = json.loads(compared("stricter", "--json").stdout)
    assert told["breaking"] is True
    assert [(each["breaking"], each["senders"], each["readers"]) for each in told["changes"]] == [(True, True, False)]
    assert json.loads(compared("same", "--json").stdout) == {"breaking": False, "changes": []}
