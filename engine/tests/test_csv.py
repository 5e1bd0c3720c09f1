"""CSV as people really send it."""

import csv
import io
import re
import time
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice_engine.reading import csv as csv_adapter
from sluice_engine.reading.lines import Signs, delimiters, split

ONE = "1,2024-01-05T10:00:00Z,Planes,5,1.5,,a@b.co,DE\n"
TWO = '2,2024-01-06 10:00,"Ships",5,1.5,0.1,a@b.co,"D ""q""\nE"\r\n'
THREE = "3,2024-01-06T10:00:00+02:00,Ships,x,1,0.1,a@b.co,FR"


def test_bom_quotes_blank_lines_and_mixed_line_ends(look, header):
    seen = look(("\ufeff" + header.replace("\n", "\r\n") + ONE + "\n" + TWO + "\r\n" + THREE).encode())
    assert seen.places("row", "line", "column", "value") == [(3, 7, "Quantity", "x")]
    assert seen.judged.source == 3
    (part,) = look((header + TWO).encode()).parts
    assert part["Country"].to_list() == ['D "q"\nE']


def test_ragged_rows_do_not_hide_the_others(look, header):
    seen = look((header + ONE + "x,y\n" + TWO + ONE.replace("1,", "4,", 1).replace("DE", "DE,DE") + THREE).encode())
    assert seen.places("rule", "row", "line") == [("ragged-row", 2, 3), ("ragged-row", 4, 6), ("type", 5, 7)]
    assert seen.judged.source == 5


@pytest.mark.parametrize(
    ("text", "rule", "line", "rows"),
    [
        (ONE + ONE.replace("Planes", '"Planes') + ONE.replace("1,", "3,", 1), "unclosed-quote", 3, 3),
        (ONE + ONE.replace("Planes", '"Planes') + TWO, "unclosed-quote", 3, 3),
        (ONE + ONE.replace("Planes", '6" Planes') + TWO, "stray-quote", 3, 3),
        (ONE + TWO + '4,"', "unclosed-quote", 5, 3),
        (ONE + TWO.replace('Ships"', 'Ships"x') + ONE.replace("1,", "3,", 1), "stray-quote", 3, 4),
    ],
)
def test_a_broken_quote_spoils_its_own_line_alone(text, rule, line, rows, look, header):
    seen = look((header + text).encode())
    assert seen.judged.source == rows
    assert (rule, line) in seen.places("rule", "line")
    assert {each[0] for each in seen.places("rule")} <= {"stray-quote", "unclosed-quote"}


@pytest.mark.parametrize("size", range(1, 40))
def test_a_quoted_cell_before_crlf_may_fall_on_any_block_end(size, look, header, monkeypatch):
    monkeypatch.setattr(csv_adapter, "BLOCK", size)
    assert look((header + ONE.replace("DE\n", '"DE"\r\n')).encode()).judged.problem is None


@pytest.mark.parametrize(
    "header_line", ["x" * 200_000, ",".join(f"c{n}" for n in range(300_000))], ids=["long", "wide"]
)
def test_a_monstrous_header_is_refused_in_good_time(header_line, look):
    began = time.process_time()
    seen = look((header_line + "\n1\n").encode())
    assert seen.code == "wrong-columns"
    assert time.process_time() - began < 20
    assert len(str(seen.report)) < 1_000_000


@pytest.mark.parametrize(("encoding", "name"), [("latin-1", "latin-1"), ("cp1252", "Windows-1252")])
def test_other_encodings_are_named_with_line(encoding, name, look, header):
    country = "Österreich" if encoding == "latin-1" else "€"
    seen = look((header + ONE + ONE.replace("DE", country)).encode(encoding))
    assert seen.code == "invalid-encoding"
    assert seen.places("line") == [(3,)]
    assert seen.judged.problem
    assert name in seen.judged.problem.message


