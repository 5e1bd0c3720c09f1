"""What a column of text may be read as. A reading stands as long as every cell fits it: by its look, and by the engine's own parse."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import polars as pl

from sluice.contracts import Dialect, Field, FieldType
from sluice.contracts.formats import Kind, strptime_of
from sluice_engine.parsing.columns import typed

GLANCE = 50
"""Cells on which a reading is tried first; most fall there."""

DAYS: tuple[tuple[str, bool | None], ...] = (
    ("yyyy/MM/dd", None),
    ("yyyy/M/d", None),
    ("yyyy.MM.dd", None),
    ("dd.MM.yyyy", None),
    ("d.M.yyyy", None),
    ("dd/MM/yyyy", True),
    ("MM/dd/yyyy", False),
    ("d/M/yyyy", True),
    ("M/d/yyyy", False),
    ("dd-MM-yyyy", True),
    ("MM-dd-yyyy", False),
    ("d-M-yyyy", True),
    ("M-d-yyyy", False),
    ("MMM d yyyy", None),
    ("MMM d, yyyy", None),
    ("MMMM d yyyy", None),
    ("MMMM d, yyyy", None),
    ("d MMM yyyy", None),
    ("d-MMM-yyyy", None),
    ("d MMMM yyyy", None),
)
"""Formats of days, and for those that only the numbers can tell apart: does the day come first? Nobody writes MM.dd.yyyy."""

TIMES = (" HH:mm:ss", " HH:mm", " H:mm:ss", " H:mm", " h:mm:ss a", " h:mm a")

SHAPES = {
    "yyyy": "[0-9]{4}",
    "MMMM": "[A-Za-z]{3,9}",
    "MMM": "[A-Za-z]{3}",
    "MM": "[0-9]{2}",
    "M": "[0-9]{1,2}",
    "dd": "[0-9]{2}",
    "d": "[0-9]{1,2}",
    "HH": "[0-9]{2}",
    "H": "[0-9]{1,2}",
    "h": "[0-9]{1,2}",
    "mm": "[0-9]{2}",
    "ss": "[0-9]{2}",
    "a": "[AaPp][Mm]",
}
FEWEST_DIGITS = 5
"""Of a date: Jan 1 2000."""
TEMPORAL = {FieldType.DATE, FieldType.TIMESTAMP}
DIGITS = "yyyyMMdd"
CALENDAR_DIGITS = r"^(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])$"


@dataclass(frozen=True, slots=True)
class Reading:
    """`shape` is what each cell must look like, `never` what none may; `format` in letters of the JDK, None means ISO 8601.

    `day_first` is None unless the format has a twin with day and month the other way round.
    """

    type: FieldType
    shape: str
    never: str | None = None
    format: str | None = None
    decimal: str = "."
    day_first: bool | None = None

    def fits(self, cells: pl.Series) -> bool:
        """Is each of these (different, none of them null) such a value? Of no cells, yes."""
        if not len(cells):
            return True
        if cells.dtype == pl.String and not self._looks_right(cells):
            return False
        return self._parses(cells.head(GLANCE)) and (len(cells) <= GLANCE or self._parses(cells))

    def _looks_right(self, cells: pl.Series) -> bool:
        # most readings fall with the first cell, and Python has that at once
        if not re.search(self.shape, cells[0]):
            return False
        return bool(cells.str.contains(self.shape).all()) and not (self.never and cells.str.contains(self.never).any())

    def _parses(self, cells: pl.Series) -> bool:
        return not typed(cells, self._field, Dialect(decimal=self.decimal)).failed.any()

    @property
    def _field(self) -> Field:
        return Field("", self.type, format=strptime_of(self.format, self._kind) if self.format else None)

    @property
    def _kind(self) -> Kind:
        return "date" if self.type is FieldType.DATE else "timestamp"


@cache
def text_readings() -> tuple[Reading, ...]:
    """Those of a text column; of several that stand at the end, the first is meant."""
    return (*_dates(), *_timestamps(), *_plain())


def own_readings(own: pl.DataType) -> tuple[Reading, ...]:
    """Those of a column that comes with a type of its own; none where it can only be kept as text."""
    if own.is_integer() or (isinstance(own, pl.Decimal) and own.scale == 0):
        kinds = [FieldType.INTEGER]
    elif own.is_numeric():
        kinds = [FieldType.NUMBER]
    elif isinstance(own, pl.Datetime):
        kinds = [FieldType.TIMESTAMP]
    else:
        kinds = {pl.Boolean(): [FieldType.BOOLEAN], pl.Date(): [FieldType.DATE]}.get(own, [])
    return tuple(Reading(kind, "") for kind in kinds)


def looks_like_cell(text: str) -> bool:
    """Is it a date, a time stamp or a fraction, as no name of a column is?"""
    if re.fullmatch(r"[+-]?[0-9]*[.,][0-9]+", text):
        return True
    cell = pl.Series([text])
    enough = len(re.findall("[0-9]", text)) >= FEWEST_DIGITS
    return enough and any(each.fits(cell) for each in text_readings() if each.type in TEMPORAL)


def _dates() -> Iterator[Reading]:
    yield Reading(FieldType.DATE, r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
    for pattern, day_first in DAYS:
        yield Reading(FieldType.DATE, _shape(pattern), format=pattern, day_first=day_first)
    yield Reading(FieldType.DATE, CALENDAR_DIGITS, format=DIGITS)


def _timestamps() -> Iterator[Reading]:
    yield Reading(FieldType.TIMESTAMP, r"^[0-9]{4}-[0-9]{2}-[0-9]{2}")
    for pattern, day_first in DAYS:
        for time in TIMES:
            yield Reading(FieldType.TIMESTAMP, _shape(pattern + time), format=pattern + time, day_first=day_first)


def _plain() -> Iterator[Reading]:
    # a leading zero, or a plus before digits alone, belongs to a code or a telephone number; long digits would lose some
    yield Reading(FieldType.INTEGER, r"^-?(?:0|[1-9][0-9]*)$")
    for mark in (".", ","):
        shape = rf"^[+-]?(?:0|[1-9][0-9]*)?(?:\{mark}[0-9]*)?(?:[eE][+-]?[0-9]+)?$"
        yield Reading(FieldType.NUMBER, shape, never=r"^\+[0-9]+$|^-?[0-9]{16,}$", decimal=mark)
    yield Reading(FieldType.BOOLEAN, r"^(?i:true|false|0|1)$")


def _shape(pattern: str) -> str:
    return (
        "^" + "".join(SHAPES.get(run[0], re.escape(run[0])) for run in re.finditer(r"([A-Za-z])\1*|.", pattern)) + "$"
    )
