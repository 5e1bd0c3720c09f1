"""The directory of a ZIP file, held against the one that `zipfile` reads."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.measure import Measure
from gateway.domain.zipdirectory import TAIL, unpacked_size
from gateway.errors import FileTooLarge
from sluice.events import FileFormat

ENTRIES = st.lists(st.tuples(st.text("abcäö/", min_size=1, max_size=20), st.binary(max_size=300)), max_size=8)


def archive(entries: list[tuple[str, bytes]], comment: bytes = b"") -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for number, (name, data) in enumerate(entries):
            file.writestr(f"{number}{name}", data)
        file.comment = comment
    return content.getvalue()


@given(ENTRIES, st.binary(max_size=50))
def test_sizes_are_those_that_zipfile_reads(entries: list[tuple[str, bytes]], comment: bytes) -> None:
    if b"PK" in comment:
        return
    content = archive(entries, comment)
    assert unpacked_size(content) == sum(len(data) for _, data in entries)


@given(ENTRIES, st.data())
def test_damaged_bytes_give_a_number_or_none(entries: list[tuple[str, bytes]], data: st.DataObject) -> None:
    content = bytearray(archive(entries))
    for _ in range(3):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    unpacked_size(bytes(content[data.draw(st.integers(0, len(content))) :]))


def test_a_directory_that_does_not_stand_whole_in_the_tail_says_nothing() -> None:
    content = archive([("a" * 200, b"x")] * 2000)
    assert len(content) > TAIL
    assert unpacked_size(content[-TAIL:]) is None


@pytest.mark.parametrize("chunk", [1000, 7, 10**6])
def test_a_workbook_that_would_unpack_to_too_much_is_refused(chunk: int) -> None:
    content = archive([("xl/worksheets/sheet1.xml", b"0" * 100_000)])

    def measured(limit: int) -> None:
        measure = Measure(FileFormat.XLSX, limit=10**6, unpacked=limit)
        for at in range(0, len(content), chunk):
            measure.take(content[at : at + chunk])
        measure.finish()

    measured(100_000)
    with pytest.raises(FileTooLarge, match="99,999"):
        measured(99_999)
