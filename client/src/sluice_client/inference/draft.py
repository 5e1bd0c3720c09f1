"""The first contract of a file: read, decide, hold the file against it, say what was seen."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from sluice.contracts import Dialect, Granularity
from sluice.events import DATASOURCE_PATTERN, FileFormat
from sluice_client.errors import Refused
from sluice_client.inference.decision import Column, Table, decide
from sluice_client.inference.evidence import Evidence
from sluice_client.inference.layout import Layout, find_layout, with_decimal
from sluice_client.inference.probing import open_texts, readable
from sluice_client.intake import GivenFile


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the caller knows better than the file shows; None where it is to be found."""

    datasource: str | None = None
    time_column: str | None = None
    day_first: bool | None = None
    encoding: str | None = None
    sheet: str | None = None
    header_row: int | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A contract to be. `unique` names columns; `seen` has sentences about columns, by their names, that are no rules."""

    datasource: str
    file: GivenFile
    table: Table
    dialect: Dialect
    time_column: str
    granularity: Granularity = Granularity.DAY
    unique: frozenset[str] = frozenset()
    seen: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        return self.table.columns[0].rows


def draft_of(file: GivenFile, wishes: Wishes) -> Draft:
    """Raises Refused where the file is none of which a contract can be written."""
    datasource = _datasource(file, wishes.datasource)
    asked = Dialect(encoding=wishes.encoding, sheet=wishes.sheet, header_row=wishes.header_row)
    layout = find_layout(file, asked)
    comma = file.format is not FileFormat.CSV or layout.dialect.delimiter != ","
    table = decide(_evidence(file, layout), day_first=wishes.day_first, comma=comma)
    dialect = replace(with_decimal(layout.dialect, table.decimal), null_words=("", *table.null_words))
    time = _time_column(table.columns, wishes.time_column)
    return Draft(datasource, file, table, dialect, time, notes=tuple(_notes(layout, table, wishes)))


def _notes(layout: Layout, table: Table, wishes: Wishes) -> Iterator[str]:
    """What was chosen and could have been otherwise."""
    if layout.dialect.encoding and not wishes.encoding:
        yield f"The encoding, {layout.dialect.encoding}, is what the text looks like: look at letters with accents, or say --encoding."
    if layout.sheet and not wishes.sheet:
        yield f"The table stands in the sheet {layout.sheet}; --sheet takes another."
    if table.also_texts:
        words, texts = ", ".join(table.null_words), ", ".join(table.also_texts)
        yield f"Null words ({words}) also stand in columns of text ({texts}): they are read as empty there, too."


def _evidence(file: GivenFile, layout: Layout) -> list[Evidence]:
    found = [Evidence(name) for name in layout.names]
    with readable(file):
        for batch in open_texts(file, layout.dialect, layout.names).batches():
            for each in found:
                each.take(batch.cells[each.name])
    return found


def _datasource(file: GivenFile, asked: str | None) -> str:
    if asked is None:
        return datasource_of(file.name)
    if not re.fullmatch(DATASOURCE_PATTERN, asked):
        said = "a datasource is named by lower-case letters, digits, _ and -, at most 63, the first a letter"
        raise Refused("invalid-datasource", f"{asked}: {said}.")
    return asked


def datasource_of(filename: str) -> str:
    """The file's name without extensions, made safe: `2024 Umsätze.csv.gz` is `umsatze`."""
    stem = re.sub(r"\.[^.]*$", "", re.sub(r"(?i)\.(gz|zst)$", "", filename))
    letters = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().lower()
    safe = re.sub(r"[^a-z0-9_-]+", "_", letters)
    return re.sub(r"^[^a-z]+", "", safe)[:63].rstrip("_-") or "data"


def _time_column(columns: Sequence[Column], asked: str | None) -> str:
    """The first that is a time in every row, or the one that is asked for."""
    if asked is not None:
        return _named(columns, asked)
    for each in columns:
        if each.temporal and each.required:
            return each.name
    near = [f"  {said}" for each in columns if (said := _why_not(each))]
    said = "no column is a date or time in every row, and Druid files rows by their time."
    way = "Give the file such a column, or fill the one that it has and name it with --time-column."
    raise Refused("no-time-column", "\n".join([said, *near, way]))


def _named(columns: Sequence[Column], name: str) -> str:
    column = next((each for each in columns if each.name == name), None)
    if column is None:
        known = ", ".join(each.name for each in columns[:20])
        raise Refused("no-time-column", f"the file has no column {name}; its columns are {known}.")
    if why := _why_not(column):
        raise Refused("no-time-column", why)
    if not column.temporal:
        raise Refused("no-time-column", f"{name} is no time: its cells are read as {column.type}. Name another column.")
    return name


def _why_not(column: Column) -> str | None:
    """What keeps a column that could be one from being the time column."""
    if column.temporal and not column.required:
        return f"{column.name} has {column.empty:,} empty cells: fill them."
    if column.ambiguous:
        return f"{column.name} has {column.note}; or say --day-first or --month-first."
    return None
