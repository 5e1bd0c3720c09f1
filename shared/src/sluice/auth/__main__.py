"""`python -m sluice.auth create | adopt | list | revoke`: the API keys in a file. `sluice key` is the same."""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from pydantic import Field, SecretStr

from sluice.auth.grants import Grant
from sluice.auth.keyfile import KeysUnreadable, change_keys, read_keys, with_key, with_revoked
from sluice.auth.keys import ApiKey, new_secret
from sluice.clock import utc_now
from sluice.settings import Settings, read_settings

UNITS = {"h": "hours", "d": "days", "w": "weeks"}

T = TypeVar("T")


class KeySettings(Settings):
    keys_file: Path | None = None
    key: SecretStr = Field(default=SecretStr(""), description="for `adopt`, as arguments of programs are seen by all")


def main(arguments: Sequence[str] | None = None, prog: str = "python -m sluice.auth") -> None:
    """Ends the process with a sentence, and exit code 2, where it cannot be done."""
    parser = _parser(prog, read_settings(KeySettings))
    asked = parser.parse_args(arguments)
    if asked.file is None:
        parser.exit(2, "Which file holds the keys? Say --file, or set SLUICE_KEYS_FILE.\n")
    try:
        told = asked.do(asked)
    except (KeysUnreadable, OSError, ValueError) as error:
        parser.exit(2, f"Nothing is changed: {error}\n")
    sys.stdout.write(told)


def create(asked: argparse.Namespace) -> str:
    """The key on standard output, where a script finds it; what to know about it beside that."""
    secret, now = new_secret(), utc_now()
    key = ApiKey.of(secret, asked.name, asked.scope, now, now + asked.expires if asked.expires else None)
    change_keys(asked.file, lambda keys: with_key(keys, key))
    sys.stderr.write(f"Key {key.id} of {key.name}. It is shown this once; only its SHA-256 is kept.\n")
    return f"{secret}\n"


def adopt(asked: argparse.Namespace) -> str:
    """For a key that a deployment makes."""
    key = ApiKey.of(asked.key.get_secret_value(), asked.name, asked.scope, utc_now())
    change_keys(asked.file, lambda keys: with_key(keys, key))
    return f"Key {key.id} of {key.name} is in {asked.file}.\n"


def show(asked: argparse.Namespace) -> str:
    now = utc_now()
    head = ("ID", "NAME", "STANDING", "CREATED", "EXPIRES", "SCOPES")
    rows = [head, *(_row(key, now) for key in read_keys(asked.file))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "".join(f"{line}\n" for line in lines)


def revoke(asked: argparse.Namespace) -> str:
    change_keys(asked.file, lambda keys: with_revoked(keys, asked.id, utc_now()))
    return f"Key {asked.id} is revoked. Services that read this file refuse it within a second or two.\n"


def _row(key: ApiKey, now: datetime) -> tuple[str, ...]:
    expires = f"{key.expires:%Y-%m-%d}" if key.expires else "never"
    return key.id, key.name, key.standing(now), f"{key.created:%Y-%m-%d}", expires, " ".join(map(str, key.scopes))


def _parser(prog: str, settings: KeySettings) -> argparse.ArgumentParser:
    where, whose, until, which = (argparse.ArgumentParser(add_help=False) for _ in range(4))
    where.add_argument("--file", type=Path, default=settings.keys_file, help="default: SLUICE_KEYS_FILE")
    whose.add_argument("--name", required=True, help="of the caller, as in logs and acceptance records")
    scopes = "upload:sales, read:* …; may be repeated"
    whose.add_argument("--scope", required=True, action="append", type=_said(Grant.parse), help=scopes)
    until.add_argument("--expires", type=_said(_duration), help="from now: 12h, 90d, 52w; else never")
    which.add_argument("id", help="as `list` shows it")

    parser = argparse.ArgumentParser(prog=prog, description="API keys of Sluice, kept in a file that services read.")
    commands = parser.add_subparsers(required=True, metavar="create | adopt | list | revoke")
    for name, do, parents, told in (
        ("create", create, [whose, until, where], "make a key and show it, once"),
        ("adopt", adopt, [whose, where], "keep the key that is in SLUICE_KEY, if it is not yet"),
        ("list", show, [where], "show all keys; not their secrets, which nobody has"),
        ("revoke", revoke, [which, where], "refuse a key from now on"),
    ):
        commands.add_parser(name, parents=parents, help=told).set_defaults(do=do, key=settings.key)
    return parser


def _said(parse: Callable[[str], T]) -> Callable[[str], T]:
    """With the sentence of a ValueError, which argparse keeps to itself."""

    def parsed(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parsed


def _duration(text: str) -> timedelta:
    found = re.fullmatch(r"([1-9][0-9]{0,3})([hdw])", text)
    if found is None:
        raise ValueError("a duration is a number and h, d or w, such as 90d")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


if __name__ == "__main__":
    main()
