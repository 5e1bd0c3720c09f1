"""The one typed parse."""

import datetime as dt

import polars as pl
import pytest

from sluice.contracts import Dialect, Field, FieldType
from sluice_engine.parsing.text import parse


def at(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[arg-type,misc]  # year, month, …


GOOD = {
    FieldType.INTEGER: {" 12 ": 12, "+5": 5, "-0": 0, "9223372036854775807": 2**63 - 1},
    FieldType.NUMBER: {"1": 1.0, "-.5": -0.5, "5.": 5.0, "1e3": 1000.0, " 2.25": 2.25},
    FieldType.BOOLEAN: {"TRUE": True, "false": False, "1": True, "0": False},
    FieldType.TIMESTAMP: {
        "2024-01-31T12:00:00Z": at(2024, 1, 31, 12),
        "2024-01-31 12:00:00": at(2024, 1, 31, 12),
        "2024-01-31T12:00": at(2024, 1, 31, 12),
        "2024-01-31T12:00:00.1234567+02:00": at(2024, 1, 31, 10, 0, 0, 123456),
        "2024-01-31 12:00:00 -0530": at(2024, 1, 31, 17, 30),
        "2024-01-31": at(2024, 1, 31),
        "0001-01-01T00:00:00": at(1, 1, 1),
        "9999-12-31T23:59:59.999999": at(9999, 12, 31, 23, 59, 59, 999999),
    },
    FieldType.DATE: {"2024-02-29": dt.date(2024, 2, 29), "2024-02-29T00:00:00": dt.date(2024, 2, 29)},
    FieldType.STRING: {" a ": " a ", "12": "12"},
}
BAD = {
    FieldType.INTEGER: ["12.0", "1e3", "1_000", "1,000", "9223372036854775808", "٣", "0x1", "-", "x"],
    FieldType.NUMBER: ["nan", "inf", "-inf", "1e999", "1,5", "1 000.5", "1_0.5", ".", "e5"],
    FieldType.BOOLEAN: ["yes", "2", "1.0", "wahr"],
    FieldType.TIMESTAMP: ["2023-02-29T00:00:00", "2024-13-01", "12:00", "2024-01-31T25:00:00Z", "31.01.2024", "now"],
    FieldType.DATE: ["2023-02-29", "2024-02-29T12:00:00", "29.02.2024"],
    FieldType.STRING: ["#N/A", "#REF!"],
}


@pytest.mark.parametrize("kind", FieldType)
def test_what_is_well_formed_keeps_its_value(kind):
    parsed = parse(pl.Series(list(GOOD[kind])), Field("x", kind), Dialect())
    assert not parsed.failed.any()
    assert parsed.values.to_list() == list(GOOD[kind].values())


@pytest.mark.parametrize("kind", FieldType)
def test_what_is_not_is_null_and_marked(kind):
    # among good ones: no value may be judged by its neighbours
    texts = [*BAD[kind], *GOOD[kind]]
    parsed = parse(pl.Series(texts), Field("x", kind), Dialect())
    assert [text for text, failed in zip(texts, parsed.failed, strict=True) if failed] == BAD[kind]


@pytest.mark.parametrize("kind", FieldType)
def test_null_words_are_no_values_and_no_failures(kind):
    parsed = parse(
        pl.Series([None, "", "n/a", *([" n/a "] if kind is not FieldType.STRING else [])]),
        Field("x", kind),
        Dialect(null_words=("", "n/a")),
    )
    assert parsed.values.null_count() == len(parsed.values)
    assert not parsed.failed.any()


def test_a_format_of_the_contract_is_taken_beside_iso():
    parsed = parse(
        pl.Series(["31/01/2024", "2024-01-31", "01/31/2024"]), Field("x", FieldType.DATE, format="%d/%m/%Y"), Dialect()
    )
    assert parsed.values.to_list() == [dt.date(2024, 1, 31), dt.date(2024, 1, 31), None]
    assert parsed.failed.to_list() == [False, False, True]


@pytest.mark.parametrize("text", ["31/01/2024 12:00+02:00", "2024-01-31T10:00:00Z"])
def test_a_format_with_an_offset_is_converted_to_utc(text):
    parsed = parse(pl.Series([text]), Field("x", FieldType.TIMESTAMP, format="%d/%m/%Y %H:%M%:z"), Dialect())
    assert parsed.values.to_list() == [at(2024, 1, 31, 10)]
