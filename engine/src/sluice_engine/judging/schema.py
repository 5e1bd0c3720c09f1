"""The contract's rules on cells as a Pandera schema: the language that users know, and the oracle of the fused path.

The engine judges by `rules.py`; tests hold that both give the same rows, columns and rules. Where this is slower and clearer, good.
Importing Pandera costs a second of CPU: nothing that judges a file imports this.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData
from pandera.config import ValidationDepth, config_context
from pandera.errors import SchemaError, SchemaErrors

from sluice.contracts import Bound, Contract, Field, FieldType, Metric, MetricKind
from sluice_engine.judging.patterns import FORMATS, ecma
from sluice_engine.judging.rules import most_steps
from sluice_engine.parsing.plain import TYPES

Check = tuple[str, pa.Check]
"""Rule and check."""


@dataclass(frozen=True, slots=True)
class Breach:
    """Rows of a batch (true where broken) that break one rule of a column."""

    rule: str
    column: str
    broken: pl.Series


class Schema:
    """The rules of one contract. A Pandera schema knows no `required` beside nullability: it comes first, where a column has it."""

    def __init__(self, contract: Contract) -> None:
        self._checks = {field.name: tuple(checks_of(contract, field)) for field in contract.fields}
        self.pandera = pa.DataFrameSchema(
            {
                field.name: pa.Column(
                    TYPES[field.type],
                    [check for _, check in self._checks[field.name]],
                    nullable=not (field.required or field.name in contract.primary_key),
                )
                for field in contract.fields
            }
        )

    def judge(self, typed: pl.DataFrame) -> Iterator[Breach]:
        """Every rule that a typed frame breaks, with the rows. The depth is said aloud: by default Pandera may check no data at all."""
        with config_context(validation_depth=ValidationDepth.SCHEMA_AND_DATA):
            try:
                self.pandera.validate(typed, lazy=True)
            except SchemaErrors as errors:
                yield from map(self._breach, errors.schema_errors)

    def _breach(self, error: SchemaError) -> Breach:
        output, column = error.check_output, error.schema.name
        if not isinstance(output, pl.DataFrame) or len(output.columns) != 1:
            # the frame itself is not as we built it, or a check could not run
            raise RuntimeError(f"Pandera could not judge column {column}: {error.reason_code}")
        broken = ~output.to_series().fill_null(value=True)
        rule = "required" if error.check_index is None else self._checks[column][error.check_index][0]
        return Breach(rule, column, broken)


def checks_of(contract: Contract, field: Field) -> Iterator[Check]:
    """Every check on values of the column, in the order of `rules.py`."""
    if low := field.minimum:
        yield "minimum", (pa.Check.gt if low.exclusive else pa.Check.ge)(_end(field, low))
    if high := field.maximum:
        yield "maximum", (pa.Check.lt if high.exclusive else pa.Check.le)(_end(field, high))
    if step := field.multiple_of:
        yield "multiple-of", _each(_multiple_of(Fraction(repr(step))))
    if field.min_length is not None:
        yield "min-length", pa.Check.str_length(field.min_length, None)
    if field.max_length is not None:
        yield "max-length", pa.Check.str_length(None, field.max_length)
    if field.pattern is not None:
        yield "pattern", pa.Check(_contains(ecma(field.name, field.pattern)))
    if field.string_format is not None:
        wanted = re.compile(FORMATS[field.string_format])
        yield "format", _each(lambda value: wanted.search(value) is not None)
    for metric in contract.metrics:
        if metric.strict and metric.columns == (field.name,):
            yield from _metric(metric)


def _metric(metric: Metric) -> Iterator[Check]:
    """Of string columns; the values of others stand in the contract as text, and are parsed first."""
    match metric.kind:
        case MetricKind.NULL_VALUES:
            yield "null-values", pa.Check(_present, ignore_na=False)
        case MetricKind.MISSING_VALUES:
            words = list(metric.values or ())
            yield "missing-values", pa.Check(lambda data: _present(data, without=words), ignore_na=False)
        case MetricKind.INVALID_VALUES:
            if metric.values is not None and metric.pattern is None:
                yield "invalid-values", pa.Check.isin(list(metric.values))
            elif metric.pattern is not None and metric.values is None:
                yield "invalid-values", pa.Check(_contains(ecma("", metric.pattern)))
        case _:
            pass


def _present(data: PolarsData, without: list[str] | None = None) -> pl.LazyFrame:
    column = pl.col(data.key)
    return data.lazyframe.select(column.is_not_null() & ~column.is_in(without or []).fill_null(value=False))


def _end(field: Field, bound: Bound) -> object:
    """In the column's own type."""
    if field.type in {FieldType.TIMESTAMP, FieldType.DATE}:
        return pl.Series([bound.value]).cast(pl.Int64).cast(TYPES[field.type])[0]
    return bound.value


def _multiple_of(step: Fraction) -> Callable[[float], bool]:
    """Is it a whole number of steps; of a double, the one that stands for it? Beyond `most_steps`, each double is."""

    def holds(value: float) -> bool:
        times = Fraction(value) / step
        if isinstance(value, int):
            return times.denominator == 1
        return abs(round(times)) >= most_steps(step) or float(round(times) * step) == value

    return holds


def _each(holds: Callable[[Any], bool]) -> pa.Check:
    return pa.Check(holds, element_wise=True)


def _contains(pattern: str) -> Callable[[PolarsData], pl.LazyFrame]:
    """Found anywhere, as ECMA-262 has it. Pandera's own check would hold the pattern against Python's syntax first."""
    return lambda data: data.lazyframe.select(pl.col(data.key).str.contains(pattern))
