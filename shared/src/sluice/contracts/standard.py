"""A document held against the official JSON Schema of the Open Data Contract Standard, with messages for people."""

import json
from collections import defaultdict
from collections.abc import Iterator
from functools import cache, reduce
from importlib.resources import files
from operator import getitem
from typing import Any

from jsonschema import Draft201909Validator, ValidationError
from jsonschema.validators import extend

from sluice.contracts.faults import Faults
from sluice.contracts.model import Operator
from sluice.contracts.source import Path

UNKNOWN = "no key of the Open Data Contract Standard here; correct it, or keep what is your own in customProperties"


@cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text())
    return schema


def _if(validator: Any, condition: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """A property without a logicalType meets each condition on it, and would have to be a map and a vector at once: not meant."""
    untyped = isinstance(instance, dict) and "logicalType" not in instance
    if not untyped or "logicalType" not in str(condition):
        yield from Draft201909Validator.VALIDATORS["if"](validator, condition, instance, schema)


@cache
def _validator() -> Any:
    return extend(Draft201909Validator, {"if": _if})(_schema())  # type: ignore[no-untyped-call]  # it has no types


def check_standard(document: Any, faults: Faults) -> None:
    """Adds a fault for everything that is not as the standard has it."""
    if not isinstance(document, dict):
        faults.add(
            (), "not a contract of the Open Data Contract Standard: keys such as apiVersion and schema are needed"
        )
        return
    found = [leaf for error in _validator().iter_errors(document) for leaf in _leaves(error)]
    wrong = [_place(error) for error in found if error.validator != "unevaluatedProperties"]
    for error in found:
        for place, said in _told(error, wrong):
            faults.add(place, said)
    if str(document.get("apiVersion", "")).startswith("v2."):
        faults.add(("apiVersion",), "contracts of version 2 cannot be honoured; write it anew in v3.1.0")


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """What is really wrong; of alternatives, what is wrong with the one that is meant."""
    parts = _meant(error) if error.validator in {"oneOf", "anyOf"} else error.context
    if parts:
        for each in parts:
            yield from _leaves(each)
    else:
        yield error


def _meant(error: ValidationError) -> list[ValidationError]:
    """Faults of the only alternative that is of the right form; none where that cannot be told."""
    alternatives = defaultdict(list)
    for each in error.context or ():
        alternatives[each.schema_path[0]].append(each)
    near = [faults for faults in alternatives.values() if not any(map(_of_another_form, faults))]
    return near[0] if len(near) == 1 else []


def _of_another_form(error: ValidationError) -> bool:
    return not error.path and error.validator in {"type", "required"}


def _told(error: ValidationError, wrong: list[Path]) -> Iterator[tuple[Path, str]]:
    """Each place with what to say of it. `wrong` are the places of all faults but keys that were not expected."""
    place = _place(error)
    if error.validator not in {"additionalProperties", "unevaluatedProperties"}:
        yield place, f"not as the Open Data Contract Standard has it: {_said(error)}"
        return
    instance: Any = error.instance
    unknown = sorted(set(instance) - _keys(error.schema))
    for key in unknown:
        yield (*place, key), UNKNOWN
    # where a part is wrong in itself, the validator takes its known keys for unexpected ones as well
    if not unknown and not any(each[: len(place)] == place for each in wrong):
        names = error.message.partition("(")[2].removesuffix(")")
        yield place, f"not as the Open Data Contract Standard has it: {names} here"


def _keys(schema: Any) -> set[str]:
    """Every key that the JSON Schema knows of an object, whatever the conditions."""
    found = set(schema.get("properties", ()))
    parts = [each for keyword in ("allOf", "anyOf", "oneOf") for each in schema.get(keyword, ())]
    parts += [schema[keyword] for keyword in ("if", "then", "else") if keyword in schema]
    if "$ref" in schema:
        parts.append(reduce(getitem, schema["$ref"].split("/")[1:], _schema()))
    return found.union(*map(_keys, parts))


def _place(error: ValidationError) -> Path:
    return tuple(error.absolute_path)


def _said(error: ValidationError) -> str:
    match error.validator:
        case "required":
            instance: Any = error.instance
            missing = [key for key in _expected(error) if key not in instance]
            said = f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
        case "oneOf" if _about_operators(error):
            said = f"a rule has exactly one of {', '.join(Operator)}"
        case "oneOf" | "anyOf":
            said = "none of the forms that are possible here"
        case "not":
            said = "a key too many, or two that exclude each other"
        case "enum":
            said = f"must be one of {', '.join(map(str, _expected(error)))}"
        case "type":
            said = f"must be of type {error.validator_value}"
        case "uniqueItems":
            said = "an entry stands twice; keep one of them"
        case _:
            said = str(error.message)
    return said


def _about_operators(error: ValidationError) -> bool:
    return any(each.get("required") == [Operator.EQUAL] for each in _expected(error))


def _expected(error: ValidationError) -> list[Any]:
    """What the JSON Schema has at that keyword, for keywords that have a list."""
    return error.validator_value if isinstance(error.validator_value, list) else []
