"""Variables such as `${REGION}`, which the standard leaves to tools. Nobody resolves them here: a contract says the same everywhere.

Where they only describe (servers, texts) they may stand. Where they would be taken for a rule or a setting they are refused.
"""

import re

from sluice.contracts.faults import Faults
from sluice.contracts.source import Path, Source

VARIABLE = re.compile(r"(?<!\\)\$\{[A-Za-z_][A-Za-z0-9_]*(?::-[^}]*)?\}")


def check_variables(source: Source, block: Path | None, faults: Faults) -> None:
    """`block` is the place of our own block."""
    for path, text in source.texts.items():
        if (found := VARIABLE.search(text)) and (_counts(path) or (block and path[: len(block)] == block)):
            faults.add(path, f"{found[0]} is a variable, and nothing resolves it here; write its value")


def _counts(path: Path) -> bool:
    match path:
        case ("schema", _, "properties", _, "name") | ("schema", _, "properties", _, "enum", _, "value"):
            return True
        case ("schema", _, "properties", _, "logicalTypeOptions", *_):
            return True
        case ("schema", _, "quality", _, "arguments", *_) | (
            "schema",
            _,
            "properties",
            _,
            "quality",
            _,
            "arguments",
            *_,
        ):
            return True
        case _:
            return False
