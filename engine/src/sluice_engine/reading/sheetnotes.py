"""What a person should know of a sheet beside its cells: what is hidden, merged, or stands outside of the table."""

import re
from collections.abc import Iterator, Sequence
from typing import Protocol

from sluice.reports import Note
from sluice_engine.reading.grid import Grid
from sluice_engine.reading.sheetxml import column_index
from sluice_engine.reading.workbook import Sheet

MOST_NAMED = 10
RANGE = re.compile(r"([A-Z]+)([0-9]+):([A-Z]+)([0-9]+)")


class Beside(Protocol):
    """What was found beside the cells of a sheet. See SheetCells."""

    @property
    def hidden_rows(self) -> int: ...

    @property
    def hidden_columns(self) -> Sequence[tuple[int, int]]: ...

    @property
    def merged(self) -> Sequence[str]: ...


def said_of(beside: Beside, grid: Grid, sheet: Sheet, sheets: Sequence[Sheet]) -> tuple[Note, ...]:
    """Notes on a sheet that was read to its end, or as far as it could be."""
    return tuple(
        Note(code=code, message=message)
        for code, message in (
            *_hidden_sheets(sheet, sheets),
            *_hidden(beside, grid),
            *_merged(beside, grid),
            *_outside(grid),
        )
    )


def _hidden_sheets(sheet: Sheet, sheets: Sequence[Sheet]) -> Iterator[tuple[str, str]]:
    if sheet.hidden:
        yield "hidden-sheet", "The sheet that was read is hidden: people who open the workbook do not see it."
        return
    passed = sum(1 for each in sheets[: sheets.index(sheet)] if each.hidden)
    if passed:
        yield "hidden-sheet", f"Hidden sheets in front of the one that was read: {passed}. They were passed over."


def _hidden(beside: Beside, grid: Grid) -> Iterator[tuple[str, str]]:
    if beside.hidden_rows:
        yield "hidden-rows", f"Hidden rows in the sheet: {beside.hidden_rows}. They were read like all others."
    right = grid.left + len(grid.columns) - 1
    hidden = {at for first, last in beside.hidden_columns for at in range(max(first, grid.left), min(last, right) + 1)}
    if hidden:
        yield "hidden-columns", f"Hidden columns in the table: {len(hidden)}. They were read like all others."


def _merged(beside: Beside, grid: Grid) -> Iterator[tuple[str, str]]:
    right = grid.left + len(grid.columns) - 1
    here = [each for each in beside.merged if _touches(each, grid.header, grid.left, right)]
    if here:
        named = ", ".join(here[:MOST_NAMED]) + (", …" if len(here) > MOST_NAMED else "")
        yield (
            "merged-cells",
            f"Merged cells in the table: {named}. A merged value belongs to the first of its cells; the others are empty.",
        )


def _touches(area: str, top: int, left: int, right: int) -> bool:
    match = RANGE.fullmatch(area)
    if not match:
        return False
    return int(match[4]) >= top and column_index(match[1]) <= right and column_index(match[3]) >= left


def _outside(grid: Grid) -> Iterator[tuple[str, str]]:
    if grid.outside:
        yield (
            "cells-outside-table",
            f"Filled cells beside the columns of the header: {grid.outside}. They were not read.",
        )
