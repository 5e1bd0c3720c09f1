"""`python -m status_tracker [serve | migrate | rebuild]`."""

import argparse
import asyncio

import structlog

from sluice.http import serve
from sluice.settings import PostgresSettings, read_settings
from sluice.telemetry import configure_logging
from status_tracker.app import create_app, migrate, rebuild
from status_tracker.settings import TrackerSettings

log = structlog.get_logger()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m status_tracker", description="Tells what happened to every file.")
    parser.add_argument("command", nargs="?", choices=["serve", "migrate", "rebuild"], default="serve")
    command = parser.parse_args().command
    if command == "serve":
        settings = read_settings(TrackerSettings)
        configure_logging("status-tracker", settings.log_level)
        serve(create_app(settings), settings)
        return
    database = read_settings(PostgresSettings)
    configure_logging("status-tracker", database.log_level)
    if command == "migrate":
        asyncio.run(migrate(database))
    else:
        log.info("tasks rebuilt", tasks=asyncio.run(rebuild(database)))


if __name__ == "__main__":
    main()
