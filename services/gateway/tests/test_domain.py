import gzip
import hashlib
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.measure import HEAD, Measure, check_head
from gateway.domain.names import check_name
from gateway.errors import EmptyFile, FileTooLarge, FormatMismatch, InvalidFilename, UnsupportedFormat
from sluice.events import FileFormat


@pytest.mark.parametrize(
    "name",
    [
        *("../../etc/passwd", "..\\..\\boot.csv", "a/b.csv", "/etc/passwd", "..", "..csv", "a\0.csv"),
        *(
            "..%2f..%2fetc%2fpasswd",
            "a%2Fb.csv",
            "a%5cb.csv",
            "a%00.csv",
            "",
            "   ",
            "\u202e\u200b",
            "x" * 252 + ".csv",
        ),
    ],
)
def test_a_name_that_is_a_path_or_cannot_be_shown_is_refused(name: str) -> None:
    with pytest.raises(InvalidFilename):
        check_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "sales",
        "csv",
        "sales.json",
        "sales.xlsx.gz",
        "csv.gz",
        "sales.gz",
        "sales.csv.bz2",
        "sales.csv.zst.gz",
        "sales.",
    ],
)
def test_an_extension_that_names_no_format_is_refused_and_the_formats_are_named(name: str) -> None:
    with pytest.raises(UnsupportedFormat, match=r"\.csv, \.xlsx, \.xls, \.parquet"):
        check_name(name)


@pytest.mark.parametrize(
    ("name", "shown", "kind"),
    [
        ("sales.csv", "sales.csv", "csv"),
        ("Umsätze 50% (1).XLSX", "Umsätze 50% (1).XLSX", "xlsx"),
        ("a..b.parquet", "a..b.parquet", "parquet"),
        ("ev\u202eil\n.xls", "evil.xls", "xls"),
        ("sales.csv.gz", "sales.csv.gz", "csv"),
        ("Sales.CSV.Zst", "Sales.CSV.Zst", "csv"),
    ],
)
def test_a_name_is_shown_cleaned_and_tells_the_format(name: str, shown: str, kind: str) -> None:
    assert (check_name(name).shown, check_name(name).format) == (shown, kind)


GOOD = {
    "csv": b"PAR1,b\n1,2\n",
    "xlsx": b"PK\x03\x04\x14\0",
    "xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0",
    "parquet": b"PAR1\x15\x04\x15\0",
}


@pytest.mark.parametrize("promised", FileFormat)
@pytest.mark.parametrize("content", GOOD)
def test_first_bytes_must_be_those_of_the_extension(promised: FileFormat, content: str) -> None:
    # text that begins with the letters PAR1 passes as Parquet here; the parser will say more
    if promised.value == content or (promised, content) == (FileFormat.PARQUET, "csv"):
        check_head(promised, GOOD[content])
        return
    with pytest.raises(FormatMismatch):
        check_head(promised, GOOD[content])


@pytest.mark.parametrize(
    "head",
    [
        *("a,b\n".encode(encoding) for encoding in ("utf-8-sig", "utf-16", "utf-32")),
        b"\xfe\xff\0a",
        gzip.compress(b"a,b\n"),
        b"\x28\xb5\x2f\xfd\0",
    ],
    ids=["utf-8 with mark", "utf-16", "utf-32", "utf-16 big endian", "gzip", "zstd"],
)
def test_text_in_any_encoding_with_a_mark_and_packed_text_pass_as_csv_alone(head: bytes) -> None:
    check_head(FileFormat.CSV, head)
    with pytest.raises(FormatMismatch):
        check_head(FileFormat.XLSX, head)


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_the_measure_does_not_depend_on_the_chunks(chunks: list[bytes]) -> None:
    whole = b"a" + b"".join(chunks).replace(b"\0", b"0")
    measure, rest = Measure(FileFormat.CSV, 10_000, 10_000), whole
    for chunk in [b"", *chunks, b"a"]:
        measure.take(rest[: len(chunk)])
        rest = rest[len(chunk) :]
    measure.take(rest)
    measured, digest = measure.finish(), hashlib.sha256(whole)
    assert (measured.size, measured.sha256) == (len(whole), digest.hexdigest())
    assert measured.digest == b64encode(digest.digest()).decode()


def test_the_byte_that_crosses_the_limit_is_refused_and_the_one_before_is_not() -> None:
    measure = Measure(FileFormat.CSV, 3, 10_000)
    measure.take(b"abc")
    with pytest.raises(FileTooLarge, match="3 bytes"):
        measure.take(b"d")


def test_a_mismatch_is_seen_as_soon_as_the_beginning_is_known() -> None:
    measure = Measure(FileFormat.XLSX, 10_000, 10_000)
    measure.take(b"P" * (HEAD - 1))
    with pytest.raises(FormatMismatch):
        measure.take(b"P")


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(EmptyFile):
        Measure(FileFormat.CSV, 10, 10_000).finish()
