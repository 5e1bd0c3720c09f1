"""What a contract may say, and that everything else is refused at its place."""

from pathlib import Path

import pytest
import yaml

from sluice.contracts import Bound, FieldType, Granularity, load_contract
from sluice.errors import ContractInvalid

ROOT = Path(__file__).parents[3]


def document() -> dict:
    """A small contract, to be changed by a test."""
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "t",
        "version": "1.0.0",
        "status": "active",
        "schema": [
            {
                "name": "orders",
                "properties": [
                    {"name": "at", "logicalType": "timestamp", "required": True},
                    {"name": "kind", "logicalType": "string"},
                    {"name": "amount", "logicalType": "number"},
                ],
            }
        ],
        "customProperties": [{"property": "sluice", "value": {"druid": {"timeColumn": "at"}}}],
    }


def load(changed: dict):
    return load_contract(yaml.safe_dump(changed))


def prop(number: int, **more) -> dict:
    changed = document()
    changed["schema"][0]["properties"][number].update(more)
    return changed


@pytest.mark.parametrize("name", ["sales", "weather"])
def test_the_sample_contracts_load(name):
    contract = load_contract((ROOT / "contracts" / f"{name}.odcs.yaml").read_text())
    assert contract.datasource == name
    assert contract.field(contract.druid.time_column).required


def test_the_sales_contract_says_what_it_should():
    contract = load_contract((ROOT / "contracts/sales.odcs.yaml").read_text())
    assert contract.druid.time_column == "TransactionTimestamp"
    assert contract.druid.segment_granularity is Granularity.DAY
    assert contract.field("OrderID").unique
    assert contract.field("Quantity").type is FieldType.INTEGER
    assert contract.field("UnitPrice").minimum == Bound(0.0, exclusive=True)
    assert [(each.columns, "Ships" in (each.values or ())) for each in contract.metrics] == [(("ProductLine",), True)]
    assert contract.field("CustomerEmail").classified
    assert contract.field("CustomerEmail").pattern


def test_a_primary_key_is_required_and_names_its_columns_in_their_order():
    assert load(prop(1, primaryKey=True)).field("kind").required
    several = prop(1, primaryKey=True, primaryKeyPosition=2)
    several["schema"][0]["properties"][2].update(primaryKey=True, primaryKeyPosition=1)
    assert load(several).primary_key == ("amount", "kind")


@pytest.mark.parametrize(
    ("jdk", "strptime"),
    [("dd.MM.yyyy", "%d.%m.%Y"), ("yyyy/MM/dd", "%Y/%m/%d"), ("yyyy-MM-dd'T'HH:mm:ss", "%Y-%m-%dT%H:%M:%S")],
)
def test_date_formats_of_the_jdk_are_translated(jdk, strptime):
    kind = "timestamp" if "HH" in jdk or "hh" in jdk else "date"
    assert load(prop(0, logicalType=kind, logicalTypeOptions={"format": jdk})).field("at").format == strptime


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (prop(0, logicalTypeOptions={"format": "EEE dd MMM yyyy"}), "properties/0/logicalTypeOptions/format: EEE"),
        (prop(1, logicalType="object"), "properties/1/logicalType"),
        (prop(1, logicalTypeOptions={"pattern": "(?=a)b"}), "look-around"),
        (prop(1, logicalTypeOptions={"pattern": r"(a)\1"}), "back-references"),
        (prop(1, logicalTypeOptions={"pattern": "("}), "pattern"),
        (prop(1, quality=[{"type": "sql", "query": "SELECT 1", "mustBe": 0}]), "properties/1/quality"),
        (prop(0, required=False), "timeColumn"),
        (prop(1, name="at"), "same name"),
        (prop(1, name="__task_id"), "begin with __"),
        (document() | {"version": "1 0"}, "version"),
        (document() | {"customProperties": []}, "customProperties"),
        (document() | {"schema": []}, "one table"),
        (document() | {"kind": "Nonsense"}, "Open Data Contract Standard"),
    ],
)
def test_what_cannot_be_honoured_is_refused_at_its_place(changed, said):
    with pytest.raises(ContractInvalid, match=said):
        load(changed)


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({"druid": {"timeColumn": "amount"}}, "timeColumn"),
        ({"druid": {"timeColumn": "at", "segmentGranularity": "fortnight"}}, "segmentGranularity"),
        ({"druid": {"timeColumn": "at", "mode": "upsert"}}, "mode"),
        ({"druid": {"timeColumn": "at"}, "policy": "accept-some"}, "policy"),
        ({"druid": {"timeColumn": "at"}, "dialect": {"encoding": "latin-99"}}, "encoding"),
        ({"druid": {"timeColumn": "at"}, "dialect": {"delimiter": "¦"}}, "delimiter"),
        ({"druid": {"timeColumn": "at"}, "dialect": {"quote": ""}}, "quote"),
        ({"druid": {"timeColumn": "at"}, "surprise": 1}, "surprise"),
        ({}, "druid"),
    ],
)
def test_our_own_block_is_strict(block, said):
    changed = document()
    changed["customProperties"][0]["value"] = block
    with pytest.raises(ContractInvalid, match=said):
        load(changed)


@pytest.mark.parametrize("name", ["Orders", "or ders", "1st", 'x"; DROP', "../up", "d" * 64])
def test_a_datasource_is_named_safely(name):
    changed = document()
    changed["schema"][0]["name"] = name
    with pytest.raises(ContractInvalid, match="schema/0/name"):
        load(changed)


@pytest.mark.parametrize("text", ["", "[]", "a: [", "x" * 1_000_001])
def test_what_is_no_contract_is_refused(text):
    with pytest.raises(ContractInvalid):
        load_contract(text)
