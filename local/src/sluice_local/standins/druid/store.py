# ruff: noqa: S608 - every name and text in these statements goes through `quoted` or `literal`
"""Rows in DuckDB. Each row knows from when until when a query sees it, so that publishing and loading are two moments."""

import math
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from sluice_local.standins.druid.spec import Compaction, Ingestion, Interval
from sluice_local.standins.druid.sql import (
    TYPES,
    dimension,
    filter_of,
    literal,
    measured,
    metric_type,
    quoted,
    replaced,
    rolled_up,
    time_of,
    within,
)

_FOREVER = "CAST('infinity' AS DOUBLE)"
_DRUIDS, _OURS = "TABLE_SCHEMA = 'druid'", "table_catalog = 'temp'"
"""Where INFORMATION_SCHEMA lists the datasources."""
_DRUIDS_TYPES = {"TIMESTAMP": "LONG"} | {ours: druids.upper() for druids, ours in TYPES.items()}
_HIDDEN = '"__seen_from", "__seen_until"'


class QueryRefused(Exception):
    """Druid would answer 400 with this text."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of one ingestion, by what became of them, and the segments touched."""

    processed: int = 0
    thrown_away: int = 0
    unparseable: int = 0
    segments: int = 0
    segments_read: int | None = None


@dataclass(frozen=True, slots=True)
class Staged:
    """Rows that were read but not published; `span` holds them all, None without rows."""

    ingestion: Ingestion
    cursor: duckdb.DuckDBPyConnection
    counts: Counts
    span: Interval | None


