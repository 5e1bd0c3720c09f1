"""The JSON Schema of our block, for editors and for people: `python -m sluice.contracts schema` writes it."""

import json
from pathlib import Path

from sluice.contracts.block import SluiceBlock

SCHEMA_FILE = Path(__file__).parent / "sluice-block.schema.json"


def block_schema() -> str:
    """As it is committed."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **SluiceBlock.model_json_schema(by_alias=True)}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def write_schema() -> None:
    SCHEMA_FILE.write_text(block_schema(), encoding="utf-8")
