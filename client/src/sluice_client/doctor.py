"""`sluice doctor`: what a Druid cluster can do for Sluice. The same words as of `python -m sluice.druid`, which images have."""

import typer


def doctor(context: typer.Context) -> None:
    """Tell what a Druid cluster can do for Sluice. Exit code 1: something fails; 2: it could not be asked."""
    from sluice.druid.__main__ import main  # noqa: PLC0415 - imported when it is called

    main(context.args, prog="sluice doctor")
