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
from sluice.contracts.metrics import RulesReader, check_ids
from sluice.contracts.model import (
    Contract,
    Dialect,
    DruidTarget,
    Field,
    Metric,
    MetricKind,
    Operator,
    Policy,
    Threshold,
)
from sluice.contracts.source import Path, Source, read_source
from sluice.contracts.standard import check_standard
from sluice.contracts.values import fits, texts_of
from sluice.events import DATASOURCE_PATTERN, VERSION_PATTERN

TABLE: Path = ("schema", 0)
PROPERTIES: Path = (*TABLE, "properties")
MOST_COLUMNS = 1_000


def load_contract(text: str) -> Contract:
    """Read one contract.

    Raises:
        ContractInvalid: not YAML, not ODCS, or something in it that Sluice cannot honour. The message has a line for each
            fault, with its place; a ContractFaulty has them as data.
    """
    source = read_source(text)
    faults = Faults(source)
    check_standard(source.value, faults)
    faults.raise_any()
    _check_table(source.value, faults)
    faults.raise_any()
    contract = _contract(source, faults)
    faults.raise_any()
    return contract


def _check_table(document: dict[str, Any], faults: Faults) -> None:
    """What must be so before anything else can be read."""
    tables = document.get("schema") or []
    if len(tables) != 1:
        faults.add(("schema",), f"exactly one table is needed, there are {len(tables)}; write a contract for each")
        return
    table = tables[0]
    if not re.fullmatch(DATASOURCE_PATTERN, table["name"]):
        faults.add((*TABLE, "name"), "a datasource is named by lower-case letters, digits, _ and -, at most 63")
    if not re.fullmatch(VERSION_PATTERN, document["version"]):
        faults.add(("version",), "letters, digits and . + - only, at most 64")
    if table.get("relationships"):
        faults.add(
            (*TABLE, "relationships"), "cannot be honoured: values are not looked up elsewhere; say it in a text"
        )
    if not 0 < len(table.get("properties") or []) <= MOST_COLUMNS:
        faults.add(TABLE, f"1 to {MOST_COLUMNS} properties are needed: the columns of the file")


def _contract(source: Source, faults: Faults) -> Contract:
    document, table = source.value, source.value["schema"][0]
    properties: list[dict[str, Any]] = table["properties"]
    fields = [field_of(each, (*PROPERTIES, number), faults) for number, each in enumerate(properties)]
    by_name = {field.name: field for field in fields}
    _check_names(fields, faults)
    rules = RulesReader(source, by_name, faults)
    metrics = [
        metric
        for number, field in enumerate(fields)
        for metric in (
            *_allowed(source, properties[number], field, number, faults),
            *rules.of_column(properties[number].get("quality") or [], field, (*PROPERTIES, number)),
        )
    ]
    of_table, customs = rules.of_table(table.get("quality") or [], TABLE)
    check_ids((*metrics, *of_table), TABLE, faults)
    key = _primary_key(properties, faults)
    block = find_block(document, faults)
    dialect, policy, target, aliases = _settings(block, by_name, faults)
    _check_words(dialect, (*metrics, *of_table), faults, block[0] if block else ())
    return Contract(
        datasource=table["name"],
        version=document["version"],
        fields=tuple(replace(field, aliases=aliases.get(field.name, ())) for field in fields),
        druid=target,
        dialect=dialect,
        policy=policy,
        primary_key=key,
        metrics=(*metrics, *of_table),
        customs=customs,
    )


def _settings(
    block: tuple[Path, SluiceBlock] | None, fields: dict[str, Field], faults: Faults
) -> tuple[Dialect, Policy, DruidTarget, dict[str, tuple[str, ...]]]:
    if block is None:
        return Dialect(), Policy(), DruidTarget(""), {}
    path, said = block
    return (
        settings.dialect_of(said, path, faults),
        settings.policy_of(said, fields, path, faults),
        settings.target_of(said, fields, path, faults),
        settings.aliases_of(said, list(fields), path, faults),
    )


def _check_names(fields: list[Field], faults: Faults) -> None:
    counts = Counter(field.name for field in fields)
    for number, field in enumerate(fields):
        if counts[field.name] > 1:
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


def _allowed(source: Source, prop: dict[str, Any], field: Field, number: int, faults: Faults) -> tuple[Metric, ...]:
    """`enum` of a property: no other value may stand in it."""
    if "enum" not in prop:
        return ()
    path = (*PROPERTIES, number, "enum")
    texts = {}
    for position in range(len(prop["enum"])):
        place = (*path, position)
        value = texts_of(source, place, {"value": prop["enum"][position]["value"]}, faults)
        for text in value.values():
            texts[position] = text
            if not fits(field, text):
                faults.add((*place, "value"), f"no {field.type}, as the column is: it could never stand in it")
    return (
        Metric(
            MetricKind.INVALID_VALUES,
            Threshold(Operator.EQUAL, (0,)),
            columns=(field.name,),
            values=tuple(dict.fromkeys(texts.values())),
            id="enum",
        ),
    )


def _check_words(dialect: Dialect, metrics: tuple[Metric, ...], faults: Faults, path: Path) -> None:
    """A null word that is a valid value could never be read."""
    for metric in metrics:
        for word in set(dialect.null_words) & set(metric.values or ()) - {""}:
            if metric.kind is MetricKind.INVALID_VALUES:
                said = f"{word!r} is a valid value of {metric.columns[0]}, and could never be read; take it out of one list"
                faults.add((*path, "dialect", "nullWords"), said)
