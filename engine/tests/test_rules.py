"""Rules on values, each by itself."""

import datetime as dt

import polars as pl
import pytest

from sluice.contracts import Bound, Contract, DruidTarget, Field, FieldType
from sluice.errors import ContractInvalid
from sluice_engine.judging.rules import rules_of

AT = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


def breaches(field: Field, values: list[object], dtype: pl.DataType) -> dict[str, list[int]]:
    contract = Contract("t", "1", (Field("at", FieldType.TIMESTAMP, required=True), field), DruidTarget("at"))
    frame = pl.DataFrame(
        {
            "at": pl.Series([AT] * len(values), dtype=pl.Datetime("us", "UTC")),
            field.name: pl.Series(values, dtype=dtype),
        }
    )
    flags = {rule.id: frame.select(rule.broken).to_series() for rule in rules_of(contract) if rule.column == field.name}
    return {rule: flag.arg_true().to_list() for rule, flag in flags.items() if flag.any()}


@pytest.mark.parametrize(
    ("field", "values", "broken"),
    [
        (Field("x", FieldType.INTEGER, required=True), [1, None], {"required": [1]}),
        (Field("x", FieldType.INTEGER, minimum=Bound(1)), [0, 1, None, -5], {"minimum": [0, 3]}),
        (Field("x", FieldType.INTEGER, minimum=Bound(1, exclusive=True)), [0, 1, 2], {"minimum": [0, 1]}),
        (Field("x", FieldType.INTEGER, maximum=Bound(1)), [0, 1, 2], {"maximum": [2]}),
        (Field("x", FieldType.INTEGER, maximum=Bound(1, exclusive=True)), [0, 1, 2], {"maximum": [1, 2]}),
        (
            Field("x", FieldType.STRING, min_length=2, max_length=3),
            ["ä", "äö", "äöü", "äöüß"],
            {"min-length": [0], "max-length": [3]},
        ),
        (Field("x", FieldType.STRING, pattern="b+"), ["abc", "ac", None], {"pattern": [1]}),
        (Field("x", FieldType.STRING, pattern=r"^[\d.]+$"), ["1.5", "٣"], {"pattern": [1]}),
    ],
)
def test_each_rule_names_its_rows(field, values, broken):
    dtype = pl.Int64() if field.type is FieldType.INTEGER else pl.String()
    assert breaches(field, values, dtype) == broken


def test_pattern_that_cannot_run_makes_the_contract_invalid():
    with pytest.raises(ContractInvalid, match="cannot be honoured"):
        breaches(Field("x", FieldType.STRING, pattern="a{1001}{1001}{1001}"), ["a"], pl.String())
