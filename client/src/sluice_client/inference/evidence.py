"""What the cells of one column have in common, taken batch by batch; memory does not grow with the file."""

from collections import Counter
from dataclasses import dataclass, field

import polars as pl

from sluice.contracts import FieldType, StringFormat
from sluice_client.inference.readings import Reading, own_readings, text_readings
from sluice_engine.judging.patterns import FORMATS
from sluice_engine.parsing.text import FORMULA_ERRORS
from sluice_engine.reporting.habits import NULL_WORDS

WORDS = [*NULL_WORDS, *(error.lower() for error in FORMULA_ERRORS)]
"""What may stand for an empty cell, in lower case."""

EITHER_MARK = r"^[+-]?(?:[1-9][0-9]{0,2}[.,][0-9]{3}|[0-9]+)$"
"""1,234 and 1.234: the mark may stand between thousands."""


@dataclass(slots=True)
class Evidence:
    """One column, so far. `words` counts cells that may mean nothing, as they are written; `readings` are those that still stand.

    `marked`: in some cell comma or point is a decimal mark for sure. `mailed`: some cell is an e-mail address.
    """

    name: str
    rows: int = 0
    empty: int = 0
    filled: bool = False
    words: Counter[str] = field(default_factory=Counter)
    marked: bool = False
    mailed: bool = False
    _readings: tuple[Reading, ...] | None = None

    @property
    def readings(self) -> tuple[Reading, ...]:
        return self._readings or ()

    def take(self, cells: pl.Series) -> None:
        self.rows += len(cells)
        self.empty += cells.null_count()
        if cells.dtype == pl.String:
            cells = self._set_words_aside(cells.str.strip_chars())
        values = cells.drop_nulls().unique()
        if not len(values):
            return
        self.filled = True
        if cells.dtype == pl.String:
            self.mailed = self.mailed or bool(values.str.contains(FORMATS[StringFormat.EMAIL]).any())
        self._hold(values)

    def _set_words_aside(self, cells: pl.Series) -> pl.Series:
        """The cells that are values for sure."""
        self.empty += int((cells == "").sum())
        words = cells.str.to_lowercase().is_in(WORDS)
        self.words.update(cells.filter(words).to_list())
        return cells.filter(~words & (cells != ""))

    def _hold(self, values: pl.Series) -> None:
        if self._readings is None:
            self._readings = text_readings() if values.dtype == pl.String else own_readings(values.dtype)
        self._readings = tuple(each for each in self._readings if each.fits(values))
        if not self.marked and values.dtype == pl.String and self._numeric:
            self.marked = not values.str.contains(EITHER_MARK).all()

    @property
    def _numeric(self) -> bool:
        return any(each.type is FieldType.NUMBER for each in self.readings)
