"""Values that a contract lists, and thresholds: can they ever be so?"""

import re
from collections.abc import Mapping
from math import ceil, floor, inf
from typing import Any, TypeVar

from sluice.contracts.faults import Faults
from sluice.contracts.formats import FormatUnknown, moment
from sluice.contracts.model import Field, FieldType, Operator, Threshold, Unit
from sluice.contracts.source import Path, Source

Key = TypeVar("Key", str, int)


def texts_of(source: Source, path: Path, values: Mapping[Key, Any], faults: Faults) -> dict[Key, str]:
    """Values as they are written, by their keys below `path`. Nulls and empty ones are left out: an empty cell holds no value."""
    texts = {}
    for key, value in values.items():
        if isinstance(value, list | dict):
            faults.add((*path, key), "must be a single value")
        elif text := source.text((*path, key)):
            texts[key] = text
    return texts


def fits(field: Field, text: str) -> bool:
    """Could the text be a value of the column? Of dates with a format of their own, the engine has the last word."""
    match field.type:
        case FieldType.INTEGER:
            return re.fullmatch(r"[+-]?[0-9]+", text) is not None
        case FieldType.NUMBER:
            return re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text) is not None
        case FieldType.BOOLEAN:
            return text.lower() in {"true", "false", "1", "0"}
        case FieldType.TIMESTAMP | FieldType.DATE if field.format is None:
            try:
                moment(text, "date" if field.type is FieldType.DATE else "timestamp")
            except FormatUnknown:
                return False
            return True
        case _:
            return True


def possible(threshold: Threshold) -> bool:
    """Is there any count, or any percentage, for which it holds?"""
    low, high = threshold.values[0], threshold.values[-1]
    whole, top = threshold.unit is Unit.ROWS, inf if threshold.unit is Unit.ROWS else 100.0
    first, last = (ceil(low), floor(high)) if whole else (low, high)
    return {
        Operator.EQUAL: 0 <= low <= top and first <= last,
        Operator.NOT_EQUAL: True,
        Operator.GREATER: low < top,
        Operator.GREATER_OR_EQUAL: low <= top,
        Operator.LESS: low > 0,
        Operator.LESS_OR_EQUAL: low >= 0,
        Operator.BETWEEN: first <= last and last >= 0 and first <= top,
        Operator.NOT_BETWEEN: low <= high and (low > 0 or high < top),
    }[threshold.operator]
