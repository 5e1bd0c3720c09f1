"""Files that mean harm, or look as if. Each is small on disk, and made here."""

import gzip
import io
import struct
import zipfile
from collections.abc import Callable, Iterator

import openpyxl
import polars as pl

HEADER = "OrderID,TransactionTimestamp,ProductLine,Quantity,UnitPrice,Discount,CustomerEmail,Country\n"
ROW = "O-1,2024-01-01T00:00:00Z,Ships,1,1.5,,a@example.com,Japan\n"
HOSTILE: dict[str, Callable[[], bytes]] = {}


def hostile(name: str) -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
    """`name` is the file's, with its extension."""

    def keep(make: Callable[[], bytes]) -> Callable[[], bytes]:
        HOSTILE[name] = make
        return make

    return keep


def each() -> Iterator[tuple[str, bytes]]:
    for name, make in HOSTILE.items():
        yield name, make()


def text_file(name: str, content: str | bytes) -> None:
    HOSTILE[name] = lambda: content.encode() if isinstance(content, str) else content


text_file("nothing-but-nul.csv", b"\0" * 100_000)
text_file("nul-in-a-row.csv", HEADER + ROW + ROW.replace("Japan", "Ja\0pan") + ROW)
text_file("quote-never-closed.csv", HEADER + '"' + ROW * 2000)
text_file("quotes-only.csv", HEADER + '"' * 99_999)
text_file("one-line-without-end.csv", HEADER + "x" * 5_000_000)
text_file("million-cells-in-a-row.csv", HEADER + "," * 1_000_000 + "\n" + ROW)
text_file("million-columns.csv", ",".join(f"c{n}" for n in range(1_000_000)) + "\n" + ROW)
text_file("every-row-ragged.csv", HEADER + "a,b\n" * 200_000)
text_file("newlines-only.csv", "\n" * 1_000_000)
text_file("old-mac.csv", (HEADER + ROW).replace("\n", "\r"))
text_file("utf-16.csv", (HEADER + ROW).encode("utf-16"))
text_file("utf-16-cut.csv", (HEADER + ROW).encode("utf-16")[:-1])
text_file("utf-32.csv", (HEADER + ROW).encode("utf-32"))
text_file("surrogates.csv", (HEADER + ROW).encode() + b"\xed\xa0\x80,,,,,,,\n")
text_file("right-to-left.csv", HEADER + ROW.replace("Japan", "\u202ejapan\u202c"))
text_file(
    "formulas.csv",
    HEADER + ROW.replace("Japan", '"=HYPERLINK(""http://example.com"",""x"")"'),
)
text_file("long-number.csv", HEADER + ROW.replace(",1,", "," + "9" * 100_000 + ","))
text_file("exponent.csv", HEADER + ROW.replace("1.5", "1e999999999"))
text_file("far-time.csv", HEADER + ROW.replace("2024-01-01T00:00:00Z", "9999-12-31T23:59:59Z"))
text_file("year-zero.csv", HEADER + ROW.replace("2024-01-01", "0000-01-01"))
text_file("gzip-bomb.csv.gz", gzip.compress(HEADER.encode() + b"a" * 300_000_000, 9))
text_file("gzip-cut.csv.gz", gzip.compress((HEADER + ROW * 1000).encode())[:-20])
text_file("gzip-in-gzip.csv.gz", gzip.compress(gzip.compress((HEADER + ROW).encode())))
text_file("zip-called.csv", b"PK\x03\x04" + b"\0" * 100)
text_file("html-called.xls", "<html><table><tr><td>1</td></tr></table></html>")
text_file("csv-called.xlsx", HEADER + ROW)
text_file("ole-head-only.xls", bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 4096)
text_file("zip-head-only.xlsx", b"PK\x05\x06" + b"\0" * 18)
text_file("parquet-head-only.parquet", b"PAR1")
text_file("parquet-of-nothing.parquet", b"PAR1" + b"\0\0\0\0" + b"PAR1")
text_file("parquet-long-footer.parquet", b"PAR1" + b"\xff" * 100 + struct.pack("<I", 0x7FFFFFFF) + b"PAR1")


def workbook(sheet_xml: str, *, more: dict[str, str] | None = None) -> bytes:
    """A workbook of one sheet whose XML is given."""
    book = openpyxl.Workbook()
    plain, out = io.BytesIO(), io.BytesIO()
    book.save(plain)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            if name != "xl/worksheets/sheet1.xml" and name not in (more or {}):
                target.writestr(name, source.read(name))
        target.writestr("xl/worksheets/sheet1.xml", sheet_xml)
        for name, content in (more or {}).items():
            target.writestr(name, content)
    return out.getvalue()


MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


@hostile("zip-bomb.xlsx")
def zip_bomb() -> bytes:
    return workbook(f"<worksheet {MAIN}><sheetData>" + "<row/>" * 30_000_000 + "</sheetData></worksheet>")


@hostile("far-cell.xlsx")
def far_cell() -> bytes:
    cells = '<row r="1"><c r="A1" t="inlineStr"><is><t>OrderID</t></is></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    return workbook(f'<worksheet {MAIN}><dimension ref="A1:XFD1048576"/><sheetData>{cells}</sheetData></worksheet>')


@hostile("laughs.xlsx")
def laughs() -> bytes:
    entities = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    return workbook(
        f'<?xml version="1.0"?><!DOCTYPE w [{entities}]><worksheet {MAIN}><sheetData><row r="1">'
        '<c r="A1" t="inlineStr"><is><t>&a9;</t></is></c></row></sheetData></worksheet>'
    )


@hostile("external-entity.xlsx")
def external_entity() -> bytes:
    return workbook(
        f'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]><worksheet {MAIN}><sheetData>'
        '<row r="1"><c r="A1" t="inlineStr"><is><t>&x;</t></is></c></row></sheetData></worksheet>'
    )


@hostile("relations-out-of-the-archive.xlsx")
def relations_out() -> bytes:
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId1" Type="{kind}" Target="../../../etc/passwd"/></Relationships>'
    )
    return workbook(f"<worksheet {MAIN}/>", more={"xl/_rels/workbook.xml.rels": relations})


@hostile("deep.xlsx")
def deep() -> bytes:
    return workbook(f"<worksheet {MAIN}>" + "<a>" * 500_000 + "</a>" * 500_000 + "</worksheet>")


@hostile("unknown-string.xlsx")
def unknown_string() -> bytes:
    return workbook(
        f'<worksheet {MAIN}><sheetData><row r="1"><c r="A1" t="s"><v>999999</v></c></row></sheetData></worksheet>'
    )


@hostile("many-sheets.xlsx")
def many_sheets() -> bytes:
    book = openpyxl.Workbook()
    for number in range(1500):
        book.create_sheet(f"s{number}")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@hostile("same-entry-often.xlsx")
def same_entry_often() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for number in range(20_000):
            target.writestr(f"xl/{number}", b"")
    return out.getvalue()


@hostile("billion-rows.parquet")
def billion_rows() -> bytes:
    """One value, said very often: small on disk, large in memory."""
    out = io.BytesIO()
    pl.DataFrame({"OrderID": ["x"]}).lazy().select(
        pl.col("OrderID").repeat_by(20_000_000).explode()
    ).collect().write_parquet(out)
    return out.getvalue()


@hostile("nested.parquet")
def nested() -> bytes:
    out = io.BytesIO()
    pl.DataFrame({"OrderID": [[[["x"]]]]}).write_parquet(out)
    return out.getvalue()
