"""`python -m druid_submitter [serve | migrate]`."""

import argparse
import asyncio

from druid_submitter.app import create_app, migrate
from druid_submitter.settings import SubmitterSettings
from sluice.http import serve
from sluice.settings import read_settings
from sluice.telemetry import configure_logging


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m druid_submitter")
    parser.add_argument("command", nargs="?", choices=["serve", "migrate"], default="serve")
    command = parser.parse_args().command
    settings = read_settings(SubmitterSettings)
    configure_logging("druid-submitter", settings.log_level)
    if command == "migrate":
        asyncio.run(migrate(settings))
    else:
        serve(create_app(settings), settings)


if __name__ == "__main__":
    main()
