"""Words on the terminal: what comes from a file is made safe to show, and refusals are told in one way."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from sluice.safetext import shown
from sluice_client.errors import Refused

GOOD, BAD, UNABLE = 0, 1, 2
"""Exit codes of all commands: as asked for; not so; nobody can say, for the command could not run."""


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
