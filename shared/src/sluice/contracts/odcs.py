"""Loading ODCS YAML. What cannot be honoured is refused here, with the place and the way out: nothing is silently ignored."""

import json
import re
from importlib.resources import files
from typing import Any, Literal, cast

import yaml
from jsonschema import Draft201909Validator
from open_data_contract_standard.model import OpenDataContractStandard, SchemaProperty
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic import Field as Setting

from sluice.contracts.model import (
    Bound,
    Contract,
    Dialect,
    DruidTarget,
    Field,
    FieldType,
    Granularity,
    Metric,
    MetricKind,
    Operator,
    Threshold,
)
from sluice.errors import ContractInvalid
from sluice.events import DATASOURCE_PATTERN, VERSION_PATTERN

MAX_BYTES = 1_000_000
BLOCK = "sluice"
"""Name of our entry in `customProperties`."""

OPTIONS: dict[FieldType, set[str]] = {
    FieldType.STRING: {"minLength", "maxLength", "pattern"},
    FieldType.INTEGER: {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
    FieldType.NUMBER: {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
    FieldType.BOOLEAN: set(),
    FieldType.TIMESTAMP: {"format"},
    FieldType.DATE: {"format"},
}

JDK_TO_STRPTIME = {
    "yyyy": "%Y",
    "MM": "%m",
    "dd": "%d",
    "HH": "%H",
    "mm": "%M",
    "ss": "%S",
    "SSS": "%3f",
    "SSSSSS": "%6f",
    "XXX": "%:z",
}
"""The JDK date letters that have an exact counterpart; ODCS writes formats with them."""


class DruidBlock(BaseModel):
    model_config = ConfigDict(extra="forbid")

    timeColumn: str
    segmentGranularity: Granularity = Granularity.DAY
    mode: Literal["append"] = "append"


class DialectBlock(BaseModel):
    model_config = ConfigDict(extra="forbid")

    delimiter: str = Setting(default=",", pattern=r"^[\t\x20-\x7e]$")
    quote: str = Setting(default='"', pattern=r"^[\x21-\x7e]$")
    encoding: Literal["utf-8"] = "utf-8"
    nullWords: list[str] = Setting(default_factory=lambda: [""])
    sheet: str | None = None


class SluiceBlock(BaseModel):
    """What ODCS has no word for."""

    model_config = ConfigDict(extra="forbid")

    druid: DruidBlock
    dialect: DialectBlock = DialectBlock()
    policy: Literal["all-or-nothing"] = "all-or-nothing"


def load_contract(text: str) -> Contract:
    """Read one contract.

    Raises:
        ContractInvalid: not YAML, not ODCS, or something in it that Sluice cannot honour; the message names the place.
    """
    if len(text.encode()) > MAX_BYTES:
        raise ContractInvalid(f"a contract may have {MAX_BYTES} bytes at most")
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ContractInvalid(f"not YAML: {error}") from error
    _check_standard(document)
    return _contract(OpenDataContractStandard.model_validate(document))


def _check_standard(document: object) -> None:
    schema = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text())
    faults = sorted(Draft201909Validator(schema).iter_errors(document), key=lambda fault: str(fault.path))
    if faults:
        said = "; ".join(
            f"{'/'.join(map(str, fault.absolute_path)) or 'document'}: {fault.message}" for fault in faults[:5]
        )
        raise ContractInvalid(f"not a contract of the Open Data Contract Standard: {said[:900]}")


def _contract(odcs: OpenDataContractStandard) -> Contract:
    tables = odcs.schema_ or []
    if len(tables) != 1:
        raise ContractInvalid(f"schema: exactly one table is needed, there are {len(tables)}")
    table = tables[0]
    datasource, version = table.name or "", odcs.version or ""
    if not re.fullmatch(DATASOURCE_PATTERN, datasource):
        raise ContractInvalid("schema/0/name: a datasource is named by lower-case letters, digits, _ and -, at most 63")
    if not re.fullmatch(VERSION_PATTERN, version):
        raise ContractInvalid("version: letters, digits and . + - only, at most 64")
    if table.quality:
        raise ContractInvalid("schema/0/quality: rules on the whole table cannot be honoured; put rules on properties")
    block = _block(odcs)
    fields = tuple(_field(prop, number) for number, prop in enumerate(table.properties or []))
    metrics = tuple(
        metric
        for number, prop in enumerate(table.properties or [])
        for metric in _metrics(prop, f"schema/0/properties/{number}")
    )
    _check_columns(fields, block.druid.timeColumn)
    return Contract(
        datasource=datasource,
        version=version,
        fields=fields,
        metrics=metrics,
        druid=DruidTarget(block.druid.timeColumn, block.druid.segmentGranularity),
        dialect=Dialect(
            delimiter=block.dialect.delimiter,
            quote=block.dialect.quote,
            encoding=block.dialect.encoding,
            null_words=tuple(block.dialect.nullWords),
            sheet=block.dialect.sheet,
        ),
    )


def _block(odcs: OpenDataContractStandard) -> SluiceBlock:
    blocks = [each.value for each in odcs.customProperties or [] if each.property == BLOCK]
    if len(blocks) != 1:
        raise ContractInvalid(f"customProperties: exactly one entry named {BLOCK!r} is needed, with druid.timeColumn")
    try:
        return SluiceBlock.model_validate(blocks[0])
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()[:5])
        raise ContractInvalid(f"customProperties/{BLOCK}: {said}") from error


