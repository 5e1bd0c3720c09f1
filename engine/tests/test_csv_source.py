"""Encodings and packing: the same table whatever its bytes, or a refusal that says what to do."""

import codecs
import gzip
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from sluice.contracts import Contract, Dialect, DruidTarget, Field, FieldType
from sluice_engine.errors import FileRejected
from sluice_engine.reading import csv as csv_adapter
from sluice_engine.reading.csv import CsvTable

TEXT = 'a,b\n1,"é\n€"\n2,ß\n'
ROWS = [("1", "é\n€"), ("2", "ß")]


def table(path: Path, data: bytes, max_unpacked: int = 1_000_000, **dialect: Any) -> CsvTable:
    path.write_bytes(data)
    fields = (Field("a", FieldType.STRING), Field("b", FieldType.STRING))
    return CsvTable(path, Contract("any", "1", fields, DruidTarget("a"), Dialect(**dialect)), max_unpacked)


def rows(opened: CsvTable) -> list[tuple[str, ...]]:
    return [row for batch in opened.batches() for row in batch.cells.rows()]


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "file"


ENCODED = [
    (TEXT.encode(), None, "UTF-8"),
    (TEXT.encode("utf-8-sig"), None, "UTF-8"),
    (TEXT.encode("utf-8-sig"), "windows-1252", "UTF-8"),
    (TEXT.encode(), "utf-8-sig", "utf-8-sig"),
    (codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), None, "UTF-16 (little endian)"),
    (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), None, "UTF-16 (big endian)"),
    (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "utf-16", "UTF-16 (big endian)"),
    (TEXT.encode("utf-16-le"), "utf-16", "utf-16"),
    (TEXT.encode("utf-32"), None, "UTF-32"),
    (TEXT.encode("cp1252"), "windows-1252", "windows-1252"),
    (TEXT.encode("iso-8859-15"), "iso-8859-15", "iso-8859-15"),
]


@pytest.mark.parametrize("block", [1, 3, 7, 100_000])
@pytest.mark.parametrize(("data", "declared", "name"), ENCODED)
def test_a_text_is_read_in_its_encoding_which_is_said(data, declared, name, block, file, monkeypatch):
    monkeypatch.setattr(csv_adapter, "BLOCK", block)
    opened = table(file, data, encoding=declared)
    assert rows(opened) == ROWS
    (note,) = opened.notes
    assert (note.code, name in note.message) == ("encoding", True)
    assert [opened.place(row, None).line for row in (1, 2)] == [2, 4]
    (again,) = opened.again(pl.Series([2], dtype=pl.UInt64)) if block > 100 else (None,)
    assert again is None or again.cells.rows() == ROWS


REFUSED = [
    (b"a,b\n1,x\n2,\x80\n", None, "Line 3, byte 10", "encoding: windows-1252"),
    (codecs.BOM_UTF8 + b"a,b\n1,x\n2,\xe8\n", None, "Line 3, byte 13", "encoding: iso-8859-1"),
    (b"a,b\r1,x\r2,\x80\r3,y\r", None, "Line 3, byte 10", "encoding: windows-1252"),
    (b"a,b\r1,x\r\n2,\x81\r", "windows-1252", "Line 3, byte 11", "windows-1252"),
    (b"a,\xff\n", None, "Line 1, byte 2", "encoding: iso-8859-1"),
    (b"a,b\n1,x\n2,\x81\n", "windows-1252", "Line 3, byte 10", "windows-1252"),
    (codecs.BOM_UTF16_LE + "a,b\n1,x".encode("utf-16-le") + b"\0", None, "Line 2, byte 16", "UTF-16"),
    (codecs.BOM_UTF16_LE + "a,b\n1,".encode("utf-16-le") + b"\0\xd8x\0", None, "Line 2, byte 14", "UTF-16"),
    ("a,b\n1,x\n".encode("utf-16-le"), None, "Line 1", "UTF-16 without"),
]


@pytest.mark.parametrize("block", [1, 5, 100_000])
@pytest.mark.parametrize(("data", "declared", "place", "said"), REFUSED)
def test_bytes_of_no_such_encoding_are_named_with_their_place(data, declared, place, said, block, file, monkeypatch):
    monkeypatch.setattr(csv_adapter, "BLOCK", block)
    with pytest.raises(FileRejected, match=place) as refusal:
        rows(table(file, data, encoding=declared))
    assert refusal.value.code == "invalid-encoding"
    assert said in refusal.value.message
    assert f"ine {refusal.value.faults[0].line}" in refusal.value.message


LONG = ("a,b\n" + "".join(f'{n},"x\n{sha256(bytes(n)).hexdigest()}"\n' for n in range(5_000))).encode()


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


def streamed(data: bytes) -> bytes:
    packer = zstandard.ZstdCompressor().compressobj()
    return packer.compress(data) + packer.flush()


PACKERS = {
    "gzip": gzip.compress,
    "gzip in members": lambda data: gzip.compress(data[:100]) + gzip.compress(data[100:]),
    "zstd": zstd,
    "zstd in frames": lambda data: zstd(data[:3_000]) + zstd(b"") + zstd(data[3_000:]),
    "zstd without size": streamed,
}


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_packed_text_is_the_same_text(packer, encoding, file, monkeypatch):
    plain = table(file, LONG.decode().encode(encoding))
    want = rows(plain)
    monkeypatch.setattr(csv_adapter, "BLOCK", 5_000)
    opened = table(file, PACKERS[packer](LONG.decode().encode(encoding)))
    assert rows(opened) == want
    assert {note.code for note in opened.notes} == {"encoding", "compression"}
    asked = [1, 4_000, 30, 5_000]
    assert [opened.place(row, None).line for row in asked] == [2 * row for row in asked]
    again = [row for batch in opened.again(pl.Series([30, 4_000], dtype=pl.UInt64)) for row in batch.rows.to_list()]
    assert {30, 4_000} <= set(again)
    assert len(again) < 5_000


@pytest.mark.parametrize("packer", ["gzip", "zstd"])
@given(cut=st.floats(0, 1, exclude_max=True))
def test_a_stream_cut_off_anywhere_is_refused(packer, cut, tmp_path_factory):
    packed = PACKERS[packer](LONG)
    file = tmp_path_factory.mktemp("cut") / "file"
    with pytest.raises(FileRejected) as refusal:
        rows(table(file, packed[: max(4, int(len(packed) * cut))]))
    assert refusal.value.code == "unreadable-file"


@pytest.mark.parametrize("packer", ["gzip", "zstd"])
def test_a_damaged_stream_is_refused(packer, file):
    packed = PACKERS[packer](LONG)
    for damaged in (packed + b"garbage", packed[:200] + b"\xff\0\xff" * 9 + packed[227:]):
        with pytest.raises(FileRejected) as refusal:
            rows(table(file, damaged))
        assert refusal.value.code in {"unreadable-file", "invalid-encoding"}


@pytest.mark.parametrize("packer", ["gzip", "zstd"])
def test_a_bomb_is_stopped_at_the_limit(packer, file):
    bomb = PACKERS[packer](b"a,b\n" + b"1,2\n" * 5_000_000)
    assert len(bomb) < 100_000
    with pytest.raises(FileRejected, match="1,000,000 bytes") as refusal:
        rows(table(file, bomb))
    assert refusal.value.code == "resource-limit"


def test_the_limit_itself_is_allowed(file):
    data = gzip.compress(TEXT.encode())
    assert rows(table(file, data, len(TEXT.encode()))) == ROWS
    with pytest.raises(FileRejected):
        rows(table(file, data, len(TEXT.encode()) - 1))