class Store:
    """All datasources. Published rows are seen by queries `load_seconds` later; files may be read from `folder` only.

    `loading_until`: the moment, in seconds since 1970, up to which segments have been loaded.
    """

    def __init__(self, folder: Path, load_seconds: float, loading_until: Callable[[], float] = time.time) -> None:
        self._load_seconds = load_seconds
        self._loading_until = loading_until
        self._database = duckdb.connect()
        self._database.execute("CREATE SCHEMA published")
        self._database.execute(f"SET allowed_directories = [{literal(str(folder))}]")
        self._database.execute("SET enable_external_access = false")
        self._writing = threading.Lock()
        self._loads: dict[str, list[tuple[float, Interval]]] = {}

    @contextmanager
    def stage(self, ingestion: Ingestion, files: Sequence[Path]) -> Iterator[Staged]:
        """Read and type the rows. Raises duckdb.Error when they cannot be read."""
        with self._database.cursor() as cursor:
            source = self._source(ingestion, files)
            columns = {name: str(kind) for name, kind, *_ in cursor.sql(f"DESCRIBE {source}").fetchall()}
            dimensions = "".join(f", {dimension(name, kind, columns)}" for name, kind in ingestion.dimensions)
            # columns of metrics stand beside the dimensions until rows have become one
            of_metrics = {each.column for each in ingestion.metrics if each.column}
            beside = "".join(f", {measured(name, columns)}" for name in sorted(of_metrics))
            cursor.execute(f"CREATE TEMP TABLE read AS SELECT {time_of(ingestion, columns)} AS __time{dimensions}{beside} "
                           f"FROM ({source})")  # fmt: skip
            cursor.execute(f"CREATE TEMP TABLE kept AS FROM read WHERE {within('__time', ingestion.intervals)}")
            cursor.execute(f"CREATE TEMP TABLE staged AS {rolled_up(ingestion)}")
            yield Staged(ingestion, cursor, *_measure(cursor, ingestion))

    def publish(self, staged: Staged) -> None:
        """Make the rows the datasource's, in place of what they replace."""
        task, cursor = staged.ingestion, staged.cursor
        table = f"published.{quoted(task.datasource)}"
        with self._writing:
            seen_from = time.time() + self._load_seconds
            cursor.execute("BEGIN")
            cursor.execute(f"CREATE TABLE IF NOT EXISTS {table} "
                           "(__time TIMESTAMP, __seen_from DOUBLE, __seen_until DOUBLE)")  # fmt: skip
            dimensions = [(name, TYPES[kind]) for name, kind in task.dimensions]
            for name, kind in (*dimensions, *((each.name, metric_type(each)) for each in task.metrics)):
                cursor.execute(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {quoted(name)} {kind}")
            if not task.append:
                cursor.execute(f"UPDATE {table} SET __seen_until = {seen_from} "
                               f"WHERE __seen_until = {_FOREVER} AND {replaced(task)}")  # fmt: skip
            cursor.execute(f"INSERT INTO {table} BY NAME "
                           f"SELECT *, {seen_from} AS __seen_from, {_FOREVER} AS __seen_until FROM staged")  # fmt: skip
            cursor.execute("COMMIT")
            spans = task.intervals if task.drop_existing else [staged.span] if staged.span else []
            self._loads.setdefault(task.datasource, []).extend((seen_from, span) for span in spans)

    def compact(self, task: Compaction) -> Counts:
        """End the rows of the interval that do not pass the filter; rows that are appended meanwhile are not touched."""
        table, where = f"published.{quoted(task.datasource)}", within("__time", [task.interval])
        present = f"FROM {table} WHERE __seen_until = {_FOREVER} AND {where}"
        dropped = f"AND NOT ({filter_of(task.kept)})" if task.kept else "AND false"
        with self._writing, self._database.cursor() as cursor:
            if not self.knows(task.datasource):
                return Counts()
            seen_from = time.time() + self._load_seconds
            (before,) = cursor.execute(f"SELECT COUNT(*) {present}").fetchone() or (0,)
            (gone,) = cursor.execute(f"SELECT COUNT(*) {present} {dropped}").fetchone() or (0,)
            cursor.execute(f"UPDATE {table} SET __seen_until = {seen_from} "
                           f"WHERE __seen_until = {_FOREVER} AND {where} {dropped}")  # fmt: skip
            self._loads[task.datasource].append((seen_from, task.interval))
        return Counts(before - gone, gone)

    def loaded(self, datasource: str, interval: Interval) -> float | None:
        """Percentage of what was published in the interval that queries see; None for nothing published there."""
        due = [seen_from for seen_from, span in self._loads.get(datasource, ()) if span.overlaps(interval)]
        now = self._loading_until()
        return 100.0 * sum(seen_from <= now for seen_from in due) / len(due) if due else None

    def spans(self, datasource: str) -> list[Interval]:
        """What was published, loaded or not, in order."""
        found = {(span.start, span.end): span for _, span in self._loads.get(datasource, ())}
        return [found[ends] for ends in sorted(found)]

    def forget(self, datasource: str) -> None:
        """Mark all that was published unused: no query sees it any more."""
        with self._writing, self._database.cursor() as cursor:
            self._loads.pop(datasource, None)
            cursor.execute(f"DROP TABLE IF EXISTS published.{quoted(datasource)}")

    def knows(self, datasource: str) -> bool:
        return datasource in self._loads

    def columns(self, datasource: str) -> dict[str, str]:
        """With Druid's types; none of a datasource that is not known."""
        if not self.knows(datasource):
            return {}
        with self._database.cursor() as cursor:
            found = cursor.sql(f"DESCRIBE SELECT * EXCLUDE ({_HIDDEN}) FROM published.{quoted(datasource)}").fetchall()
        return {name: _DRUIDS_TYPES.get(str(kind), "STRING") for name, kind, *_ in found}

    def query(self, sql: str, parameters: Sequence[object]) -> tuple[list[str], list[tuple[object, ...]]]:
        """Column names and rows of a SELECT. Raises QueryRefused."""
        with self._database.cursor() as cursor:
            now = self._loading_until()
            for datasource, loads in list(self._loads.items()):
                if any(seen_from <= now for seen_from, _ in loads):
                    cursor.execute(f"CREATE TEMP VIEW {quoted(datasource)} AS SELECT * EXCLUDE ({_HIDDEN}) "
                                   f"FROM published.{quoted(datasource)} "
                                   f"WHERE __seen_from <= {now} AND {now} < __seen_until")  # fmt: skip
            try:
                if [s.type for s in cursor.extract_statements(sql)] != [duckdb.StatementType.SELECT]:
                    raise QueryRefused("Non-query expression encountered in illegal context")
                result = cursor.execute(sql.replace(_DRUIDS, _OURS), list(parameters))
            except duckdb.Error as error:
                raise QueryRefused(_in_druids_words(str(error), sql)) from error
            names = [name if "(" not in name else f"EXPR${i}" for i, (name, *_) in enumerate(result.description or ())]
            return names, [tuple(map(_value, row)) for row in result.fetchall()]

    def _source(self, ingestion: Ingestion, files: Sequence[Path]) -> str:
        source = ingestion.source
        if source["type"] == "s3":
            return (
                f"SELECT * FROM read_parquet([{', '.join(literal(str(file)) for file in files)}], union_by_name=true)"
            )
        interval = Interval.parse(source["interval"])
        kept = f" AND {filter_of(source['filter'])}" if source.get("filter") else ""
        return (f"SELECT * EXCLUDE ({_HIDDEN}) FROM published.{quoted(source['dataSource'])} "
                f"WHERE __seen_until = {_FOREVER} AND {within('__time', [interval])}{kept}")  # fmt: skip


def _measure(cursor: duckdb.DuckDBPyConnection, task: Ingestion) -> tuple[Counts, Interval | None]:
    def one(sql: str) -> tuple[Any, ...]:
        return cursor.execute(sql).fetchone() or ()

    chunk = f"date_trunc('{task.granularity}', __time)"
    read, unparseable, read_chunks = one(
        f"SELECT COUNT(*), COUNT(*) - COUNT(__time), COUNT(DISTINCT {chunk}) FROM read"
    )
    kept, chunks, first, last = one(
        f"SELECT COUNT(*), COUNT(DISTINCT {chunk}), CAST(MIN({chunk}) AS TIMESTAMP), "
        f"CAST(MAX({chunk}) + INTERVAL 1 {task.granularity} AS TIMESTAMP) FROM kept"
    )
    from_druid = read_chunks if task.source["type"] == "druid" else None
    counts = Counts(kept, read - unparseable - kept, unparseable, chunks, from_druid)
    return counts, Interval(first, last) if kept else None


def _in_druids_words(error: str, sql: str) -> str:
    for pattern, words in (
        (r"Table with name (\S+) does not exist", "Object '{}' not found"),
        (r'column "([^"]+)" not found', "Column '{}' not found in any table"),
    ):
        if found := re.search(pattern, error):
            at = max(sql.find(f'"{found[1]}"'), sql.find(found[1]) if f'"{found[1]}"' not in sql else 0)
            return f"{words.format(found[1])} (line [1], column [{at + 1}])"
    return error


def _value(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds") + "Z"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, str | int | float | None) else str(value)
