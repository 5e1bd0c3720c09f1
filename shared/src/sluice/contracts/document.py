"""A contract's document for whoever reads no YAML."""

import json
from math import isfinite
from typing import Any

from sluice.contracts.source import Path, Source, read_source


def document_json(text: str | bytes) -> str:
    """All that stands there, as JSON in ASCII; a number that JSON cannot say stands as it is written. Raises ContractInvalid."""
    source = read_source(text)
    return json.dumps(_plain(source.value, (), source), allow_nan=False)


def _plain(value: Any, path: Path, source: Source) -> Any:
    match value:
        case dict():
            return {key: _plain(each, (*path, key), source) for key, each in value.items()}
        case list():
            return [_plain(each, (*path, number), source) for number, each in enumerate(value)]
        case float() if not isfinite(value):
            return source.text(path)
        case _:
            return value
