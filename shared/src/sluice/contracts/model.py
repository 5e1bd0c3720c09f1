"""A contract as Sluice works with it: typed, complete, and only what can be honoured."""

from dataclasses import dataclass
from enum import StrEnum


class FieldType(StrEnum):
    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    DATE = "date"


class Granularity(StrEnum):
    """Druid's segment granularity: the span of time that one segment holds."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Bound:
    """An end of a range. `value` in the field's own unit; `exclusive` leaves the value itself out."""

    value: float
    exclusive: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One column: its name in the file, its type, and every rule on it."""

    name: str
    type: FieldType
    required: bool = False
    unique: bool = False
    minimum: Bound | None = None
    maximum: Bound | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    allowed: tuple[str, ...] | None = None
    format: str | None = None
    """strptime format of a timestamp or date in text; None means ISO 8601."""
    classified: bool = False
    """Values are masked in reports."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file is written, and where a spreadsheet's table stands."""

    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    null_words: tuple[str, ...] = ("",)
    sheet: str | None = None
    """Name of the sheet; None means the first."""


@dataclass(frozen=True, slots=True)
class DruidTarget:
    """Where and how the rows are kept. `time_column` becomes `__time`."""

    time_column: str
    segment_granularity: Granularity = Granularity.DAY


@dataclass(frozen=True, slots=True)
class Contract:
    """One immutable version of what a datasource's files must be."""

    datasource: str
    version: str
    fields: tuple[Field, ...]
    druid: DruidTarget
    dialect: Dialect = Dialect()

    def field(self, name: str) -> Field:
        """The field of that name. Raises KeyError."""
        for each in self.fields:
            if each.name == name:
                return each
        raise KeyError(name)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all columns, in the contract's order."""
        return tuple(each.name for each in self.fields)
