"""A file as a table: batches of cells, and where each cell stands."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from difflib import get_close_matches
from typing import Protocol

import polars as pl

from sluice.contracts import Contract
from sluice.reports import Note
from sluice_engine.errors import Fault, FileRejected


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cell stands in the sender's own program, as far as the format knows."""

    line: int | None = None
    cell: str | None = None


FAULTS: dict[str, pl.DataType | type[pl.DataType]] = {
    "row": pl.UInt64,
    "rule": pl.String,
    "found": pl.UInt32,
    "cells": pl.List(pl.String),
}
"""Rows that could not be split into the header's cells: which rule they break (`ragged-row`, `nul-byte`, `unclosed-quote`, `stray-quote`),
how many cells were found, and the cells as far as they could be told apart: at most as many as columns, the last with all that follows."""


def no_faults() -> pl.DataFrame:
    return pl.DataFrame(schema=FAULTS)


@dataclass(frozen=True, slots=True)
class Column:
    """A column as it stands in the file. `field` is its name in the contract; None where the contract does not know it."""

    name: str
    field: str | None
    named: bool = True
    """False where the header has nothing above the column, and `name` only says its position."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A bounded number of data rows.

    `cells` has one column for each of the contract's that the file has, by the contract's name; text cells are String, others have
    their own type. `rows` holds the number of each row in the file (UInt64, ascending, 1 = first data row). A row that could not be
    split is missing in both and stands in `faults` (columns FAULTS). `extra`, of the same height as `cells`, has the columns that the
    contract does not know, by their names in the file, as String; it has no columns where extra columns are refused.
    """

    cells: pl.DataFrame
    rows: pl.Series
    faults: pl.DataFrame = dataclass_field(default_factory=no_faults)
    extra: pl.DataFrame = dataclass_field(default_factory=pl.DataFrame)

    @property
    def seen(self) -> int:
        """Data rows in all, those that could not be split among them."""
        return len(self.rows) + self.faults.height


class Table(Protocol):
    """An open file. Iterating raises FileRejected where it cannot be read on."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """In the order of the file; known once the first batch is there."""
        ...

    @property
    def notes(self) -> Sequence[Note]:
        """What was found while reading; complete after the last batch."""
        ...

    def batches(self) -> Iterator[Batch]: ...

    def again(self, rows: pl.Series) -> Iterator[Batch]:
        """Batches, once more, that together hold at least these rows (UInt64, ascending, all passed by `batches` before)."""
        ...

    def place(self, row: int, column: str | None) -> Place:
        """Where a cell stands; `column` by the contract's name. Cheap when asked in the order of rows. For rows that were passed."""
        ...


MOST_COLUMNS = 10_000
"""Beyond it, columns are counted and no more compared: looking for near names takes time with each."""


def check_header(names: list[str], contract: Contract) -> None:
    """Every column of the contract once, none besides; the order is free. Raises FileRejected with every fault."""
    if len(names) > MOST_COLUMNS:
        said = f"The header has {len(names)} columns; the contract has {len(contract.columns)}."
        raise FileRejected("wrong-columns", f"{said} Send exactly the columns of the contract.")
    faults = [*_missing(names, contract), *_duplicates(names), *_unexpected(names, contract)]
    if not faults:
        return
    # a file without a header shows data in its place: only the contract's own names may travel in the message
    missing = [fault.column or "" for fault in faults if fault.rule == "missing-column"]
    said = f"Missing columns: {', '.join(missing)}. " if missing else ""
    message = f"{said}The header must hold exactly the columns of the contract; {len(faults)} differ, see the report."
    raise FileRejected("wrong-columns", message[:1000], *faults)


def _missing(names: list[str], contract: Contract) -> Iterator[Fault]:
    for column in contract.columns:
        if column not in names:
            near = get_close_matches(column.lower(), [name.lower() for name in names], n=1)
            found = next((name for name in names if near and name.lower() == near[0]), None)
            hint = f"Rename the column {_shown(found)} to {column}." if found else f"Add a column {column}."
            yield Fault("missing-column", f"a column named {column}", hint, column)


def _duplicates(names: list[str]) -> Iterator[Fault]:
    for name in sorted(name for name, count in Counter(names).items() if count > 1):
        yield Fault("duplicate-column", "each column once", "Remove or rename one of them.", _shown(name))


def _unexpected(names: list[str], contract: Contract) -> Iterator[Fault]:
    for name in dict.fromkeys(names):
        if name not in contract.columns:
            hint = "Remove the column, or ask for it to be added to the contract."
            yield Fault("unexpected-column", "only columns of the contract", hint, _shown(name))


def _shown(name: str) -> str:
    return name[:100] if name else "(no name)"
