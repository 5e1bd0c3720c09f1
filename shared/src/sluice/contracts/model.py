"""A contract as Sluice works with it: typed, complete, and only what can be honoured.

Two kinds of rules. Rules of a Field hold for each cell by itself: a cell that breaks one is an error of its row. A Metric counts over
the whole file and holds the count against a threshold: it has cells to blame only where it tolerates none (`Metric.strict`).
"""

from dataclasses import dataclass
from enum import StrEnum


class FieldType(StrEnum):
    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    DATE = "date"


class StringFormat(StrEnum):
    """`logicalTypeOptions.format` of a string: what its text must be."""

    EMAIL = "email"
    URI = "uri"
    UUID = "uuid"
    IPV4 = "ipv4"
    IPV6 = "ipv6"
    HOSTNAME = "hostname"


class Severity(StrEnum):
    """What breaking a rule does: an error keeps rows out; a warning is only reported, and so is an info."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Bound:
    """An end of a range. `value` in the field's own unit; `exclusive` leaves the value itself out.

    Of a timestamp or date: microseconds or days since 1970-01-01 UTC.
    """

    value: float | int
    exclusive: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One column: its name in the file, its type, and every rule on its cells. Every rule here has severity `error`."""

    name: str
    type: FieldType
    required: bool = False
    unique: bool = False
    minimum: Bound | None = None
    maximum: Bound | None = None
    multiple_of: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    """ECMA-262, found anywhere in the text; without look-around and back-references."""
    string_format: StringFormat | None = None
    format: str | None = None
    """strptime format of a timestamp or date in text; None means ISO 8601."""
    classified: bool = False
    """Values are masked in reports."""
    aliases: tuple[str, ...] = ()
    """Other names by which the column may stand in a header; compared without regard to case and outer spaces."""


class Unit(StrEnum):
    ROWS = "rows"
    PERCENT = "percent"


class Operator(StrEnum):
    """How a count is held against the threshold; names as ODCS has them."""

    EQUAL = "mustBe"
    NOT_EQUAL = "mustNotBe"
    GREATER = "mustBeGreaterThan"
    GREATER_OR_EQUAL = "mustBeGreaterOrEqualTo"
    LESS = "mustBeLessThan"
    LESS_OR_EQUAL = "mustBeLessOrEqualTo"
    BETWEEN = "mustBeBetween"
    NOT_BETWEEN = "mustNotBeBetween"


@dataclass(frozen=True, slots=True)
class Threshold:
    """`values` has one number, two (low, high; both inclusive) for the operators on ranges. `unit` percent is of the file's rows."""

    operator: Operator
    values: tuple[float, ...]
    unit: Unit = Unit.ROWS

    def holds(self, count: int, rows: int) -> bool:
        """Is `count` out of `rows` within the threshold? Of no rows, every share is 0."""
        return self.allows(float(count) if self.unit is Unit.ROWS else 100.0 * count / rows if rows else 0.0)

    def allows(self, amount: float) -> bool:
        """Is `amount`, in the threshold's unit, within it?"""
        first, last = self.values[0], self.values[-1]
        return {
            Operator.EQUAL: amount == first,
            Operator.NOT_EQUAL: amount != first,
            Operator.GREATER: amount > first,
            Operator.GREATER_OR_EQUAL: amount >= first,
            Operator.LESS: amount < first,
            Operator.LESS_OR_EQUAL: amount <= first,
            Operator.BETWEEN: first <= amount <= last,
            Operator.NOT_BETWEEN: not first <= amount <= last,
        }[self.operator]

    @property
    def tolerates_none(self) -> bool:
        """Holds for a count of 0 and for no other."""
        most = self.operator in {Operator.EQUAL, Operator.LESS_OR_EQUAL} and self.values == (0,)
        return most or (self.operator is Operator.LESS and self.unit is Unit.ROWS and 0 < self.values[0] <= 1)


