"""May a schema change in place? Only so that old messages suit the new reader and new messages suit the old one."""

from collections.abc import Iterator
from typing import Any


def breaks(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What would break, as sentences; empty when the change is forward and backward compatible.

    Compares properties, what is required, types and enumerations, through `$defs`. A break needs a new event `TYPE`.
    """
    return list(_objects(old, new, "body"))


def _objects(old: dict[str, Any], new: dict[str, Any], place: str) -> Iterator[str]:
    yield from _properties(old, new, place)
    for name, definition in old.get("$defs", {}).items():
        if name in new.get("$defs", {}):
            yield from _properties(definition, new["$defs"][name], name)
        else:
            yield f"{name} is gone"


def _properties(old: dict[str, Any], new: dict[str, Any], place: str) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    required_before, required_after = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(required_after - required_before):
        yield f"{place}.{name} has become required: old messages may lack it"
    for name in sorted(required_before - required_after):
        yield f"{place}.{name} is no longer required: old readers need it"
    for name in sorted(set(before) - set(after)):
        yield f"{place}.{name} is gone"
    for name in sorted(set(before) & set(after)):
        if _shape(before[name]) != _shape(after[name]):
            yield f"{place}.{name} has changed its type or its limits"
    if old.get("enum") != new.get("enum"):
        yield f"{place} has other values than before"


def _shape(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in {"description", "title", "default", "examples"}}
