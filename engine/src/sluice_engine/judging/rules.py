"""The contract's rules on cells, each as one Polars expression that is true where it is broken.

They say exactly what the Pandera schema of `schema.py` says, fused: one pass over a batch judges them all.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from operator import or_

import polars as pl

from sluice.contracts import Bound, Contract, Dialect, Field, FieldType, Metric, MetricKind, Severity
from sluice.contracts.narrowing import whole_maximum, whole_minimum
from sluice.errors import ContractInvalid
from sluice_engine.judging.patterns import FORMATS, ecma
from sluice_engine.judging.wording import bound_text, expected_format, step_text
from sluice_engine.parsing.columns import as_text
from sluice_engine.parsing.plain import TYPES
from sluice_engine.parsing.text import carefully

NEVER = pl.lit(False)  # noqa: FBT003 - for rules that no expression judges
RAW = "\0"
"""Prefix of a column that holds the cells as they stand in the file. No name in a contract has it."""

LONGEST_LIST = 500
METRIC_RULES = {
    MetricKind.NULL_VALUES: "null-values",
    MetricKind.MISSING_VALUES: "missing-values",
    MetricKind.INVALID_VALUES: "invalid-values",
    MetricKind.DUPLICATE_VALUES: "duplicate-values",
    MetricKind.ROW_COUNT: "row-count",
}
INT64 = (-(2**63), 2**63 - 1)


@dataclass(frozen=True, slots=True)
class Rule:
    """One check on the cells of one column. `expected` completes the sentence "expected …".

    `broken` is an expression over typed columns by their names, and raw ones with the prefix RAW; null counts as kept. A cell that could
    not be parsed breaks no other rule than `type`. `metric` names the metric it counts for, and then nothing is an error by itself.
    """

    id: str
    column: str | None
    expected: str
    broken: pl.Expr
    severity: Severity = Severity.ERROR
    hint: str = ""
    metric: int | None = None


def rules_of(contract: Contract) -> tuple[Rule, ...]:
    """Every rule on cells, column by column, in a fixed order; `type` is not among them. Raises ContractInvalid."""
    return tuple(rule for field in contract.fields for rule in _of_field(contract, field))


def raw_columns(contract: Contract) -> tuple[str, ...]:
    """Columns that some rule wants as they stand in the file."""
    return tuple(
        dict.fromkeys(
            metric.columns[0]
            for metric in contract.metrics
            if (metric.kind is MetricKind.MISSING_VALUES and metric.values)
            or (metric.pattern is not None and contract.field(metric.columns[0]).type is not FieldType.STRING)
        )
    )


def raw_text(cells: pl.Series) -> pl.Series:
    """Cells as they stand in the file, as text, without outer blanks."""
    return (cells if cells.dtype == pl.String else as_text(cells)).str.strip_chars()


def _of_field(contract: Contract, field: Field) -> Iterator[Rule]:
    column = pl.col(field.name)
    if field.required or field.name in contract.primary_key:
        yield Rule("required", field.name, "a value", column.is_null())
    yield from _ranges(field, column)
    if field.multiple_of is not None:
        yield Rule("multiple-of", field.name, f"a multiple of {step_text(field.multiple_of)}", _off_step(field, column))
    yield from _texts(field, column)
    for at, metric in enumerate(contract.metrics):
        if metric.columns == (field.name,) and metric.kind is not MetricKind.DUPLICATE_VALUES:
            yield _of_metric(at, metric, field, column)


def _ranges(field: Field, column: pl.Expr) -> Iterator[Rule]:
    if low := field.minimum:
        said = f"{'greater than' if low.exclusive else 'at least'} {bound_text(field, low)}"
        yield Rule("minimum", field.name, said, _below(field, column, low))
    if high := field.maximum:
        said = f"{'less than' if high.exclusive else 'at most'} {bound_text(field, high)}"
        yield Rule("maximum", field.name, said, _above(field, column, high))


def _below(field: Field, column: pl.Expr, low: Bound) -> pl.Expr:
    if field.type is FieldType.NUMBER:
        limit = pl.lit(float(low.value))
        return column <= limit if low.exclusive else column < limit
    least = whole_minimum(low).value
    return _integers(column) < least if least > INT64[0] else column.is_null() & False


def _above(field: Field, column: pl.Expr, high: Bound) -> pl.Expr:
    if field.type is FieldType.NUMBER:
        limit = pl.lit(float(high.value))
        return column >= limit if high.exclusive else column > limit
    most = whole_maximum(high).value
    return _integers(column) > most if most < INT64[1] else column.is_null() & False


def _integers(column: pl.Expr) -> pl.Expr:
    """Whole numbers behind the values: of a timestamp microseconds, of a date days, since 1970."""
    return column.to_physical().cast(pl.Int64)


def _off_step(field: Field, column: pl.Expr) -> pl.Expr:
    """Exact for decimals: 0.3 is three times 0.1, whatever its binary fraction says.

    A number is the double nearest to n * p / q of some whole n; n * p and q are exact in doubles, and one division rounds. Beyond
    `most_steps` nothing can be told: such a number is kept.
    """
    step = Fraction(repr(float(field.multiple_of))) if field.multiple_of else Fraction(1)
    if field.type is FieldType.INTEGER:
        return column % step.numerator != 0
    # a column that is no scalar: instead of dividing by one, Polars multiplies with its reciprocal, which rounds twice
    divisor = column * 0 + step.denominator
    times = (column * step.denominator / step.numerator).round()
    return (times * step.numerator / divisor != column) & (times.abs() < most_steps(step))


def most_steps(step: Fraction) -> float:
    """So many steps can be counted in doubles: three roundings leave the nearest whole number, and it times p is exact."""
    return min(2.0**50, 2.0**53 // step.numerator)


def _texts(field: Field, column: pl.Expr) -> Iterator[Rule]:
    if field.min_length is not None:
        said = f"at least {field.min_length} characters"
        yield Rule("min-length", field.name, said, column.str.len_chars() < field.min_length)
    if field.max_length is not None:
        said = f"at most {field.max_length} characters"
        yield Rule("max-length", field.name, said, column.str.len_chars() > field.max_length)
    if field.pattern is not None:
        matched = column.str.contains(ecma(field.name, field.pattern))
        yield Rule("pattern", field.name, f"text that matches {field.pattern}"[:LONGEST_LIST], ~matched)
    if field.string_format is not None:
        matched = column.str.contains(FORMATS[field.string_format])
        yield Rule("format", field.name, expected_format(field.string_format), ~matched)


def _of_metric(at: int, metric: Metric, field: Field, column: pl.Expr) -> Rule:
    said, broken = "a value", column.is_null()
    if metric.kind is MetricKind.INVALID_VALUES:
        wants = list(_wants(metric, field, column))
        said = " and ".join(words for words, _ in wants)[:LONGEST_LIST]
        broken = reduce(or_, (unwanted for _, unwanted in wants), pl.lit(False)) & column.is_not_null()  # noqa: FBT003 - nothing
    elif metric.kind is MetricKind.MISSING_VALUES and metric.values:
        said = f"a value, and none of: {', '.join(metric.values)}"[:LONGEST_LIST]
        named = pl.col(RAW + field.name).is_in([value.strip() for value in metric.values])
        broken = column.is_null() | named.fill_null(value=False)
    counted = None if metric.strict else at
    return Rule(METRIC_RULES[metric.kind], field.name, said, broken, metric.severity, metric.description, counted)


def _wants(metric: Metric, field: Field, column: pl.Expr) -> Iterator[tuple[str, pl.Expr]]:
    """What the metric asks of a value, and the expression that is true where it does not have it."""
    if metric.values is not None:
        yield f"one of: {', '.join(metric.values)}", ~column.is_in(_allowed(field, metric.values))
    if metric.pattern is not None:
        text = column if field.type is FieldType.STRING else pl.col(RAW + field.name)
        yield f"text that matches {metric.pattern}", ~text.str.contains(ecma(field.name, metric.pattern))


def _allowed(field: Field, values: tuple[str, ...]) -> pl.Series:
    """The contract's own words for values, in the type of the column."""
    parsed = carefully(pl.Series(list(values), dtype=pl.String), field, Dialect(null_words=()))
    if parsed.failed.any():
        raise ContractInvalid(f"validValues of {field.name} are no {field.type}: they could never stand in it")
    return parsed.values.cast(TYPES[field.type]).implode()
