"""Any text, cut anywhere: the quick way, the exact way, Python's own csv module and any size of blocks agree."""

import csv
import io
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sluice.contracts import Contract, Dialect, DruidTarget, Field, FieldType
from sluice_engine.errors import FileRejected
from sluice_engine.reading import blocks as blocking
from sluice_engine.reading import cells as splitting
from sluice_engine.reading import csv as csv_adapter
from sluice_engine.reading.csv import CsvTable

Row = tuple[int, int | None, list[str]]
"""Number, physical line, cells."""


def contract(width: int, **dialect: Any) -> Contract:
    names = [f"c{at}" for at in range(width)]
    fields = tuple(Field(name, FieldType.STRING) for name in names)
    return Contract("any", "1", fields, DruidTarget(names[0]), Dialect(**dialect))


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("any") / "file.csv"


def read(file: Path, width: int, block: int = 1_000, **dialect: Any) -> tuple[list[Row], list[tuple[Any, ...]]]:
    """Sound rows and faults, each with its line as asked for at once; asked for again at the end, it must be the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_adapter, "BLOCK", block)
        table = CsvTable(file, contract(width, **dialect))
        rows: list[Row] = []
        faults: list[tuple[Any, ...]] = []
        for batch in table.batches():
            cells = zip(batch.rows.to_list(), batch.cells.rows(), strict=True)
            rows += [(row, table.place(row, None).line, list(each)) for row, each in cells]
            faults += [(each[0], table.place(each[0], None).line, *each[1:]) for each in batch.faults.rows()]
        late = {row: table.place(row, None).line for row, *_ in [*rows, *faults]}
        assert late == {row: line for row, line, *_ in [*rows, *faults]}
    return rows, faults


def head(width: int) -> str:
    return ",".join(f"c{at}" for at in range(width)) + "\n"


def expected(text: str, width: int) -> tuple[list[Row], list[tuple[Any, ...]]]:
    """The same by Python's csv module, for text whose quotes are all in place."""
    reader = csv.reader(io.StringIO(text, newline=""))
    rows: list[Row] = []
    faults: list[tuple[Any, ...]] = []
    next(reader)
    line, number = reader.line_num + 1, 0
    for cells in reader:
        if cells:
            number += 1
            if len(cells) == width:
                rows.append((number, line, cells))
            else:
                faults.append((number, line, len(cells)))
        line = reader.line_num + 1
    return rows, faults


CELL = st.one_of(
    st.text(st.sampled_from('ab,"\n\ré😀 \t;\ufeff\x1f'), max_size=5), st.sampled_from(["", "x\x01", "\ufeff", "'"])
)


@st.composite
def texts(draw: st.DrawFn) -> tuple[int, str]:
    """A text in which every quote is in place, whatever its line ends, blank lines and widths are."""
    width = draw(st.integers(1, 4))
    widths = st.sampled_from([width] * 6 + [max(1, width - 1), width + 1, width + 3])
    text = head(width)
    for cells in draw(st.lists(widths.flatmap(lambda w: st.lists(CELL, min_size=w, max_size=w)), max_size=12)):
        shown = [_written(draw, cell) for cell in cells]
        text += ",".join(shown) + draw(st.sampled_from(["\n", "\n", "\r\n", "\r", "\n\n", "\r\n\r\n"]))
    return width, text[:-1] if draw(st.booleans()) and text.endswith("\n") else text


def _written(draw: st.DrawFn, cell: str) -> str:
    if re.search('[,"\r\n]', cell) or draw(st.booleans()):
        return '"' + cell.replace('"', '""') + '"'
    return cell


@given(texts(), st.sampled_from([1, 2, 3, 7, 50, 100_000]))
@example((1, "c0\n\n\nb\n"), 100_000)
@example((2, 'c0,c1\n"a\nb",c\n'), 100_000)
@example((2, "c0,c1\nx\x01,b\n"), 1)
@example((2, "c0,c1\n\ufeffx,b\n"), 100_000)
@example((2, "c0,c1\na\nb,c,\n"), 100_000)
def test_a_sound_text_is_split_as_the_csv_module_splits_it(file, given_text, block):
    width, text = given_text
    file.write_bytes(text.encode())
    rows, faults = read(file, width, block)
    want, wrong = expected(text, width)
    assert rows == want
    assert [(row, line, found) for row, line, _, found, _ in faults] == wrong
    assert {rule for _, _, rule, _, _ in faults} <= {"ragged-row"}


ANY = st.text(st.sampled_from('aé,,""\n\n\r\0'), max_size=60)


@given(ANY, st.integers(1, 3), st.sampled_from([1, 3, 10, 100_000]))
@example('"a",""\n"","\n"a', 2, 10)
@example('a"b\n"c\nd"\n', 1, 1)
def test_blocks_and_the_quick_way_change_nothing(file, text, width, block):
    file.write_bytes((head(width) + text).encode())
    whole = read(file, width, 100_000)
    assert read(file, width, block) == whole
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(splitting, "quick", lambda *_: None)
        assert read(file, width, block) == whole
    rows = sorted(row for row, *_ in [*whole[0], *whole[1]])
    assert rows == list(range(1, len(rows) + 1))


