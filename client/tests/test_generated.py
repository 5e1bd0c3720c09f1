"""Whatever a table holds, the contract that is written from it has its columns, and every row of it keeps that contract."""

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from sluice.contracts import load_contract
from sluice.events import FileFormat
from sluice_client.inference.draft import Wishes, draft_of
from sluice_client.inference.proof import prove
from sluice_client.inference.readings import looks_like_cell
from sluice_client.inference.writing import write_draft
from sluice_client.intake import GivenFile
from sluice_client.judging import judge_file

SIGNS = ",;\t|"
ODD_NAMES = ["yes", "null", "~", "1e5", "0x1F", "- a", "a: b", "#c", "{d}", "2024", "=", "<<", "é", "!t", "&a", "*a"]

names = st.one_of(
    st.sampled_from(ODD_NAMES),
    st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters=SIGNS), min_size=1, max_size=12)
    .map(str.strip)
    .filter(lambda name: name and name.isprintable() and name[:2] != "__" and not looks_like_cell(name)),
)
values = (
    st.integers().map(str),
    st.integers(0, 999).map("{:03}".format),
    st.floats(allow_nan=False, allow_infinity=False).map(str),
    st.decimals(-1000, 1000, places=2).map(lambda number: str(number).replace(".", ",")),
    st.booleans().map(str),
    st.dates().map(str),
    st.dates().map(lambda day: f"{day.day:02}/{day.month:02}/{day.year:04}"),
    st.dates().map(lambda day: f"{day.year:04}{day.month:02}{day.day:02}"),
    st.datetimes().map(str),
    st.emails(),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
    st.text(f'{SIGNS}"\n\r a1', max_size=8),
)
empties = st.sampled_from(["", "NA", "-", "n/a", "#N/A", "null", " "])


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    """A day that is never empty, and up to four columns, each of one kind, with empty cells or without."""
    header = ["day", *draw(st.lists(names.filter(lambda name: name != "day"), min_size=1, max_size=4, unique=True))]
    height = draw(st.integers(1, 30))
    columns = [draw(st.lists(st.dates().map(str), min_size=height, max_size=height))]
    for _ in header[1:]:
        kind = draw(st.sampled_from(values))
        cells = draw(st.sampled_from([kind, st.one_of(kind, empties)]))
        columns.append(draw(st.lists(cells, min_size=height, max_size=height)))
    return header, [list(row) for row in zip(*columns, strict=True)]


@given(tables(), st.sampled_from(SIGNS), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_a_table_keeps_the_contract_that_is_written_from_it(table, delimiter, encoding):
    header, rows = table
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([header, *rows])
    with TemporaryDirectory() as name:
        path = Path(name) / "data.csv"
        path.write_bytes(text.getvalue().encode(encoding))
        file = GivenFile(path, path.name, FileFormat.CSV, 10_000_000)
        proved = prove(draft_of(file, Wishes(time_column="day")))
        contract = load_contract(write_draft(proved.draft))
        folder = Path(name) / "run"
        folder.mkdir()
        report = judge_file(file, contract, folder)
    assert contract.columns == tuple(header)
    assert (contract.dialect.delimiter, report.rows.accepted, report.rows.rejected) == (delimiter, len(rows), 0), report
