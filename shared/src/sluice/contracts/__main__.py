"""`python -m sluice.contracts publish FILE…`: check contracts, put them on S3, make them active."""

import argparse
import asyncio
import sys
from pathlib import Path

from sluice.contracts.store import publish_contract
from sluice.errors import SluiceError
from sluice.objectstore import open_objectstore
from sluice.settings import S3Settings, read_settings


async def publish(paths: list[Path]) -> None:
    async with open_objectstore(read_settings(S3Settings)) as store:
        for path in paths:
            try:
                reference = await publish_contract(store, path.read_text())
            except SluiceError as error:
                sys.exit(f"{path}: {error}")
            sys.stdout.write(f"{path}: {reference.datasource} {reference.version} is active\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m sluice.contracts", description="Contracts of Sluice")
    parser.add_argument("command", choices=["publish"])
    parser.add_argument("files", nargs="+", type=Path)
    asyncio.run(publish(parser.parse_args().files))
