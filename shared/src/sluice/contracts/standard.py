"""A document held against the official JSON Schema of the Open Data Contract Standard, with messages for people."""

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft201909Validator, ValidationError

from sluice.contracts.faults import Faults
from sluice.contracts.model import Operator
from sluice.contracts.source import Path


@cache
def _validator() -> Draft201909Validator:
    return Draft201909Validator(json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text()))


def check_standard(document: Any, faults: Faults) -> None:
    """Adds a fault for everything that is not as the standard has it."""
    if not isinstance(document, dict):
        faults.add(
            (), "not a contract of the Open Data Contract Standard: keys such as apiVersion and schema are needed"
        )
        return
    found = [leaf for error in _validator().iter_errors(document) for leaf in _leaves(error)]
    places = [_place(error) for error in found if error.validator != "unevaluatedProperties"]
    for error in found:
        # where a part is wrong in itself, the validator takes its keys for unknown ones: only the first is worth saying
        shadow = error.validator == "unevaluatedProperties" and any(
            place[: len(_place(error))] == _place(error) for place in places
        )
        if not shadow:
            faults.add(_place(error), f"not as the Open Data Contract Standard has it: {_said(error)}")
    if str(document.get("apiVersion", "")).startswith("v2."):
        faults.add(("apiVersion",), "contracts of version 2 cannot be honoured; write it anew in v3.1.0")


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """What is really wrong; of alternatives, the first fault of the one that comes nearest."""
    if error.context and error.validator not in {"oneOf", "anyOf"}:
        for each in error.context:
            yield from _leaves(each)
    else:
        yield error


def _place(error: ValidationError) -> Path:
    return tuple(error.absolute_path)


def _said(error: ValidationError) -> str:
    match error.validator:
        case "oneOf" if _about_operators(error):
            return f"a rule has exactly one of {', '.join(Operator)}"
        case "oneOf" | "anyOf":
            return "none of the forms that are possible here"
        case "enum":
            return f"must be one of {', '.join(map(str, _expected(error)))}"
        case "type":
            return f"must be of type {error.validator_value}"
        case _:
            return str(error.message)


def _about_operators(error: ValidationError) -> bool:
    return any(each.get("required") == [Operator.EQUAL] for each in _expected(error))


def _expected(error: ValidationError) -> list[Any]:
    """What the JSON Schema has at that keyword, for keywords that have a list."""
    return error.validator_value if isinstance(error.validator_value, list) else []
