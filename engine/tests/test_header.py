"""Names of columns: the contract's, aliases, unknown ones, and what stands around the header in a text."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sluice.contracts import Contract, Dialect, DruidTarget, ExtraColumns, Field, FieldType, Policy
from sluice_engine.errors import FileRejected
from sluice_engine.reading import csv as csv_adapter
from sluice_engine.reading.csv import CsvTable
from sluice_engine.reading.header import resolve

FIELDS = (
    Field("Order ID", FieldType.STRING, aliases=("order no", "Nr.")),
    Field("Amount", FieldType.STRING, aliases=("Betrag", "order id")),
)


def contract(extra: ExtraColumns = ExtraColumns.REFUSE, **dialect: Any) -> Contract:
    policy = Policy(extra_columns=extra)
    return Contract("any", "1", FIELDS, DruidTarget("Amount"), Dialect(**dialect), policy)


@pytest.mark.parametrize(
    ("names", "fields"),
    [
        (["Order ID", "Amount"], ["Order ID", "Amount"]),
        ([" Amount ", "Order ID\t"], ["Amount", "Order ID"]),
        (["ORDER NO ", "betrag"], ["Order ID", "Amount"]),
        (["Order ID", "ORDER ID"], ["Order ID", "Amount"]),
    ],
    ids=["own names", "spaces", "aliases", "an exact name goes before an alias"],
)
def test_a_column_is_found_by_name_or_alias(names, fields):
    assert [column.field for column in resolve(names, contract())] == fields
    assert [column.name for column in resolve(names, contract())] == names


WRONG = [
    (["Order ID", "order no", "Amount"], [("duplicate-column", "Order ID")]),
    (["Order ID", "Amount", "x", "x"], [("duplicate-column", "x"), ("unexpected-column", "x")]),
    (["order id"], [("missing-column", "Order ID")]),
    (["Order ID", "amount"], [("missing-column", "Amount"), ("unexpected-column", "amount")]),
    (["Order ID", "Amount", "", ""], [("unexpected-column", "column 3"), ("unexpected-column", "column 4")]),
    (["Order ID", "Amount", "__row"], [("unexpected-column", "__row")]),
    (["Order ID", "Amount", "a\n\u202eb"], [("unexpected-column", "a\\n\\u202eb")]),
]


@pytest.mark.parametrize(("names", "faults"), WRONG)
def test_every_fault_of_a_header_is_named(names, faults):
    with pytest.raises(FileRejected) as refusal:
        resolve(names, contract())
    assert refusal.value.code == "wrong-columns"
    assert [(fault.rule, fault.column) for fault in refusal.value.faults] == faults


@pytest.mark.parametrize("extra", [ExtraColumns.IGNORE, ExtraColumns.KEEP])
def test_unknown_columns_may_be_there_where_the_contract_lets_them(extra):
    columns = resolve(["Order ID", "Amount", "x", "", ""], contract(extra))
    assert [(each.name, each.field) for each in columns[2:]] == [("x", None), ("column 4", None), ("column 5", None)]
    with pytest.raises(FileRejected) as refusal:
        resolve(["Order ID", "Amount", "x", "x"], contract(extra))
    assert [fault.rule for fault in refusal.value.faults] == ["duplicate-column"]


@pytest.mark.parametrize("extra", ExtraColumns)
def test_columns_of_a_rejects_file_belong_to_a_correction(extra):
    names = ["Order ID", "Amount", "__row", "__errors"]
    assert [each.field for each in resolve(names, contract(extra), correcting=True)][2:] == [None, None]
    with pytest.raises(FileRejected) as refusal:
        resolve(names, contract(extra))
    assert all("corrects=" in fault.hint for fault in refusal.value.faults)
    assert len(refusal.value.faults) == 2


def test_a_message_has_a_bounded_length_and_names_that_cannot_be_are_not_compared():
    fields = tuple(Field(f"column with a long name {n}", FieldType.STRING) for n in range(500))
    many = Contract("any", "1", fields, DruidTarget(fields[0].name))
    with pytest.raises(FileRejected) as refusal:
        resolve(["a@b.co"], many)
    assert len(refusal.value.message) <= 1000
    assert "a@b.co" not in refusal.value.message
    for names in (["x" * 1_001], ["x"] * 10_001):
        with pytest.raises(FileRejected, match="at most 10000 columns") as refusal:
            resolve(names, many)
        assert len(refusal.value.faults) == 1


Seen = tuple[list[tuple[str, ...]], list[int], list[int | None], tuple[str, ...]]


def read(path: Path, text: str, of: Contract, **options: Any) -> Seen:
    path.write_bytes(text.encode())
    table = CsvTable(path, of, **options)
    batches = list(table.batches())
    rows = [row for batch in batches for row in batch.cells.rows()]
    numbers = [row for batch in batches for row in batch.rows.to_list()]
    lines = [table.place(row, None).line for row in numbers]
    return rows, numbers, lines, tuple(note.message for note in table.notes if note.code != "encoding")


BODY = "1,a\n2,b\n3,c\n"
AROUND: list[tuple[dict[str, Any], str, list[int], int]] = [
    ({}, "\n\r\n\rOrder ID,Amount\n" + BODY, [1, 2, 3], 5),
    ({"header_row": 3}, 'Report "of\nx,y,\0\nOrder ID,Amount\n' + BODY, [1, 2, 3], 4),
    ({"header_row": 3}, "a\rb\r\nOrder ID,Amount\r\n" + BODY, [1, 2, 3], 4),
    ({"header_row": 2}, "\n\n\nOrder ID,Amount\n" + BODY, [1, 2, 3], 5),
    ({"skip_after_header": 2}, 'Order ID,Amount\n"no.\n(text)",EUR\n\n-\n' + BODY, [1, 2, 3], 6),
    ({"footer_rows": 1}, "Order ID,Amount\n" + BODY, [1, 2], 2),
    ({"footer_rows": 2}, "Order ID,Amount\n" + BODY + "Total\n\n4,d,e\n", [1, 2, 3], 2),
    ({"footer_rows": 3}, "Order ID,Amount\n" + BODY, [], 2),
    ({"footer_rows": 30}, "Order ID,Amount\n" + BODY, [], 2),
    ({"skip_after_header": 30}, "Order ID,Amount\n" + BODY, [], 2),
    ({}, '"Order ID"," Amount "\n' + BODY, [1, 2, 3], 2),
    ({}, '"Order\nno",Amount\n' + BODY, [1, 2, 3], 3),
    ({}, "Order ID,Amount", [], 2),
]


@pytest.mark.parametrize("block", [1, 4, 100_000])
@pytest.mark.parametrize(("dialect", "text", "numbers", "line"), AROUND)
def test_what_stands_around_the_rows_is_no_data(dialect, text, numbers, line, block, tmp_path, monkeypatch):
    monkeypatch.setattr(csv_adapter, "BLOCK", block)
    of = contract(**dialect)
    if "Order\nno" in text:
        of = Contract("any", "1", (Field("Order\nno", FieldType.STRING), FIELDS[1]), DruidTarget("Amount"))
    rows, found, lines, _ = read(tmp_path / "f", text, of)
    assert rows == [("1", "a"), ("2", "b"), ("3", "c")][: len(numbers)]
    assert found == numbers
    assert lines == [line + n for n in range(len(numbers))]


@pytest.mark.parametrize(
    ("text", "dialect", "code"),
    [
        ("", {}, "empty-file"),
        ("\n\r\n\r", {}, "empty-file"),
        ("a\nb\n", {"header_row": 9}, "empty-file"),
        ('Order ID,"Amount\n1,2\n', {}, "unclosed-quote"),
        ('Order 5" ID,Amount\n1,2\n', {}, "unclosed-quote"),
        ("Order ID,Amount\0\n", {}, "invalid-encoding"),
    ],
)
def test_a_text_without_a_header_is_refused(text, dialect, code, tmp_path):
    with pytest.raises(FileRejected) as refusal:
        read(tmp_path / "f", text, contract(**dialect))
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("text", "delimiter", "said"),
    [
        ("Order ID;Amount\n1;2\n", ",", 'separated by semicolons, and the contract has commas. .*delimiter: ";"'),
        ('"Order ID";"Amount"\n1;2\n', ",", 'separated by semicolons.*delimiter: ";"'),
        ("Order ID,Amount\n1,2\n", ";", 'separated by commas, and the contract has semicolons.*delimiter: ","'),
        ("Order ID\tAmount\n1\t2\n", "^", r"separated by tabs, and the contract has the character '\^'"),
    ],
)
def test_another_delimiter_is_recognised(text, delimiter, said, tmp_path):
    with pytest.raises(FileRejected, match=said) as refusal:
        read(tmp_path / "f", text, contract(delimiter=delimiter))
    assert (refusal.value.code, len(refusal.value.faults)) == ("wrong-columns", 1)


def test_unknown_columns_ride_beside_the_cells_and_are_said(tmp_path):
    text = "x,Amount,Order ID," + ",".join(f"y{n}" for n in range(12)) + "\n" + ",".join("abc" + "d" * 12) + "\n"
    (tmp_path / "f").write_text(text)
    table = CsvTable(tmp_path / "f", contract(ExtraColumns.IGNORE))
    (batch,) = table.batches()
    assert batch.cells.to_dicts() == [{"Amount": "b", "Order ID": "c"}]
    assert batch.extra.columns == ["x", *(f"y{n}" for n in range(12))]
    assert (note := table.notes[-1]).code == "ignored-columns"
    assert note.message == "13 columns are not in the contract and left out: x, y0, y1, y2, y3, y4, y5, y6, y7, y8, …"
    (batch,) = CsvTable(tmp_path / "f", contract(ExtraColumns.KEEP)).batches()
    assert batch.extra.height == 1


def test_a_correction_frees_text_from_what_the_rejects_file_put_before_it(tmp_path):
    text = "Order ID,Amount,__row,__errors\n'=1+1,'5,7,x\n'-a,'',9,\"'@y\"\n"
    (tmp_path / "f").write_text(text)
    (batch,) = CsvTable(tmp_path / "f", contract(), correcting=True).batches()
    assert batch.cells.rows() == [("=1+1", "'5"), ("-a", "''")]
    assert batch.extra.to_dict(as_series=False) == {"__row": ["7", "9"], "__errors": ["x", "@y"]}


def test_what_follows_a_footer_row_is_not_given_again(tmp_path):
    (tmp_path / "f").write_text("Order ID,Amount\n" + BODY)
    table = CsvTable(tmp_path / "f", contract(footer_rows=1))
    list(table.batches())
    assert [batch.rows.to_list() for batch in table.again(pl.Series([1], dtype=pl.UInt64))] == [[1, 2]]
