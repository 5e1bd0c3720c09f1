"""`python -m sluice.contracts publish FILE…`: check contracts, put them on S3, make them active.

`python -m sluice.contracts schema` writes the JSON Schema of our block anew.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from sluice.contracts.publish import Published, publish_contract
from sluice.contracts.schema import write_schema
from sluice.errors import SluiceError
from sluice.objectstore import open_objectstore
from sluice.settings import S3Settings, read_settings


async def publish(paths: list[Path]) -> None:
    async with open_objectstore(read_settings(S3Settings)) as store:
        for path in paths:
            try:
                published = await publish_contract(store, path.read_bytes())
            except (SluiceError, OSError) as error:
                sys.exit(f"{path}: {error}")
            sys.stdout.write(f"{path}: {_told(published)}")


def _told(published: Published) -> str:
    reference, comparison = published.reference, published.comparison
    active = f"{reference.datasource} {reference.version} is active"
    if comparison is None:
        return f"{active}\n"
    changes = "".join(f"  {'BREAKING' if each.breaking else 'ok'}: {each.message}\n" for each in comparison.changes)
    return f"{active}; {'it is breaking' if comparison.breaking else 'it breaks nothing'}\n{changes}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m sluice.contracts", description="Contracts of Sluice")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("publish", help="check contracts and put them in force").add_argument(
        "files", nargs="+", type=Path
    )
    commands.add_parser("schema", help="write the JSON Schema of the block `sluice` anew")
    asked = parser.parse_args()
    if asked.command == "publish":
        asyncio.run(publish(asked.files))
    else:
        write_schema()
