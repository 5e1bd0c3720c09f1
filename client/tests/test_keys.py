"""`sluice key`, which hands its words over to the library."""

import pytest
from typer.testing import CliRunner

from sluice.auth.keyfile import read_keys
from sluice.auth.keys import genuine
from sluice_client.app import app


@pytest.fixture
def key(tmp_path, monkeypatch):
    monkeypatch.setenv("SLUICE_KEYS_FILE", str(tmp_path / "keys.json"))
    return lambda *words: CliRunner().invoke(app, ["key", *words], catch_exceptions=False)


def test_keys_are_made_listed_and_revoked(key, tmp_path):
    made = key("create", "--name", "ci", "--scope", "upload:sales", "--expires", "90d")
    assert made.exit_code == 0
    (kept,) = read_keys(tmp_path / "keys.json")
    assert genuine(made.stdout.strip(), kept)
    assert kept.id in key("list").stdout
    assert key("revoke", kept.id).exit_code == 0
    assert "revoked" in key("list").stdout


def test_help_is_that_of_the_command_which_does_it(key):
    assert "usage: sluice key create" in key("create", "--help").stdout
    assert "sluice key" in CliRunner().invoke(app, ["key", "--help"]).stdout


@pytest.mark.parametrize(
    "words", [[], ["list"], ["create", "--name", "ci"], ["create", "--name", "ci", "--scope", "x"]]
)
def test_what_cannot_be_done_ends_with_the_code_of_that(key, words):
    assert key(*words).exit_code == 2
