"""What an API's own description must have, so that somebody can work with nothing else in hand."""

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

METHODS = {"get", "put", "post", "delete", "patch", "head", "options"}
Part = dict[str, Any]


def undocumented(document: Part) -> list[str]:
    """One line for whatever an operation keeps to itself: a summary, an example, the codes of a refusal."""
    return [
        f"{place}: no {missing}"
        for place, operation in _operations(document)
        for missing in _missing(operation, document)
    ]


def wrong_examples(document: Part) -> list[str]:
    """One line for each example that is not what its schema says."""
    found = []
    for place, operation in _operations(document):
        for what, part in _parts(operation):
            schema = {**part.get("schema", {}), "components": document.get("components", {})}
            faults = [each for example in _examples(part, document) for each in _faults(example, schema)]
            found += [f"{place}: the example of {what}: {fault}" for fault in faults]
    return found


def _operations(document: Part) -> Iterator[tuple[str, Part]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield f"{method.upper()} {path}", operation


def _missing(operation: Part, document: Part) -> Iterator[str]:
    if not operation.get("summary"):
        yield "summary"
    for what, part in _parts(operation):
        problem = part.get("schema", {}).get("properties", {}).get("code", {}).get("enum")
        if problem and sorted(problem) != sorted(part.get("examples", ())):
            yield f"example of each code of {what}"
        elif not _examples(part, document) and not _speaks_for_itself(part, document):
            yield f"example of {what}"
    for status, answer in operation["responses"].items():
        if status.startswith(("4", "5")) and not answer.get("content"):
            yield f"codes of {status}"


def _parts(operation: Part) -> Iterator[tuple[str, Part]]:
    """Everything that has a schema and examples."""
    for parameter in operation.get("parameters", ()):
        yield f"the parameter {parameter['name']}", parameter
    for media_type, body in operation.get("requestBody", {}).get("content", {}).items():
        yield f"the body as {media_type}", body
    for status, answer in operation["responses"].items():
        for media_type, body in answer.get("content", {}).items():
            yield f"{status} as {media_type}", body


def _examples(part: Part, document: Part) -> list[Any]:
    """Those of the part itself, else those of its schema."""
    schema = _resolved(part.get("schema", {}), document)
    named = part.get("examples", {})
    own = [each["value"] for each in named.values()] if isinstance(named, dict) else list(named)
    own += [part["example"]] if "example" in part else []
    return own or list(schema.get("examples", ()))


def _speaks_for_itself(part: Part, document: Part) -> bool:
    """A parameter of an enumeration, or one that need not be given."""
    schema = part.get("schema", {})
    either = [_resolved(each, document) for each in schema.get("anyOf", (schema,))]
    return "in" in part and ("default" in schema or any("enum" in each or "const" in each for each in either))


def _resolved(schema: Part, document: Part) -> Part:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: Part = document["components"]["schemas"][name] if name else schema
    return found


def _faults(example: Any, schema: Part) -> Iterator[str]:
    for error in Draft202012Validator(schema).iter_errors(example):
        yield f"{error.json_path}: {error.message}"
