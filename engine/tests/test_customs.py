"""Rules that an installation brings along: Pandera schemas and models, found by their entry points."""

import textwrap
from dataclasses import replace

import pytest

from sluice.contracts import Contract, Custom, DruidTarget, Field, FieldType, Policy, PolicyMode, RuleLimit, Severity
from sluice.contracts.model import Operator, Threshold
from sluice.errors import ContractInvalid

HOUSE = textwrap.dedent("""
    import pandera.polars as pa
    import polars as pl

    even = pa.DataFrameSchema({"amount": pa.Column(pl.Int64, pa.Check(
        lambda data: data.lazyframe.select(pl.col(data.key) % 2 == 0), name="even"), nullable=True)})
    ordered = pa.DataFrameSchema(checks=pa.Check(
        lambda data: data.lazyframe.select(pl.col("low") <= pl.col("amount")), name="low is not above amount"))

    class Small(pa.DataFrameModel):
        amount: int = pa.Field(le=10, nullable=True)
""")
CONTRACT = Contract(
    "t",
    "1",
    (
        Field("at", FieldType.TIMESTAMP, required=True),
        Field("low", FieldType.INTEGER),
        Field("amount", FieldType.INTEGER),
    ),
    DruidTarget("at"),
)


@pytest.fixture(autouse=True)
def _house(tmp_path, monkeypatch):
    """A distribution with three schemas, as pip would have installed it."""
    (tmp_path / "house_rules.py").write_text(HOUSE)
    info = tmp_path / "house_rules-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: house-rules\nVersion: 1.0\n")
    names = {"even": "even", "ordered": "ordered", "small": "Small"}
    entries = "".join(f"{name} = house_rules:{attribute}\n" for name, attribute in names.items())
    (info / "entry_points.txt").write_text(f"[sluice.pandera]\n{entries}")
    monkeypatch.syspath_prepend(tmp_path)


def rows(*amounts: int | None) -> bytes:
    return ("at,low,amount\n" + "".join(f"2024-01-31,3,{'' if n is None else n}\n" for n in amounts)).encode()


def of(*customs: Custom, **policy: object) -> Contract:
    return replace(CONTRACT, customs=customs, policy=Policy(**policy))


@pytest.mark.parametrize(
    ("name", "broken"),
    [("even", [("custom:even", "amount", 2)]), ("small", [("custom:small", "amount", 3)])],
)
def test_each_row_that_breaks_a_schema_or_a_model_is_named(look, name, broken):
    seen = look(rows(4, 5, 12, None), contract=of(Custom(name, description="House rules.")))
    assert seen.code == "rules-broken"
    assert seen.places("rule", "column", "row") == broken
    assert seen.report["errors"][0]["expected"] == "House rules."


def test_a_check_on_the_table_names_its_rows_too(look):
    seen = look(rows(4, 2, 1), contract=of(Custom("ordered")))
    assert seen.places("rule", "row") == [("custom:ordered", 2), ("custom:ordered", 3)]


def test_a_warning_is_reported_and_rejects_nothing(look):
    seen = look(rows(4, 5), contract=of(Custom("even", Severity.WARNING)))
    assert seen.code is None
    assert seen.judged.accepted == 2
    (rule,) = seen.report["rules"]
    assert (rule["rule"], rule["severity"], rule["count"]) == ("custom:even", "warning", 1)


def test_good_rows_are_accepted_up_to_a_limit_on_the_schema(look):
    most = RuleLimit("custom:even", Threshold(Operator.LESS_OR_EQUAL, (1,)))
    contract = of(Custom("even"), mode=PolicyMode.ACCEPT_GOOD_ROWS, rule_limits=(most,))
    assert look(rows(4, 5, 6), contract=contract).judged.accepted == 2
    assert look(rows(4, 5, 7), contract=contract).code == "too-many-errors"


def test_a_schema_that_is_not_installed_makes_the_contract_invalid(look):
    """It loads, for who writes a contract need not have the rules: the validator says so, with what it has."""
    with pytest.raises(
        ContractInvalid, match=r"custom rule 'odd' is not installed here; installed: even, ordered, small"
    ):
        look(rows(4), contract=of(Custom("odd")))