class MetricKind(StrEnum):
    """ODCS library metrics, by ODCS's own names."""

    NULL_VALUES = "nullValues"
    MISSING_VALUES = "missingValues"
    INVALID_VALUES = "invalidValues"
    DUPLICATE_VALUES = "duplicateValues"
    ROW_COUNT = "rowCount"


@dataclass(frozen=True, slots=True)
class Metric:
    """A quality rule of type `library`.

    nullValues        cells that hold nothing
    missingValues     cells that hold nothing, or one of `values` (compared as text, as it stands in the file)
    invalidValues     cells with a value outside `values` (where given) or without `pattern` (where given); empty cells are valid
    duplicateValues   rows whose `columns` together repeat those of an earlier row; rows with an empty cell among them do not
    rowCount          rows of the file; `columns` is empty
    """

    kind: MetricKind
    threshold: Threshold
    columns: tuple[str, ...] = ()
    values: tuple[str, ...] | None = None
    pattern: str | None = None
    severity: Severity = Severity.ERROR
    id: str = ""
    """The contract's own name for the rule; unique among rules of a kind and columns, or empty."""
    description: str = ""
    """What the contract says to people; shown as the hint."""

    @property
    def strict(self) -> bool:
        """Each counted cell is an error of its row: the threshold tolerates none, and the severity is `error`."""
        return (
            self.kind is not MetricKind.ROW_COUNT and self.threshold.tolerates_none and self.severity is Severity.ERROR
        )


@dataclass(frozen=True, slots=True)
class Custom:
    """A Pandera schema or model that is installed on the validator: entry point `name` of the group `sluice.pandera`."""

    name: str
    severity: Severity = Severity.ERROR
    description: str = ""


EXTRA_COLUMN = "__extra"
"""In canonical Parquet and in Druid: the columns that the contract does not know, where it keeps them."""


class ExtraColumns(StrEnum):
    """What becomes of columns of a file that the contract does not know."""

    REFUSE = "refuse"
    IGNORE = "ignore"
    KEEP = "keep"
    """As one JSON object of texts in EXTRA_COLUMN: names that a sender chose never become columns of Druid."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file is written, and where a spreadsheet's table stands."""

    delimiter: str = ","
    quote: str = '"'
    encoding: str | None = None
    """Name that Python knows, such as `windows-1252`; None means found: a byte order mark, UTF-8, or refused with a proposal."""
    decimal: str = "."
    """`.` or `,`: the mark in number columns of text cells. With `,` a number cell that is text has no `.` in it."""
    null_words: tuple[str, ...] = ("",)
    true_words: tuple[str, ...] = ("true", "1")
    false_words: tuple[str, ...] = ("false", "0")
    """Compared without regard to case."""
    sheet: str | None = None
    """Name of the sheet; None means the first that is visible."""
    header_row: int | None = None
    """Physical row of a sheet, or physical line of a text, 1 = first; None means the first that is not empty."""
    skip_after_header: int = 0
    """Rows between header and data, such as units."""
    footer_rows: int = 0
    """Last rows of the file that are no data, such as totals."""


class PolicyMode(StrEnum):
    ALL_OR_NOTHING = "all-or-nothing"
    ACCEPT_GOOD_ROWS = "accept-good-rows"


@dataclass(frozen=True, slots=True)
class RuleLimit:
    """More breaches than `most` of one rule (of one column, or of all) reject the whole file."""

    rule: str
    most: Threshold
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """What bad rows do to the good ones. The limits belong to accept-good-rows: beyond one, the file is rejected whole."""

    mode: PolicyMode = PolicyMode.ALL_OR_NOTHING
    most_rejected: Threshold | None = None
    rule_limits: tuple[RuleLimit, ...] = ()
    extra_columns: ExtraColumns = ExtraColumns.REFUSE


class SameContent(StrEnum):
    """What becomes of a file with the very bytes of an earlier one that is loaded, or on its way; one that did not succeed is none."""

    ALLOW = "allow"
    REFUSE = "refuse"
    RETURN_EXISTING = "return-existing"
    """The sender is given the task of the earlier file."""


