"""Words on the terminal: what comes from a file is made safe to show, and refusals are told in one way."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from sluice_client.errors import Refused

GOOD, BAD, UNABLE = 0, 1, 2
"""Exit codes of all commands: as asked for; not so; nobody can say, for the command could not run."""

LONGEST = 1_000


def shown(text: str, longest: int = LONGEST) -> str:
    """One line, without characters that cannot be seen: none of them moves the cursor or begins a line."""
    visible = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[: longest + 1])
    return visible if len(visible) <= longest else visible[:longest] + "…"


def say(line: str = "") -> None:
    typer.echo(line)


def warn(line: str) -> None:
    typer.echo(line, err=True)


def end(code: int) -> NoReturn:
    raise typer.Exit(code)


@contextmanager
def refusals() -> Iterator[None]:
    """What the command could not do is told on stderr, and it ends with UNABLE."""
    try:
        yield
    except Refused as refused:
        warn("\n".join(shown(line) for line in f"error: {refused.code}: {refused.message}".splitlines()))
        end(UNABLE)
