"""Parquet: footers are held to limits before data is read, and types are compared once for each column."""

import datetime as dt
import io
from decimal import Decimal
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sluice.contracts import Contract, DruidTarget, ExtraColumns, Field, FieldType, Policy
from sluice_engine.errors import FileRejected
from sluice_engine.reading import parquet, parquetfooter
from sluice_engine.reading.parquet import ParquetTable
from sluice_engine.reading.parquetfooter import read_footer
from sluice_engine.reading.thrift import Malformed, Reader

F = FieldType
AT = dt.datetime(2024, 1, 5, 10, 0, 30)  # noqa: DTZ001 - the zone is the column's
FAR = 10**15


def contract(*types: FieldType, policy: Policy | None = None) -> Contract:
    fields = tuple(Field("abcdefgh"[at], type_, aliases=(f"col {at}",)) for at, type_ in enumerate(types))
    return Contract("table", "1", fields, DruidTarget("a"), policy=policy or Policy())


def written(path: Path, frame: pl.DataFrame, **options: int) -> Path:
    frame.write_parquet(path, **options)
    return path


def cells(table: ParquetTable) -> pl.DataFrame:
    frames = [batch.cells for batch in table.batches()]
    return pl.concat(frames) if frames else pl.DataFrame()


@pytest.mark.parametrize(
    ("type_", "column", "expected"),
    [
        (F.INTEGER, pl.Series([1, None], dtype=pl.UInt8), [1, None]),
        (F.INTEGER, pl.Series([5.0, 1e16]), [5, 10**16]),
        (F.INTEGER, pl.Series([5.0, 1.5, None, float("nan")]), ["5", "1.5", None, "NaN"]),
        (F.INTEGER, pl.Series([1e19, 1.0]), ["1e+19", "1"]),
        (F.INTEGER, pl.Series([Decimal("5.00"), Decimal("1.50")]), ["5", "1.50"]),
        (F.NUMBER, pl.Series([Decimal("5.25")]), [Decimal("5.25")]),
        (F.STRING, pl.Series(["x", "y"], dtype=pl.Categorical), ["x", "y"]),
        (F.STRING, pl.Series(["x"], dtype=pl.Enum(["x"])), ["x"]),
        (F.DATE, pl.Series([None, None], dtype=pl.Null), [None, None]),
        (F.DATE, pl.Series([dt.date(2024, 2, 29)]), [dt.date(2024, 2, 29)]),
        (F.TIMESTAMP, pl.Series([AT], dtype=pl.Datetime("ns")), [AT]),
        (F.TIMESTAMP, pl.Series([AT], dtype=pl.Datetime("ms", "Europe/Berlin")), None),
        (F.TIMESTAMP, pl.Series([FAR, 0]).cast(pl.Datetime("ms")), [f"{FAR} ms since 1970", "1970-01-01T00:00:00.000"]),
        (F.DATE, pl.Series([10**7, 0], dtype=pl.Int32).cast(pl.Date), ["10000000 days since 1970", "1970-01-01"]),
    ],
)  # fmt: skip
def test_values_arrive_without_a_change(tmp_path, type_, column, expected):
    path = written(tmp_path / "input", pl.DataFrame({"a": column}))
    found = cells(ParquetTable(path, contract(type_)))["a"]
    assert found.to_list() == (column.to_list() if expected is None else expected)


@pytest.mark.parametrize(
    ("type_", "column"),
    [
        (F.INTEGER, [True]),
        (F.INTEGER, [AT]),
        (F.NUMBER, [dt.date(2024, 1, 1)]),
        (F.BOOLEAN, [1.5]),
        (F.TIMESTAMP, [1_700_000_000]),
        (F.DATE, [dt.time(1, 2)]),
    ],
)
def test_column_of_another_type_is_one_fault(tmp_path, type_, column):
    path = written(tmp_path / "input", pl.DataFrame({"col 0": column * 1000}))
    with pytest.raises(FileRejected) as caught:
        cells(ParquetTable(path, contract(type_)))
    assert caught.value.code == "wrong-type"
    assert [(fault.rule, fault.column, fault.row) for fault in caught.value.faults] == [("wrong-type", "a", None)]
    assert str(type_) in caught.value.faults[0].hint


@pytest.mark.parametrize(
    "column", [pl.Series([[1]]), pl.Series([{"x": 1}]), pl.Series([b"x"]), pl.Series([dt.timedelta(1)])]
)
def test_values_within_values_are_refused_where_they_would_be_read(tmp_path, column):
    path = written(tmp_path / "input", pl.DataFrame({"a": ["x"], "more": column}))
    for extra, read in ((ExtraColumns.IGNORE, True), (ExtraColumns.KEEP, False)):
        table = ParquetTable(path, contract(F.STRING, policy=Policy(extra_columns=extra)))
        if read:
            assert cells(table).rows() == [("x",)]
            continue
        with pytest.raises(FileRejected) as caught:
            cells(table)
        assert caught.value.code == "unsupported-type"


