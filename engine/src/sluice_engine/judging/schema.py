"""The contract's rules on values, as a Pandera schema that judges bounded, eager batches.

On a LazyFrame, or with its default depth elsewhere, Pandera checks no data at all; its own coercion loses the place of
an error. So frames are eager and typed before they come here, and the depth is said aloud.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData
from pandera.config import ValidationDepth, config_context
from pandera.errors import SchemaError, SchemaErrors

from sluice.contracts import Contract, Field, FieldType
from sluice.errors import ContractInvalid
from sluice_engine.parsing.plain import TYPES

KINDS = {
    FieldType.STRING: "text",
    FieldType.INTEGER: "a whole number",
    FieldType.NUMBER: "a number with a decimal point, such as 12.5",
    FieldType.BOOLEAN: "true or false",
    FieldType.TIMESTAMP: "a timestamp such as 2024-01-31T12:00:00Z",
    FieldType.DATE: "a date such as 2024-01-31",
}
ECMA_CLASSES = {"d": "[0-9]", "D": "[^0-9]", "w": "[0-9A-Za-z_]", "W": "[^0-9A-Za-z_]"}
"""ECMA-262 means ASCII by these; the regex engine of Polars means Unicode."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One check on one column. `expected` completes the sentence "expected …"."""

    id: str
    expected: str
    check: pa.Check


@dataclass(frozen=True, slots=True)
class Breach:
    """Rows of a batch (true where broken) that break one rule of a column."""

    rule: str
    column: str
    expected: str
    broken: pl.Series


def expected_type(field: Field) -> str:
    """What a cell of the column must be."""
    if field.format is None:
        return KINDS[field.type]
    return f"{field.type.value} written as {field.format.replace('%', '')}, or in ISO 8601"


def rules_of(contract: Contract, field: Field) -> Iterator[Rule]:
    """Every rule on values of the column, in a fixed order. Raises ContractInvalid for a pattern that cannot be run."""
    if low := field.minimum:
        below = pa.Check.gt(low.value) if low.exclusive else pa.Check.ge(low.value)
        yield Rule("minimum", f"{'greater than' if low.exclusive else 'at least'} {low.value:g}", below)
    if high := field.maximum:
        above = pa.Check.lt(high.value) if high.exclusive else pa.Check.le(high.value)
        yield Rule("maximum", f"{'less than' if high.exclusive else 'at most'} {high.value:g}", above)
    if field.min_length is not None:
        yield Rule("min-length", f"at least {field.min_length} characters", pa.Check.str_length(field.min_length, None))
    if field.max_length is not None:
        yield Rule("max-length", f"at most {field.max_length} characters", pa.Check.str_length(None, field.max_length))
    if field.pattern is not None:
        yield Rule("pattern", f"text that matches {field.pattern}", pa.Check(_contains(_pattern(field))))
    for metric in contract.metrics:
        if metric.strict and metric.columns == (field.name,) and metric.values is not None:
            said = f"one of: {', '.join(metric.values)}"[:500]
            yield Rule("invalid-values", said, pa.Check.isin(list(metric.values)))


def _pattern(field: Field) -> str:
    pattern = re.sub(r"\\(.)", lambda pair: ECMA_CLASSES.get(pair[1], pair[0]), field.pattern or "", flags=re.DOTALL)
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.ComputeError as error:
        raise ContractInvalid(f"pattern of {field.name} cannot be honoured: {field.pattern!r}") from error
    return pattern


def _contains(pattern: str) -> Callable[[PolarsData], pl.LazyFrame]:
    """Found anywhere, as ECMA-262 has it. Pandera's own check would hold the pattern against Python's syntax first."""
    return lambda data: data.lazyframe.select(pl.col(data.key).str.contains(pattern))


class Rules:
    """The rules of one contract, compiled once."""

    def __init__(self, contract: Contract) -> None:
        self._rules = {field.name: tuple(rules_of(contract, field)) for field in contract.fields}
        self._schema = pa.DataFrameSchema(
            {
                field.name: pa.Column(
                    TYPES[field.type], [rule.check for rule in self._rules[field.name]], nullable=not field.required
                )
                for field in contract.fields
            }
        )

    def judge(self, typed: pl.DataFrame) -> Iterator[Breach]:
        """Every rule that the batch breaks, with the rows."""
        with config_context(validation_depth=ValidationDepth.SCHEMA_AND_DATA):
            try:
                self._schema.validate(typed, lazy=True)
            except SchemaErrors as errors:
                yield from map(self._breach, errors.schema_errors)

    def _breach(self, error: SchemaError) -> Breach:
        output, column = error.check_output, error.schema.name
        if not isinstance(output, pl.DataFrame) or len(output.columns) != 1:
            # the frame itself is not as we built it, or a check could not run
            raise RuntimeError(f"Pandera could not judge column {column}: {error.reason_code}")
        broken = ~output.to_series().fill_null(value=True)
        if error.check_index is None:
            return Breach("required", column, "a value", broken)
        rule = self._rules[column][error.check_index]
        return Breach(rule.id, column, rule.expected, broken)
