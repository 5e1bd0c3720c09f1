"""Where and how the rows are kept in Druid, and every combination in it that could never work."""

from collections import Counter

from sluice.contracts.block import MetricBlock, PartitionsBlock, RollupBlock, SluiceBlock
from sluice.contracts.faults import Faults
from sluice.contracts.fields import name_faults
from sluice.contracts.model import (
    Aggregator,
    DruidMode,
    DruidTarget,
    Field,
    FieldType,
    Partitions,
    PartitionsType,
    Rollup,
)
from sluice.contracts.source import Path

NUMERIC = {FieldType.INTEGER, FieldType.NUMBER}
UNKNOWN = "the schema has no property of that name; correct it, or leave it out"


def target_of(block: SluiceBlock, fields: dict[str, Field], path: Path, faults: Faults) -> DruidTarget:
    said, path = block.druid, (*path, "druid")
    time = fields.get(said.time_column)
    if time is None or time.type not in {FieldType.TIMESTAMP, FieldType.DATE} or not time.required:
        faults.add((*path, "timeColumn"), "must name a property that is a timestamp or a date, and required: true")
    target = DruidTarget(
        time_column=said.time_column,
        segment_granularity=said.segment_granularity,
        mode=said.mode,
        rollup=_rollup(said.rollup) if said.rollup else None,
        partitions=_partitions(said.partitions),
        time_limit_minutes=said.time_limit_minutes,
    )
    if said.rollup:
        _check_rollup(said.rollup, target, fields, (*path, "rollup"), faults)
    _check_partitions(said.partitions, target, fields, (*path, "partitions"), faults)
    return target


def _rollup(said: RollupBlock) -> Rollup:
    aggregators = tuple(Aggregator(each.name, each.type, each.column) for each in said.metrics)
    return Rollup(said.query_granularity, aggregators)


def _partitions(said: PartitionsBlock) -> Partitions:
    return Partitions(said.type, said.columns, said.target_rows, said.shards)


def _check_rollup(said: RollupBlock, target: DruidTarget, fields: dict[str, Field], path: Path, faults: Faults) -> None:
    if not said.query_granularity.within(target.segment_granularity):
        way = "choose a finer one, or longer segments"
        whole = (
            f"a {said.query_granularity} does not lie within one {target.segment_granularity}, the span of a segment"
        )
        faults.add((*path, "queryGranularity"), f"{whole}; {way}")
    counts = Counter(each.name for each in said.metrics)
    for number, metric in enumerate(said.metrics):
        place = (*path, "metrics", number)
        for fault in name_faults(metric.name):
            faults.add((*place, "name"), fault)
        if metric.name in fields:
            faults.add(
                (*place, "name"), f"{metric.name} is a column; call the metric otherwise, such as {metric.name}_sum"
            )
        if counts[metric.name] > 1:
            faults.add((*place, "name"), "two metrics have the same name; rename one of them")
        if said_of := _column_fault(metric, target, fields):
            faults.add((*place, "column"), said_of)


def _column_fault(metric: MetricBlock, target: DruidTarget, fields: dict[str, Field]) -> str | None:
    field = fields.get(metric.column)
    if field is None:
        return UNKNOWN
    if metric.column == target.time_column or field.type not in NUMERIC:
        return f"a metric is of an integer or number column; {metric.column} is a {field.type}"
    if metric.type.startswith("long") and field.type is not FieldType.INTEGER:
        return f"{metric.type} would cut fractions off; use {metric.type.replace('long', 'double')}"
    return None


def _check_partitions(
    said: PartitionsBlock, target: DruidTarget, fields: dict[str, Field], path: Path, faults: Faults
) -> None:
    if said.type is PartitionsType.DYNAMIC:
        if said.columns or said.target_rows or said.shards:
            way = "leave the rest out, or use type: hashed or range"
            faults.add(path, f"dynamic partitions take rows as they come; {way}")
        return
    if target.mode is DruidMode.APPEND:
        way = "set mode: replace or replace-all, or leave partitions out"
        faults.add(
            (*path, "type"), f"{said.type} partitions cannot be appended to: Druid lays them out as a whole; {way}"
        )
    if said.type is PartitionsType.RANGE:
        _check_range(said, fields, path, faults)
    elif said.shards and said.target_rows:
        faults.add((*path, "shards"), "stands instead of targetRows; keep one of both")
    counts = Counter(said.columns)
    for number, column in enumerate(said.columns):
        if fault := _partition_fault(column, target, fields):
            faults.add((*path, "columns", number), fault)
        elif counts[column] > 1:
            faults.add((*path, "columns", number), "stands twice; keep one of them")


def _check_range(said: PartitionsBlock, fields: dict[str, Field], path: Path, faults: Faults) -> None:
    if not said.columns:
        faults.add((*path, "columns"), "range partitions are in the order of columns; name one or more")
    if said.shards:
        faults.add((*path, "shards"), "range partitions are as many as the rows fill; use targetRows, or type: hashed")
    for number, column in enumerate(said.columns):
        if column in fields and fields[column].type in NUMERIC:
            way = "use columns that it keeps as texts, or type: hashed"
            faults.add((*path, "columns", number), f"Druid orders {column}, a number, as if it were text; {way}")


def _partition_fault(column: str, target: DruidTarget, fields: dict[str, Field]) -> str | None:
    if column not in fields:
        return UNKNOWN
    if column == target.time_column or column in target.aggregated:
        return f"{column} is no dimension of Druid: it is the time, or kept in metrics; use another column"
    return None
