"""Names that a sender chose are names, whatever they mean to the libraries that we use."""

from dataclasses import replace

import polars as pl
import pytest

from sluice.contracts import Contract, DruidTarget, ExtraColumns, Field, FieldType, Policy, PolicyMode

FIELDS = (Field("At", FieldType.DATE, required=True), Field("Count", FieldType.INTEGER))


@pytest.fixture
def keeping(sales) -> Contract:
    policy = Policy(PolicyMode.ACCEPT_GOOD_ROWS, extra_columns=ExtraColumns.KEEP)
    return replace(sales, fields=FIELDS, druid=DruidTarget("At"), metrics=(), policy=policy)


@pytest.mark.parametrize("name", ["*", "^.*$", "^Count$", "{}", "a\nb"])
@pytest.mark.parametrize("file_format", ["csv", "xlsx", "xls", "parquet"])
def test_a_column_of_any_name_is_kept_and_given_back(look, writers, keeping, name, file_format):
    table = [["2024-01-31", "1", "kept"], ["2024-01-31", "many", "back"]]
    seen = look(writers[file_format](["At", "Count", name], table), file_format, keeping)
    assert (seen.code, seen.judged.accepted, seen.judged.rejected) == (None, 1, 1)
    assert pl.Series([seen.parts[0]["__extra"].item()]).str.json_decode(pl.Struct({name: pl.String})).to_list() == [
        {name: "kept"}
    ]
    (rejects,) = (file["name"] for file in seen.report["files"] if file["kind"] == "rejects")
    assert (seen.folder / rejects).stat().st_size


@pytest.mark.parametrize("mode", PolicyMode)
@pytest.mark.parametrize("file_format", ["csv", "xlsx", "xls", "parquet"])
def test_where_columns_are_kept_none_need_be_there(look, writers, keeping, file_format, mode):
    contract = replace(keeping, policy=replace(keeping.policy, mode=mode))
    seen = look(writers[file_format](["At", "Count"], [["2024-01-31", "1"]] * 2), file_format, contract)
    assert (seen.code, seen.judged.accepted) == (None, 2)
    assert seen.parts[0]["__extra"].to_list() == [None, None]
