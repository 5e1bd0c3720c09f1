"""What docs/contracts.md says is so."""

import re
from pathlib import Path

import pytest
import yaml
from contract_builder import refusals
from pydantic import BaseModel

from sluice.contracts import Granularity, MetricKind, Operator, SameContent, StringFormat, load_contract
from sluice.contracts.block import ColumnBlock, DialectBlock, DruidBlock, PolicyBlock, SluiceBlock
from sluice.contracts.fields import NO_COLUMN, OPTIONS, WIDTHS
from sluice.contracts.formats import JDK
from sluice.contracts.settings import CELL_RULES, ROW_RULES

TEXT = (Path(__file__).parents[3] / "docs/contracts.md").read_text(encoding="utf-8")
EXAMPLES = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)]
MINIMAL = next(each for each in EXAMPLES if "apiVersion" in each)
PARTS = [each for each in EXAMPLES if "apiVersion" not in each]


def section(title: str) -> str:
    return re.split(r"^##+ ", TEXT.partition(f"# {title}\n")[2], flags=re.MULTILINE)[0]


def with_part(part: dict) -> str:
    """The minimal contract with a part of another: properties, rules of the table, settings of our block."""
    (table,) = MINIMAL["schema"]
    (entry,) = MINIMAL["customProperties"]
    changed = table | {
        "properties": [*table["properties"], *part.get("properties", [])],
        "quality": part.get("quality", []),
    }
    settings = {name: said for name, said in part.items() if name not in {"properties", "quality"}}
    custom = entry | {"value": entry["value"] | settings}
    return yaml.safe_dump(MINIMAL | {"schema": [changed], "customProperties": [custom]})


def test_the_minimal_contract_loads():
    assert load_contract(yaml.safe_dump(MINIMAL)).columns == ("sold_at", "amount")


def test_there_are_parts():
    assert len(PARTS) == 6


@pytest.mark.parametrize("part", PARTS, ids=range(len(PARTS)))
def test_each_part_loads_with_it(part):
    plain, loaded = load_contract(with_part({})), load_contract(with_part(part))
    assert loaded != plain


@pytest.mark.parametrize(
    ("block", "prefix"),
    [(DruidBlock, "druid."), (DialectBlock, "dialect."), (ColumnBlock, "columns.<name>."), (PolicyBlock, "policy.")],
)
def test_every_setting_stands_in_the_table(block: type[BaseModel], prefix: str):
    for field in block.model_fields.values():
        assert f"`{prefix}{field.alias}`" in section("Our block")


def test_every_part_of_the_block_stands_in_the_table():
    for field in SluiceBlock.model_fields.values():
        assert f"`{field.alias}" in section("Our block")


def test_every_word_of_the_language_stands_there():
    words = [*OPTIONS, *StringFormat, *WIDTHS, *MetricKind, *Operator, *NO_COLUMN, *Granularity, *SameContent]
    assert [word for word in words if f"`{word}`" not in TEXT] == []
    assert [word for word in JDK if word not in TEXT] == []
    assert [each for options in OPTIONS.values() for each in options if each not in section("Columns")] == ["timezone"]


def test_every_rule_stands_there_by_its_id():
    assert [rule for rule in (*CELL_RULES, *ROW_RULES) if f"`{rule}`" not in section("Ids of rules")] == []


def test_a_fault_is_told_in_the_form_that_is_shown():
    unknown = yaml.safe_dump(MINIMAL).replace("logicalType: number", "logicalType: array")
    (told,) = refusals(unknown)
    assert re.fullmatch(r"line \d+: schema/0/properties/1/logicalType: .*; .*", told)
    assert "`line 12: schema/0/properties/1/…: what, and the way out`" in section("What is refused")
