"""A file as a table: batches of cells, and where each cell stands."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Protocol

import polars as pl

from sluice.contracts import Contract
from validator.errors import Fault, FileRejected


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cell stands in the sender's own program, as far as the format knows."""

    line: int | None = None
    cell: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """A bounded number of data rows.

    `cells` has one column for each of the contract's; text cells are String, a Parquet column may have its own type.
    `rows` holds the number of each row in the file (UInt64, 1 = first data row): a row that could not be split into cells
    is missing here and told in `faults`. `seen` counts both.
    """

    cells: pl.DataFrame
    rows: pl.Series
    seen: int
    faults: tuple[Fault, ...] = field(default=())


class Table(Protocol):
    """An open file. Iterating raises FileRejected where it cannot be read on."""

    def batches(self) -> Iterator[Batch]: ...

    def place(self, row: int, column: str | None) -> Place:
        """Known for rows that `batches` has passed."""
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