def test_aliases_and_extra_columns(tmp_path):
    path = written(tmp_path / "input", pl.DataFrame({"more": [1.5], "COL 1": ["x"], "a": [3]}))
    table = ParquetTable(path, contract(F.INTEGER, F.STRING, policy=Policy(extra_columns=ExtraColumns.KEEP)))
    (batch,) = table.batches()
    assert batch.cells.to_dicts() == [{"b": "x", "a": 3}]
    assert batch.extra.to_dicts() == [{"more": "1.5"}]
    assert [column.field for column in table.columns] == [None, "b", "a"]


@pytest.mark.parametrize("height", [1, 65_536, 65_537, 200_000])
def test_rows_come_in_order_and_once_more(tmp_path, height):
    path = written(tmp_path / "input", pl.DataFrame({"a": range(1, height + 1)}), row_group_size=50_000)
    table = ParquetTable(path, contract(F.INTEGER))
    batches = list(table.batches())
    assert max(batch.seen for batch in batches) <= parquet.ROWS
    assert pl.concat([batch.rows for batch in batches]).to_list() == list(range(1, height + 1))
    wanted = pl.Series(sorted({1, height // 2 + 1, height}), dtype=pl.UInt64)
    again = list(table.again(wanted))
    assert len(again) <= len(wanted)
    found = pl.concat([batch.cells["a"].filter(batch.rows.is_in(wanted.implode())) for batch in again])
    assert found.to_list() == wanted.to_list()


def test_footer_counts_what_polars_wrote(tmp_path):
    frame = pl.DataFrame({"plain": range(1000), "deep": [{"x": {"y": [1]}}] * 1000, "last": ["é"] * 1000})
    footer = read_footer(written(tmp_path / "input", frame, row_group_size=300))
    assert (footer.names, footer.rows, footer.encrypted) == (("plain", "deep", "last"), 1000, False)
    assert [rows for rows, _ in footer.groups] == [300, 300, 300, 100]
    assert all(size > 0 for _, size in footer.groups)


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("MAX_CELLS", "Rows times columns of the file"),
        ("MAX_GROUPS", "row groups"),
        ("MAX_GROUP_CELLS", "columns of a row group"),
        ("MAX_GROUP_BYTES", "unpacks to"),
        ("MAX_FOOTER", "footer"),
    ],
)
def test_limits_are_named_with_what_was_found(monkeypatch, tmp_path, limit, said):
    path = written(tmp_path / "input", pl.DataFrame({"a": range(100)}), row_group_size=10)
    monkeypatch.setattr(parquetfooter, limit, 3)
    with pytest.raises(FileRejected, match=said) as caught:
        cells(ParquetTable(path, contract(F.INTEGER)))
    assert caught.value.code == "resource-limit"
    assert "limit is 3" in caught.value.message


def test_encrypted_and_foreign_files_are_said(tmp_path):
    whole = small()
    for data, said in (
        (whole[:-4] + b"PARE", "encrypted"),
        (b"a,b\n1,2\n", "no whole Parquet"),
        (b"", "no whole Parquet"),
        (whole[:-100], "no whole Parquet"),
        (whole[:4] + b"\0" * 40 + whole[44:], "no whole Parquet"),
    ):
        (tmp_path / "input").write_bytes(data)
        with pytest.raises(FileRejected, match=said):
            cells(ParquetTable(tmp_path / "input", contract(F.INTEGER, F.STRING)))


@cache
def small() -> bytes:
    content = io.BytesIO()
    pl.DataFrame({"a": range(500), "b": [f"text {at}" for at in range(500)]}).write_parquet(content, row_group_size=200)
    return content.getvalue()


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_byte_never_gets_further_than_a_refusal(tmp_path, data):
    whole = small()
    at = data.draw(st.integers(0, len(whole) - 1))
    spoilt = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    (tmp_path / "input").write_bytes(spoilt[: data.draw(st.sampled_from([at + 1, len(whole)]))])
    try:
        found = cells(ParquetTable(tmp_path / "input", contract(F.INTEGER, F.STRING)))
    except FileRejected:
        return
    assert found.height <= 10_000


@given(st.binary(max_size=200))
def test_any_bytes_are_a_structure_or_malformed(data):
    reader = Reader(data)
    try:
        reader.struct()
    except Malformed:
        return
    assert reader.at <= len(data)


def test_lists_within_lists_are_malformed_beyond_a_depth():
    with pytest.raises(Malformed):
        Reader(b"\x19" * 100_000).struct()


@pytest.mark.parametrize("extra", [ExtraColumns.IGNORE, ExtraColumns.KEEP])
def test_a_column_without_a_name_is_called_by_its_place(tmp_path, extra):
    path = written(tmp_path / "a.parquet", pl.DataFrame({"a": [1], "": ["x"], "b": [2]}))
    (batch,) = ParquetTable(path, contract(F.INTEGER, F.INTEGER, policy=Policy(extra_columns=extra))).batches()
    assert (batch.cells.rows(), batch.extra.to_dicts()) == ([(1, 2)], [{"column 2": "x"}])
