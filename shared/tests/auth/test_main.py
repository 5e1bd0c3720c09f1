"""`python -m sluice.auth`, as it is called."""

import os
import re
import subprocess
import sys

import pytest

from sluice.auth import Grant
from sluice.auth.__main__ import main
from sluice.auth.keyfile import read_keys
from sluice.auth.keys import genuine, new_secret


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("SLUICE_KEYS_FILE", str(tmp_path / "keys.json"))
    return tmp_path / "keys.json"


def test_a_key_is_shown_once_listed_and_revoked(path, capsys):
    main(["create", "--name", "ci", "--scope", "upload:sales", "--scope", "read:*", "--expires", "90d"])
    shown = capsys.readouterr()
    secret = shown.out.strip()
    (key,) = read_keys(path)
    assert genuine(secret, key)
    assert (key.name, key.scopes) == ("ci", (Grant.parse("upload:sales"), Grant.parse("read:*")))
    assert (key.expires - key.created).days == 90
    assert secret not in shown.err
    assert key.id in shown.err

    main(["list"])
    head, line = capsys.readouterr().out.splitlines()
    assert head.split() == ["ID", "NAME", "STANDING", "CREATED", "EXPIRES", "SCOPES"]
    assert line.split()[:3] == [key.id, "ci", "active"]
    assert line.endswith("upload:sales read:*")
    assert secret[17:] not in line

    main(["revoke", key.id])
    assert key.id in capsys.readouterr().out
    main(["list"])
    assert capsys.readouterr().out.splitlines()[1].split()[2] == "revoked"


def test_a_key_made_elsewhere_is_kept_once(path, monkeypatch):
    secret = new_secret()
    monkeypatch.setenv("SLUICE_KEY", secret)
    for _ in range(2):
        main(["adopt", "--name", "compose", "--scope", "read:*", "--file", str(path)])
    (key,) = read_keys(path)
    assert genuine(secret, key)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["list"], r"keys\.json: No such file"),
        (["revoke", "abc"], "no key with the id abc"),
        (["create", "--name", "a b", "--scope", "read:*"], "a name has at most"),
        (["adopt", "--name", "a", "--scope", "read:*"], "a key is slk_"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(path, monkeypatch, capsys, arguments, says):
    monkeypatch.delenv("SLUICE_KEY", raising=False)
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert re.search(says, capsys.readouterr().err)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["create", "--name", "a", "--scope", "sales"], "a scope is <verb>:<datasource>"),
        (["create", "--name", "a", "--scope", "read:*", "--expires", "soon"], "a duration is a number"),
        (["create", "--name", "a"], "--scope"),
        ([], "create | adopt | list | revoke"),
    ],
)
def test_what_is_asked_wrongly_is_explained(path, capsys, arguments, says):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


def test_somebody_must_say_which_file(monkeypatch, capsys):
    monkeypatch.delenv("SLUICE_KEYS_FILE", raising=False)
    with pytest.raises(SystemExit):
        main(["list"])
    assert "Say --file, or set SLUICE_KEYS_FILE" in capsys.readouterr().err


def test_it_is_a_command_whose_standard_output_is_the_key(path):
    command = [sys.executable, "-m", "sluice.auth", "create", "--name", "ci", "--scope", "read:*"]
    made = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=True)
    assert genuine(made.stdout.removesuffix("\n"), read_keys(path)[0])
