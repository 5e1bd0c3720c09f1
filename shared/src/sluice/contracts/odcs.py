"""Loading ODCS YAML. What cannot be honoured is refused here, with its line and the way out: no rule is silently ignored.

What only describes (owners, prices, servers, tags, service levels, lineage) is left aside.
"""

import re
from collections import Counter
from dataclasses import replace
from typing import Any

from sluice.contracts import settings
from sluice.contracts.block import SluiceBlock, find_block
from sluice.contracts.faults import Faults
from sluice.contracts.fields import field_of
from sluice.contracts.metrics import RulesReader
from sluice.contracts.model import (
    Contract,
    Custom,
    Dialect,
    DruidTarget,
    Field,
    Metric,
    MetricKind,
    Policy,
    SameContent,
)
from sluice.contracts.source import Path, Source, read_source
from sluice.contracts.standard import check_standard
from sluice.contracts.target import target_of
from sluice.contracts.variables import check_variables
from sluice.events import DATASOURCE_PATTERN, VERSION_PATTERN

TABLE: Path = ("schema", 0)
PROPERTIES: Path = (*TABLE, "properties")
MOST_COLUMNS = 1_000


def load_contract(text: str | bytes) -> Contract:
    """Read one contract, text or UTF-8.

    Raises:
        ContractInvalid: not YAML, not ODCS, or something in it that Sluice cannot honour. The message has a line for each
            fault, with its place; a ContractFaulty has them as data.
    """
    source = read_source(text)
    faults = Faults(source)
    check_standard(source.value, faults)
    faults.raise_any()
    _check_shape(source.value, faults)
    faults.raise_any()
    contract = _contract(source, faults)
    faults.raise_any()
    return contract


def _check_shape(document: dict[str, Any], faults: Faults) -> None:
    """What must be so before anything else can be read."""
    tables = document.get("schema") or []
    if not tables:
        faults.add(("schema",), "one table is needed, and there is none; describe the columns of the file as one")
    elif len(tables) > 1:
        faults.add(("schema",), f"one table is needed, and there are {len(tables)}; write a contract for each")
    elif not 0 < len(tables[0].get("properties") or []) <= MOST_COLUMNS:
        faults.add(TABLE, f"1 to {MOST_COLUMNS} properties are needed: the columns of the file")


def _check_table(document: dict[str, Any], faults: Faults) -> None:
    table = document["schema"][0]
    if not re.fullmatch(DATASOURCE_PATTERN, table["name"]):
        said = "a datasource is named by lower-case letters, digits, _ and -, at most 63, the first a letter"
        faults.add((*TABLE, "name"), f"{said}; rename the table")
    if not re.fullmatch(VERSION_PATTERN, document["version"]):
        faults.add(("version",), "letters, digits and . + - only, at most 64")
    if table.get("relationships"):
        faults.add(
            (*TABLE, "relationships"), "cannot be honoured: values are not looked up elsewhere; say it in a text"
        )


def _contract(source: Source, faults: Faults) -> Contract:
    document, table = source.value, source.value["schema"][0]
    properties: list[dict[str, Any]] = table["properties"]
    _check_table(document, faults)
    fields = {each["name"]: field_of(each, (*PROPERTIES, number), faults) for number, each in enumerate(properties)}
    _check_names(properties, faults)
    metrics, customs = _rules(source, fields, faults)
    block = find_block(document, faults)
    check_variables(source, block[0] if block else None, faults)
    dialect, policy, target, aliases = _settings(block, fields, customs, faults)
    _check_words(dialect, metrics, faults, block[0] if block else ())
    return Contract(
        datasource=table["name"],
        version=document["version"],
        fields=tuple(replace(each, aliases=aliases.get(each.name, ())) for each in fields.values()),
        druid=target,
        dialect=dialect,
        policy=policy,
        same_content=block[1].same_content if block else SameContent.ALLOW,
        primary_key=_primary_key(properties, faults),
        metrics=metrics,
        customs=customs,
    )


def _rules(source: Source, fields: dict[str, Field], faults: Faults) -> tuple[tuple[Metric, ...], tuple[Custom, ...]]:
    table = source.value["schema"][0]
    reader = RulesReader(source, fields, faults)
    of_columns = [
        metric
        for number, each in enumerate(table["properties"])
        for metric in reader.of_column(each, fields[each["name"]], (*PROPERTIES, number))
    ]
    of_table, customs = reader.of_table(table, TABLE)
    return (*of_columns, *of_table), customs


def _settings(
    block: tuple[Path, SluiceBlock] | None, fields: dict[str, Field], customs: tuple[Custom, ...], faults: Faults
) -> tuple[Dialect, Policy, DruidTarget, dict[str, tuple[str, ...]]]:
    if block is None:
        return Dialect(), Policy(), DruidTarget(""), {}
    path, said = block
    return (
        settings.dialect_of(said, path, faults),
        settings.policy_of(said, fields, customs, path, faults),
        target_of(said, fields, path, faults),
        settings.aliases_of(said, list(fields), path, faults),
    )


def _check_names(properties: list[dict[str, Any]], faults: Faults) -> None:
    counts = Counter(each["name"] for each in properties)
    for number, each in enumerate(properties):
        if counts[each["name"]] > 1:
            faults.add((*PROPERTIES, number, "name"), "two properties have the same name; rename one of them")


def _primary_key(properties: list[dict[str, Any]], faults: Faults) -> tuple[str, ...]:
    """Columns of the key, in the order of their positions."""
    keys = [(number, each) for number, each in enumerate(properties) if each.get("primaryKey")]
    positions = [each.get("primaryKeyPosition", -1) for _, each in keys]
    for (number, _), position in zip(keys, positions, strict=True):
        if len(keys) > 1 and (position < 1 or positions.count(position) > 1):
            place = (*PROPERTIES, number, "primaryKeyPosition")
            faults.add(place, "several columns make the primary key; number them 1, 2, … in primaryKeyPosition")
    return tuple(each["name"] for _, each in sorted(keys, key=lambda key: key[1].get("primaryKeyPosition", -1)))


def _check_words(dialect: Dialect, metrics: tuple[Metric, ...], faults: Faults, path: Path) -> None:
    """A null word that is a valid value could never be read."""
    for metric in metrics:
        for word in set(dialect.null_words) & set(metric.values or ()) - {""}:
            if metric.kind is MetricKind.INVALID_VALUES:
                said = f"{word!r} is a valid value of {metric.columns[0]}, and could never be read; take it out of one list"
                faults.add((*path, "dialect", "nullWords"), said)
