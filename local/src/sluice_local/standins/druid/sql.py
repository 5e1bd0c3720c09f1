# ruff: noqa: S608 - every name and text in these statements goes through `quoted` or `literal`
"""Pieces of SQL for what a task asks. All of them are expressions over the columns of a row."""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from sluice_local.standins.druid.spec import AGGREGATES, Ingestion, Interval, Metric

TYPES = {"string": "VARCHAR", "long": "BIGINT", "float": "FLOAT", "double": "DOUBLE"}
_EPOCHS = {"millis": 1, "posix": 1000, "micro": 0.001, "nano": 0.000001, "auto": 1}


def replaced(task: Ingestion) -> str:
    """All of the intervals when existing segments are dropped, else the chunks of time that received rows."""
    if task.drop_existing:
        return within("__time", task.intervals)
    chunk = f"date_trunc('{task.granularity}', __time)"
    return f"{chunk} IN (SELECT {chunk} FROM staged)"


def time_of(task: Ingestion, columns: Mapping[str, str]) -> str:
    column, kind = quoted(task.time_column), columns.get(task.time_column, "")
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        return f"epoch_ms(epoch_ms({column}))"
    if kind == "VARCHAR":
        return f"TRY_CAST({column} AS TIMESTAMP)"
    if kind and task.time_format in _EPOCHS:
        return f"epoch_ms(CAST({column} * {_EPOCHS[task.time_format]} AS BIGINT))"
    return "CAST(NULL AS TIMESTAMP)"


def dimension(name: str, kind: str, columns: Mapping[str, str]) -> str:
    return f"CAST({quoted(name) if name in columns else 'NULL'} AS {TYPES[kind]}) AS {quoted(name)}"


def measured(name: str, columns: Mapping[str, str]) -> str:
    """A column that metrics are of, beside the dimensions."""
    return f"{quoted(name) if name in columns else 'NULL'} AS {_beside(name)}"


def _beside(name: str) -> str:
    return quoted(f"__measured_{name}")


def rolled_up(task: Ingestion) -> str:
    """The rows of `kept` as they are published: those with the same cut time and dimensions are one."""
    time = f"CAST(date_trunc('{task.query_granularity}', __time) AS TIMESTAMP)" if task.query_granularity else "__time"
    dimensions = "".join(f", {quoted(name)}" for name, _ in task.dimensions)
    metrics = "".join(f", {_metric(each)}" for each in task.metrics)
    return f"SELECT {time} AS __time{dimensions}{metrics} FROM kept{' GROUP BY ALL' if task.rollup else ''}"


def _metric(each: Metric) -> str:
    if each.type == "count":
        return f"CAST(COUNT(*) AS BIGINT) AS {quoted(each.name)}"
    kind, function = AGGREGATES[each.type]
    return f"CAST({function}({_beside(each.column)}) AS {TYPES[kind]}) AS {quoted(each.name)}"


def metric_type(each: Metric) -> str:
    return TYPES["long" if each.type == "count" else AGGREGATES[each.type][0]]


def filter_of(node: Mapping[str, Any]) -> str:
    match node["type"]:
        case "selector":
            value = "NULL" if node["value"] is None else literal(str(node["value"]))
            return f"{quoted(node['dimension'])} IS NOT DISTINCT FROM {value}"
        case "not":
            return f"NOT ({filter_of(node['field'])})"
        case "and" | "or" as word:
            return f" {word} ".join(f"({filter_of(field)})" for field in node["fields"])
        case other:
            raise duckdb.NotSupportedError(f"this stand-in knows no filter of type [{other}]")


def within(column: str, intervals: Sequence[Interval]) -> str:
    spans = [f"({column} >= '{span.start}' AND {column} < '{span.end}')" for span in intervals]
    return f"({' OR '.join(spans)})" if spans else f"{column} IS NOT NULL"


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
