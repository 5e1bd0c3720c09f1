"""`sluice key …`: the API keys in a file that services read. The same words as of `python -m sluice.auth`, which images have."""

from typing import Any

import typer

PASSED_ON: dict[str, Any] = {
    "add_help_option": False,
    "context_settings": {"allow_extra_args": True, "ignore_unknown_options": True},
}
"""Words that this command line does not look at."""


def key(context: typer.Context) -> None:
    """Make, list and revoke API keys, kept in a file that services read."""
    from sluice.auth.__main__ import main  # noqa: PLC0415 - imported when it is called

    main(context.args, prog="sluice key")
