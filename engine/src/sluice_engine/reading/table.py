"""A file as a table: batches of cells, and where each cell stands."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Protocol

import polars as pl

from sluice.reports import Note


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