@given(ANY, st.integers(1, 3))
def test_no_text_is_lost(file, text, width):
    """Whatever is broken: the cells of a row, joined again, are its line without quotes that were taken off."""
    file.write_bytes((head(width) + text).encode())
    rows, faults = read(file, width)
    kept = "".join("".join(cells) for *_, cells in [*rows, *faults])
    bare = str.maketrans({'"': None, "\n": None, "\r": None, ",": None, "\0": "\ufffd"})
    assert sorted(kept.translate(bare)) == sorted(text.translate(bare))
    assert all(len(cells) <= width for *_, cells in faults)


TORN = [
    ("a,b,c,d\n", ("ragged-row", 4, ["a", "b,c,d"])),
    ('"a,x","b,c",d\n', ("ragged-row", 3, ["a,x", '"b,c",d'])),
    ('"a"\n', ("ragged-row", 1, ["a"])),
    ('a,"b""\n', ("unclosed-quote", 2, ["a", '"b""'])),
    ('a 6" b,c\n', ("stray-quote", 2, ['a 6" b', "c"])),
    ('"a"x,c,d\n', ("stray-quote", 3, ['"a"x', "c,d"])),
    ('a\0,"b,\0"\n', ("nul-byte", 2, ["a\ufffd", "b,\ufffd"])),
    (",,\n", ("ragged-row", 3, ["", ","])),
    ('"a""b","",c\n', ("ragged-row", 3, ['a"b', '"",c'])),
    ('""""\n', ("ragged-row", 1, ['"'])),
]


@pytest.mark.parametrize(("line", "fault"), TORN)
def test_torn_rows_keep_their_cells_and_their_neighbours(line, fault, file):
    file.write_bytes((head(2) + "1,2\n" + line + "3,4\n").encode())
    rows, faults = read(file, 2)
    assert faults == [(2, 3, *fault)]
    assert rows == [(1, 2, ["1", "2"]), (3, 4, ["3", "4"])]


@pytest.mark.parametrize("marks", ["", "\x1f\x1e", "".join(map(chr, [*range(3, 9), *range(14, 32)]))])
def test_rare_characters_in_torn_rows_stay(marks, file):
    file.write_bytes((head(2) + f'"a{marks}","b",c\n').encode())
    ((_, _, rule, found, cells),) = read(file, 2)[1]
    assert (rule, found) == ("ragged-row", 3)
    assert marks in cells[0]
    assert cells[1] == '"b",c'


def test_a_torn_row_with_every_rare_character_keeps_its_cells_apart(file):
    marks = "".join(map(chr, [*range(1, 9), *range(14, 32)]))
    file.write_bytes((head(2) + f'"a{marks}","b",c\n').encode())
    ((*_, cells),) = read(file, 2)[1]
    assert cells == ["a" + marks.replace("\x1e", " ").replace("\x1f", " "), '"b",c']


def test_a_quote_that_never_closes_ends_within_bounds(file, monkeypatch):
    monkeypatch.setattr(blocking, "LONGEST_RECORD", 1_000)
    file.write_bytes((head(2) + '1,"open\n' + "2,b\n" * 1_000).encode())
    rows, faults = read(file, 2, 64)
    assert [each[:3] for each in faults] == [(1, 2, "unclosed-quote")]
    assert len(rows) == 1_000
    assert rows[-1][:2] == (1_001, 1_002)


def test_a_line_that_never_ends_is_refused(file, monkeypatch):
    monkeypatch.setattr(blocking, "LONGEST_RECORD", 1_000)
    file.write_bytes((head(2) + "1,2\n" + "x" * 5_000).encode())
    with pytest.raises(FileRejected, match="Line 3"):
        read(file, 2, 64)


@pytest.mark.parametrize("delimiter", [";", "\t", "|", "c", " "])
@pytest.mark.parametrize("quote", ['"', "'", "0"])
def test_any_character_may_delimit_and_quote(delimiter, quote, file):
    written = io.StringIO()
    table = [["c0", "c1"], ["1", "x"], [f"a{delimiter}b", f"{quote}\n"], ["", "é"]]
    csv.writer(written, delimiter=delimiter, quotechar=quote, lineterminator="\n").writerows(table)
    file.write_bytes(written.getvalue().encode())
    rows, faults = read(file, 2, delimiter=delimiter, quote=quote)
    assert [cells for _, _, cells in rows] == table[1:]
    assert not faults


def test_rows_are_read_again_from_their_blocks_alone(file, monkeypatch):
    monkeypatch.setattr(csv_adapter, "BLOCK", 100)
    file.write_bytes((head(2) + "".join(f'{n},"é{n}"\n' for n in range(1, 101))).encode())
    table = CsvTable(file, contract(2, footer_rows=1))
    assert sum(batch.seen for batch in table.batches()) == 99
    (again,) = table.again(pl.Series([50, 51], dtype=pl.UInt64))
    at = again.rows.to_list().index(50)
    assert again.cells.row(at) == ("50", "é50")
    assert again.seen < 20
