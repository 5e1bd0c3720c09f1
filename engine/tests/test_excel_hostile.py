"""Workbooks that are no workbooks, damaged, or made to do harm: refused with what to do, and nothing worse."""

import io
import zipfile
from contextlib import suppress
from functools import cache

import pytest
import xlwt
from excel_files import HEADER, ROW, F, cells, contract, opened, parts, saved, sheet, xlsx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sluice_engine.errors import FileRejected


def _spoilt(data: bytes) -> bytes:
    """The same workbook with a few bytes of its sheet changed."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        at = archive.getinfo("xl/worksheets/sheet1.xml").header_offset + 120
    return data[:at] + bytes(20) + data[at + 20 :]


def hostile() -> dict[str, tuple[str, bytes]]:
    good = xlsx(["a"], [1])
    old = xlwt.Workbook()
    old.add_sheet("S").write(0, 0, "a")
    binary = io.BytesIO()
    with zipfile.ZipFile(binary, "w") as archive:
        archive.writestr("[Content_Types].xml", "")
        archive.writestr("xl/workbook.bin", "")
    overlap = bytearray(good)
    at = overlap.rfind(b"PK\x01\x02")
    overlap[at + 42 : at + 46] = (0).to_bytes(4, "little")
    doctype = sheet(HEADER).replace("<worksheet", '<!DOCTYPE x [<!ENTITY a "b">]><worksheet', 1)
    return {
        "cut off": ("xlsx", good[: len(good) // 2]),
        "a part with other bytes": ("xlsx", _spoilt(good)),
        "old under the new name": ("xlsx", saved(old)),
        "new under the old name": ("xls", good),
        "html": ("xls", b"<html><table><tr><td>a</td></tr></table></html>"),
        "xml": ("xlsx", b"<?xml version='1.0'?><Workbook/>"),
        "binary workbook": ("xlsx", binary.getvalue()),
        "password": ("xlsx", bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600),
        "cut old one": ("xls", saved(old)[:700]),
        "overlapping parts": ("xlsx", bytes(overlap)),
        "doctype": ("xlsx", parts(doctype)),
        "no end": ("xlsx", parts(sheet(HEADER).replace("</sheetData></worksheet>", ""))),
        "not XML": ("xlsx", parts(sheet("<row><c ><<<"))),
        "no sheet": ("xlsx", parts("<nothing/>")),
        "empty": ("xlsx", b""),
        "empty old one": ("xls", b""),
    }


@pytest.mark.parametrize("case", hostile())
def test_hostile_files_are_rejected_with_what_to_do(tmp_path, case):
    kind, data = hostile()[case]
    with pytest.raises(FileRejected) as caught:
        list(
            opened(
                tmp_path / "input", data, contract(*[F.INTEGER] * (2 if case in {"doctype", "no end"} else 1)), kind
            ).batches()
        )
    assert caught.value.code == "unreadable-file"
    assert any(word in caught.value.message for word in ("Save", "save", "Upload"))


def test_ten_thousand_sheets_are_no_harm(tmp_path):
    names = "".join(f'<sheet name="S{at}" sheetId="{at}" r:id="r1"/>' for at in range(1, 10_001))
    data = parts(sheet(HEADER + ROW))
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(content, "w") as new:
        for name in old.namelist():
            text = old.read(name).decode()
            new.writestr(name, text.replace('<sheet name="S" sheetId="1" r:id="r1"/>', names))
    table = opened(tmp_path / "input", content.getvalue(), contract(F.INTEGER, F.STRING))
    assert cells(table).rows() == [(7, "x")]


@cache
def small(kind: str) -> bytes:
    if kind == "xlsx":
        return xlsx(["a"], [1], [2.5], ["x"])
    book = xlwt.Workbook()
    page = book.add_sheet("S")
    for row, value in enumerate(["a", 1, 2.5, "x"]):
        page.write(row, 0, value)
    return saved(book)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.parametrize("kind", ["xlsx", "xls"])
def test_a_damaged_byte_never_gets_further_than_a_refusal(tmp_path, kind, data):
    whole = small(kind)
    at = data.draw(st.integers(0, len(whole) - 1))
    spoilt = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    spoilt = spoilt[: data.draw(st.sampled_from([at + 1, len(whole)]))]
    with suppress(FileRejected):
        list(opened(tmp_path / "input", spoilt, contract(F.STRING), kind).batches())