class Granularity(StrEnum):
    """Druid's segment granularity: the span of time that one segment holds."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class DruidMode(StrEnum):
    """What becomes of rows that are there already."""

    APPEND = "append"
    """They stay."""
    REPLACE = "replace"
    """Those of the time chunks that the file's rows span are replaced."""
    REPLACE_ALL = "replace-all"
    """All are replaced."""


class QueryGranularity(StrEnum):
    """Druid's query granularity: to the start of which span a row's time is cut before rows are rolled up."""

    NONE = "none"
    SECOND = "second"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"

    def within(self, other: "QueryGranularity | Granularity") -> bool:
        """Does each span of this one lie in a single span of the other? Weeks lie across months and years."""
        order = list(QueryGranularity)
        whole = self is not QueryGranularity.WEEK or other not in {"month", "year"}
        return whole and order.index(self) <= order.index(QueryGranularity(other))


class AggregatorType(StrEnum):
    """What a metric of Druid keeps of a column; names as Druid has them."""

    LONG_SUM = "longSum"
    LONG_MIN = "longMin"
    LONG_MAX = "longMax"
    DOUBLE_SUM = "doubleSum"
    DOUBLE_MIN = "doubleMin"
    DOUBLE_MAX = "doubleMax"


@dataclass(frozen=True, slots=True)
class Aggregator:
    """A metric of Druid: the column `name` holds what `type` makes of `column`, over the rows that became one."""

    name: str
    type: AggregatorType
    column: str


ROWS_METRIC = "__rows"
"""In Druid, where a contract rolls up: of how many accepted rows a row is made."""


@dataclass(frozen=True, slots=True)
class Rollup:
    """Rows with the same cut time and the same dimensions become one. Columns of aggregators are no dimensions."""

    query_granularity: QueryGranularity = QueryGranularity.NONE
    aggregators: tuple[Aggregator, ...] = ()


class PartitionsType(StrEnum):
    """How the rows of one span of time are laid out in segments."""

    DYNAMIC = "dynamic"
    """As they come."""
    HASHED = "hashed"
    """By the hash of their columns, so that rows alike lie together."""
    RANGE = "range"
    """In the order of their columns, so that rows lie beside those that are nearly alike."""


@dataclass(frozen=True, slots=True)
class Partitions:
    """`columns`: by which rows are parted; none means all dimensions, where it is by hash.

    `shards`: so many segments for each span of time, instead of `target_rows` in each; only by hash.
    """

    type: PartitionsType = PartitionsType.DYNAMIC
    columns: tuple[str, ...] = ()
    target_rows: int | None = None
    shards: int | None = None


@dataclass(frozen=True, slots=True)
class DruidTarget:
    """Where and how the rows are kept. `time_column` becomes `__time`; without `rollup`, a row of Druid is a row of a file."""

    time_column: str
    segment_granularity: Granularity = Granularity.DAY
    mode: DruidMode = DruidMode.APPEND
    rollup: Rollup | None = None
    partitions: Partitions = Partitions()
    time_limit_minutes: int | None = None
    """How long Druid may be at a file; None means what the installation allows."""

    @property
    def aggregated(self) -> frozenset[str]:
        """Columns that Druid keeps in metrics only."""
        return frozenset(each.column for each in self.rollup.aggregators) if self.rollup else frozenset()


@dataclass(frozen=True, slots=True)
class Contract:
    """One immutable version of what a datasource's files must be."""

    datasource: str
    version: str
    fields: tuple[Field, ...]
    druid: DruidTarget
    dialect: Dialect = Dialect()
    policy: Policy = Policy()
    same_content: SameContent = SameContent.ALLOW
    primary_key: tuple[str, ...] = ()
    """Columns that together name a row: each is required, and no two rows have the same."""
    metrics: tuple[Metric, ...] = ()
    customs: tuple[Custom, ...] = ()

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

    @property
    def dimensions(self) -> tuple[Field, ...]:
        """The columns that are Druid's dimensions: all but the time and what is kept in metrics."""
        return tuple(each for each in self.fields if each.name not in {self.druid.time_column, *self.druid.aggregated})