def _check_columns(fields: tuple[Field, ...], time_column: str) -> None:
    names = [each.name for each in fields]
    if len(set(names)) != len(names):
        raise ContractInvalid("schema/0/properties: two properties have the same name")
    reserved = [name for name in names if name.startswith("__")]
    if reserved:
        raise ContractInvalid("schema/0/properties: names that begin with __ are Druid's and Sluice's own")
    time = next((each for each in fields if each.name == time_column), None)
    if time is None or time.type not in {FieldType.TIMESTAMP, FieldType.DATE} or not time.required:
        raise ContractInvalid(
            "customProperties/sluice/druid/timeColumn: must name a required timestamp or date property"
        )


def _field(prop: SchemaProperty, number: int) -> Field:
    place = f"schema/0/properties/{number}"
    if not prop.name:
        raise ContractInvalid(f"{place}/name: missing")
    kind = _type(prop.logicalType, place)
    options = prop.logicalTypeOptions or {}
    unknown = set(options) - OPTIONS[kind]
    if unknown:
        raise ContractInvalid(f"{place}/logicalTypeOptions: {', '.join(sorted(unknown))} cannot be honoured for {kind}")
    return Field(
        name=prop.name,
        type=kind,
        required=bool(prop.required or prop.primaryKey),
        unique=bool(prop.unique or prop.primaryKey),
        minimum=_bound(options, "minimum", "exclusiveMinimum"),
        maximum=_bound(options, "maximum", "exclusiveMaximum"),
        min_length=options.get("minLength"),
        max_length=options.get("maxLength"),
        pattern=_pattern(options.get("pattern"), place),
        format=_strptime(options.get("format"), place),
        classified=prop.classification is not None and prop.classification.lower() != "public",
    )


def _type(logical_type: str | None, place: str) -> FieldType:
    try:
        return FieldType(logical_type or "")
    except ValueError as error:
        raise ContractInvalid(f"{place}/logicalType: must be one of {', '.join(FieldType)}") from error


def _bound(options: dict[str, Any], inclusive: str, exclusive: str) -> Bound | None:
    if exclusive in options:
        return Bound(float(options[exclusive]), exclusive=True)
    return Bound(float(options[inclusive])) if inclusive in options else None


def _pattern(pattern: str | None, place: str) -> str | None:
    if pattern is None:
        return None
    if re.search(r"\(\?[=!<]|\\[1-9]|\\k<", pattern):
        raise ContractInvalid(
            f"{place}/logicalTypeOptions/pattern: look-around and back-references cannot be honoured: {pattern!r}"
        )
    try:
        re.compile(pattern)
    except re.error as error:
        raise ContractInvalid(f"{place}/logicalTypeOptions/pattern: {error}: {pattern!r}") from error
    return pattern


def _metrics(prop: SchemaProperty, place: str) -> tuple[Metric, ...]:
    rules = prop.quality or []
    if not rules:
        return ()
    rule = rules[0]
    values = (rule.arguments or {}).get("validValues")
    honoured = len(rules) == 1 and rule.metric == "invalidValues" and rule.mustBe == 0 and prop.logicalType == "string"
    if not honoured or not isinstance(values, list) or set(rule.arguments or {}) != {"validValues"}:
        raise ContractInvalid(
            f"{place}/quality: only one rule can be honoured, on a string: "
            "metric invalidValues with arguments.validValues and mustBe 0"
        )
    allowed = tuple(str(value) for value in cast("list[object]", values))
    none = Threshold(Operator.EQUAL, (0,))
    return (Metric(MetricKind.INVALID_VALUES, none, columns=(prop.name or "",), values=allowed),)


def _strptime(pattern: str | None, place: str) -> str | None:
    """Translate a JDK date format. Letters without an exact counterpart are refused."""
    if pattern is None:
        return None
    translated = ""
    for quoted, run, _, other in re.findall(r"'([^']*)'|(([A-Za-z])\3*)|([^A-Za-z']+)", pattern):
        if run and run not in JDK_TO_STRPTIME:
            known = ", ".join(JDK_TO_STRPTIME)
            raise ContractInvalid(f"{place}/logicalTypeOptions/format: {run} cannot be honoured; possible are {known}")
        translated += JDK_TO_STRPTIME[run] if run else (quoted or other).replace("%", "%%")
    return translated