@pytest.mark.parametrize("data", [b"\0" * 10, "a,b\n".encode("utf-16-le"), b"a,b\0\n"])
def test_what_is_no_text_is_refused(data, look):
    assert look(data).code == "invalid-encoding"


def test_header_faults_are_named_all_at_once(look, header):
    seen = look((header.replace("Country", "country").replace("Quantity", "OrderID") + ONE).encode())
    assert seen.code == "wrong-columns"
    assert set(seen.places("rule", "column")) == {
        ("missing-column", "Quantity"),
        ("missing-column", "Country"),
        ("duplicate-column", "OrderID"),
        ("unexpected-column", "country"),
    }
    assert "Rename the column country to Country." in str(seen.report)


def test_message_of_a_file_without_header_shows_no_cell(look):
    seen = look(ONE.encode())
    assert seen.judged.problem
    assert "a@b.co" not in seen.judged.problem.message


def test_columns_may_stand_in_any_order(look, header):
    names = header.strip().split(",")
    cells = ONE.strip().split(",")
    swapped = ",".join(names[::-1]) + "\n" + ",".join(cells[::-1]) + "\n"
    assert look(swapped.encode()).judged.problem is None


def test_counts_are_exact_and_lists_are_capped(look, header):
    seen = look((header + THREE.replace("3,", "{},", 1).join(["", "\n"]) * 1).encode())
    assert seen.judged.errors == 1
    rows = "\n".join(THREE.replace("3,", f"{number},", 1) for number in range(5000))
    seen = look((header + rows).encode())
    assert (seen.judged.errors, len(seen.report["errors"])) == (5000, 100)
    counted = [(each["rule"], each["column"], each["count"], each["listed"]) for each in seen.report["rules"]]
    assert counted == [("type", "Quantity", 5000, 100)]


def test_repetitions_name_the_first_row(look, header):
    seen = look((header + ONE + ONE.replace("1,", "2,", 1) + ONE + ONE).encode())
    assert seen.places("rule", "row", "hint") == [
        ("unique", 3, "The same value stands in row 1."),
        ("unique", 4, "The same value stands in row 1."),
    ]


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    return lambda size: monkeypatch.setattr(csv_adapter, "BLOCK", size)


@pytest.mark.parametrize("size", [7, 64, 1000])
def test_blocks_change_nothing(size, small_blocks, look, header):
    text = (header + (ONE + "\n" + TWO + "x\n") * 40).encode()
    whole = look(text)
    small_blocks(size)
    cut = look(text)
    assert cut.report == whole.report
    assert cut.judged == whole.judged
    assert cut.judged.source == 120


SIGNS = Signs(ord(","), ord('"'))


def breaks(cell: str) -> int:
    """Physical line ends in a cell."""
    return len(re.findall("\r\n|\r|\n", cell))


CELLS = st.text(st.sampled_from('a,"\n\r é'), max_size=6)


@settings(max_examples=200)
@given(st.lists(st.lists(CELLS, min_size=2, max_size=4), min_size=1, max_size=8))
def test_records_are_cut_where_the_csv_module_cuts_them(rows):
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    records = split(text.getvalue().encode(), SIGNS, final=True)
    _, counts = delimiters(np.frombuffer(text.getvalue().encode(), np.uint8), records, SIGNS)
    assert counts.tolist() == [len(row) for row in rows]
    starts = [
        0,
        *(sum(breaks(cell) for row in rows[: n + 1] for cell in row) + n + 1 for n in range(len(rows) - 1)),
    ]
    assert records.lines.tolist() == starts


def test_canonical_time_is_what_the_text_says(look, header):
    (part,) = look((header + ONE + THREE.replace(",x,", ",5,")).encode()).parts
    assert part["__time"].dt.to_string("iso:strict").to_list() == [
        "2024-01-05T10:00:00.000000+00:00",
        "2024-01-06T08:00:00.000000+00:00",
    ]
    assert part["__time"].dtype == pl.Datetime("us", "UTC")
