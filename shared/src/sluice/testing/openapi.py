"""What an API's own description must have, so that somebody can work with nothing else in hand."""

from collections.abc import Iterator
from typing import Any

from sluice.http import PROBLEM_JSON

METHODS = {"get", "put", "post", "delete", "patch", "head", "options"}


def undocumented(document: dict[str, Any]) -> list[str]:
    """One line for whatever an operation keeps to itself: a summary, an example, the codes of a refusal."""
    return [
        f"{method.upper()} {path}: {missing}"
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
        for missing in _missing(operation, document)
    ]


def _missing(operation: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    if not operation.get("summary"):
        yield "a summary"
    for parameter in operation.get("parameters", ()):
        if not (_has_example(parameter, document) or _speaks_for_itself(parameter["schema"], document)):
            yield f"an example of the parameter {parameter['name']}"
    for media_type, body in operation.get("requestBody", {}).get("content", {}).items():
        if not _has_example(body, document):
            yield f"an example of the body as {media_type}"
    for status, answer in operation["responses"].items():
        yield from _missing_of_answer(status, answer, document)


def _missing_of_answer(status: str, answer: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    content = answer.get("content", {})
    for media_type, body in content.items():
        if media_type == PROBLEM_JSON:
            codes = body["schema"]["properties"]["code"]["enum"]
            if sorted(codes) != sorted(body.get("examples", ())):
                yield f"an example of each code of {status}"
        elif not _has_example(body, document):
            yield f"an example of {status} as {media_type}"
    if status.startswith(("4", "5")) and not content:
        yield f"the codes of {status}"


def _has_example(described: dict[str, Any], document: dict[str, Any]) -> bool:
    schema = _resolved(described.get("schema", {}), document)
    return any(each.get(name) for each in (described, schema) for name in ("example", "examples"))


def _speaks_for_itself(schema: dict[str, Any], document: dict[str, Any]) -> bool:
    """A value of an enumeration, or one that need not be given."""
    either = [_resolved(each, document) for each in schema.get("anyOf", (schema,))]
    return "default" in schema or any("enum" in each or "const" in each for each in either)


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (
        document["components"]["schemas"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    )
    return found
