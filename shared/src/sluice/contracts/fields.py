"""Properties of the schema as fields: their types, and the rules on single cells."""

from collections.abc import Callable, Iterator
from math import floor, isfinite
from typing import Any

from sluice.contracts.faults import Faults
from sluice.contracts.formats import FormatUnknown, Kind, moment, strptime_of
from sluice.contracts.model import Bound, Field, FieldType, StringFormat
from sluice.contracts.narrowing import whole_maximum, whole_minimum
from sluice.contracts.patterns import PatternUnfit, check_pattern
from sluice.contracts.source import Path

LONGEST_NAME = 255
RANGE = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
OPTIONS: dict[FieldType, set[str]] = {
    FieldType.STRING: {"minLength", "maxLength", "pattern", "format"},
    FieldType.INTEGER: {*RANGE, "multipleOf", "format"},
    FieldType.NUMBER: {*RANGE, "multipleOf", "format"},
    FieldType.BOOLEAN: set(),
    FieldType.TIMESTAMP: {*RANGE, "format", "timezone", "defaultTimezone"},
    FieldType.DATE: {*RANGE, "format"},
}
NO_COLUMN = {
    "object": "a cell holds one value; give each part a property of its own",
    "array": "a cell holds one value; keep it as a string",
    "map": "a cell holds one value; give each key a property of its own",
    "vector": "a cell holds one value; keep it as a string",
    "time": "a time of day has no type of its own here; keep it as a string with a pattern",
}
F32 = 3.4028234663852886e38
WIDTHS: dict[str, tuple[float, float] | None] = {
    **{f"i{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32)},
    **{f"u{bits}": (0, 2**bits - 1) for bits in (8, 16, 32)},
    "i64": None,
    "f32": (-F32, F32),
    "f64": None,
}
"""Ranges of the widths that ODCS names; None is our own, which needs no check."""
LARGEST = 2**63
FINEST, COARSEST = 1e-15, 1e15
"""Steps that can be counted in the digits of a double."""
LONGEST = 2**31
"""Characters; no cell has as many."""
UTC = {"UTC", "Etc/UTC", "Z", "GMT", "Etc/GMT"}


def field_of(prop: dict[str, Any], path: Path, faults: Faults) -> Field:
    """One property. Where something is wrong, a fault is added and the field goes without it."""
    kind, name = _type(prop, path, faults), _name(prop["name"], path, faults)
    _check_rest(prop, path, faults)
    if kind is None:
        return Field(name, FieldType.STRING)
    options: dict[str, Any] = prop.get("logicalTypeOptions") or {}
    place = (*path, "logicalTypeOptions")
    for option in sorted(set(options) - OPTIONS[kind]):
        possible = ", ".join(sorted(OPTIONS[kind])) or "none"
        faults.add((*place, option), f"cannot be honoured for {kind}; possible are: {possible}")
    low, high = _range(kind, options, place, faults)
    return Field(
        name=name,
        type=kind,
        required=bool(prop.get("required") or prop.get("primaryKey")),
        unique=bool(prop.get("unique")),
        minimum=low,
        maximum=high,
        multiple_of=_step(kind, options, place, faults),
        min_length=options.get("minLength"),
        max_length=options.get("maxLength"),
        pattern=_checked(options.get("pattern"), check_pattern, (*place, "pattern"), faults),
        string_format=_string_format(kind, options, place, faults),
        format=_date_format(kind, options, place, faults),
        classified=str(prop.get("classification") or "public").lower() != "public",
    )


def _name(name: str, path: Path, faults: Faults) -> str:
    for fault in name_faults(name):
        faults.add((*path, "name"), fault)
    return name


def name_faults(name: str) -> Iterator[str]:
    """What keeps it from being the name of a column."""
    if name == "*" or (name.startswith("^") and name.endswith("$")):
        yield f"{name} would be read as a pattern of names; choose another"
    if not name or name != name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        yield f"a name has 1 to {LONGEST_NAME} characters that can be seen, and no blank before or after"
    if name.startswith("__"):
        yield "names that begin with __ are Druid's and Sluice's own; choose another"


def _type(prop: dict[str, Any], path: Path, faults: Faults) -> FieldType | None:
    said = prop.get("logicalType")
    if said in set(FieldType):
        return FieldType(said)
    if said is None:
        faults.add(path, f"logicalType is missing; it must be one of {', '.join(FieldType)}")
    else:
        faults.add((*path, "logicalType"), f"{said} cannot be honoured: {NO_COLUMN.get(said, 'no such type')}")
    return None


def _check_rest(prop: dict[str, Any], path: Path, faults: Faults) -> None:
    """What would be a promise about the data, and could not be kept."""
    if prop.get("relationships"):
        faults.add((*path, "relationships"), "cannot be honoured: values are not looked up elsewhere; say it in a text")
    if prop.get("semanticType") == "measure":
        faults.add((*path, "semanticType"), "a measure is calculated, and stands in no file; leave the property out")


def _range(kind: FieldType, options: dict[str, Any], place: Path, faults: Faults) -> tuple[Bound | None, Bound | None]:
    low = [_bound(kind, options, name, place, faults) for name in ("minimum", "exclusiveMinimum") if name in options]
    high = [_bound(kind, options, name, place, faults) for name in ("maximum", "exclusiveMaximum") if name in options]
    lows, highs = [each for each in low if each], [each for each in high if each]
    if kind in {FieldType.INTEGER, FieldType.NUMBER} and "format" in options:
        width = WIDTHS.get(str(options["format"]))
        if options["format"] not in WIDTHS:
            faults.add((*place, "format"), f"cannot be honoured; possible are {', '.join(WIDTHS)}, or leave it out")
        if width:
            lows.append(Bound(width[0]))
            highs.append(Bound(width[1]))
    least = max(lows, key=lambda bound: (bound.value, bound.exclusive), default=None)
    most = min(highs, key=lambda bound: (bound.value, not bound.exclusive), default=None)
    if least and most and _empty(kind, least, most):
        faults.add(place, "the minimum is above the maximum: no value could ever be within")
    for option in ("minLength", "maxLength"):
        if options.get(option, 0) > LONGEST:
            faults.add((*place, option), f"no text has more than {LONGEST:,} characters; write less, or leave it out")
    if (shortest := options.get("minLength")) and shortest > options.get("maxLength", shortest):
        faults.add((*place, "minLength"), "is above maxLength: no text could ever be within")
    return least, most


def _empty(kind: FieldType, low: Bound, high: Bound) -> bool:
    if kind is FieldType.NUMBER:
        return low.value > high.value or (low.value == high.value and (low.exclusive or high.exclusive))
    return whole_minimum(low).value > whole_maximum(high).value


def _bound(kind: FieldType, options: dict[str, Any], name: str, place: Path, faults: Faults) -> Bound | None:
    said, exclusive = options[name], name.startswith("exclusive")
    if kind in {FieldType.INTEGER, FieldType.NUMBER}:
        if not isfinite(said):
            faults.add((*place, name), "must be a finite number")
        elif kind is FieldType.INTEGER and abs(said) > LARGEST:
            faults.add((*place, name), "an integer has 64 bits at most; write such a bound smaller, or leave it out")
        else:
            return Bound(said, exclusive)
    elif kind in {FieldType.TIMESTAMP, FieldType.DATE}:
        try:
            return Bound(moment(said, _kind(kind)), exclusive)
        except FormatUnknown as unknown:
            faults.add((*place, name), str(unknown))
    return None


def _kind(kind: FieldType) -> Kind:
    return "date" if kind is FieldType.DATE else "timestamp"


def _step(kind: FieldType, options: dict[str, Any], place: Path, faults: Faults) -> float | None:
    step: float | None = options.get("multipleOf")
    if step is None:
        return None
    if not isfinite(step) or step <= 0:
        faults.add((*place, "multipleOf"), "must be a number above 0")
        return None
    if not FINEST <= step <= COARSEST:
        faults.add((*place, "multipleOf"), f"must be within {FINEST:g} and {COARSEST:g}: others cannot be counted")
        return None
    if kind is FieldType.INTEGER and step != floor(step):
        faults.add(
            (*place, "multipleOf"), "must be a whole number for an integer; for fractions use logicalType number"
        )
    return step


def _string_format(kind: FieldType, options: dict[str, Any], place: Path, faults: Faults) -> StringFormat | None:
    said = options.get("format")
    if kind is not FieldType.STRING or said is None:
        return None
    if said in set(StringFormat):
        return StringFormat(said)
    possible = ", ".join(StringFormat)
    faults.add((*place, "format"), f"{said!r} cannot be honoured; possible are {possible}; or say it as a pattern")
    return None


def _date_format(kind: FieldType, options: dict[str, Any], place: Path, faults: Faults) -> str | None:
    if kind not in {FieldType.TIMESTAMP, FieldType.DATE}:
        return None
    if options.get("timezone"):
        faults.add((*place, "timezone"), "cannot be demanded: an offset is understood where there is one; leave it out")
    if options.get("defaultTimezone", "UTC") not in UTC:
        faults.add((*place, "defaultTimezone"), "only UTC can be honoured; send times with their offset, or in UTC")
    if (said := options.get("format")) is None:
        return None
    try:
        return strptime_of(said, _kind(kind))
    except FormatUnknown as unknown:
        faults.add((*place, "format"), str(unknown))
        return None


def _checked(text: str | None, check: Callable[[str], None], place: Path, faults: Faults) -> str | None:
    if text is None:
        return None
    try:
        check(text)
    except PatternUnfit as unfit:
        faults.add(place, str(unfit))
        return None
    return text
