"""One column of a sheet: its cells as a typed Series where all of them are of the field's kind, else as the text that each one says."""

from decimal import Decimal

import polars as pl

from sluice.contracts import FieldType
from sluice_engine.reading.workbook import Kind

EPOCH = 25_569
"""1970-01-01 in the days of the 1900 system."""
SHIFT_1904 = 1_462
"""Days between the two systems."""
NEVER = 60
"""1900-02-29, a day that Excel counts and that never was; earlier days count one less."""
END = 2_958_466
"""10000-01-01: Excel's calendar ends before it."""

WHOLE = r"^-?(?:0|[1-9][0-9]*)$"
INT64 = r"^-?[0-9]{1,18}$"
EXACT = 2.0**53

OWN = {
    FieldType.INTEGER: Kind.NUMBER,
    FieldType.NUMBER: Kind.NUMBER,
    FieldType.TIMESTAMP: Kind.MOMENT,
    FieldType.DATE: Kind.MOMENT,
    FieldType.BOOLEAN: Kind.BOOLEAN,
}


def column(kinds: pl.Series, texts: pl.Series, type_: FieldType | None, *, epoch_1904: bool) -> pl.Series:
    """Filled cells of one column, typed (Int64, Float64, Boolean, Datetime) or String; never null.

    Numbers are whole without `.0`; moments are ISO 8601, without a time at midnight; durations are `26:00:00`; booleans `true`, `false`.
    """
    kind = kinds[0] if kinds.n_unique() == 1 else None
    if kind is not None and type_ is not None and OWN.get(type_) == kind:
        values = _typed(Kind(kind), texts, epoch_1904=epoch_1904)
        if values is not None:
            return values
    said = texts
    for each in kinds.unique().to_list():
        if each != Kind.TEXT:
            at = (kinds == each).arg_true()
            said = said.scatter(at, _said(Kind(each), texts.gather(at), epoch_1904=epoch_1904))
    return said


def _typed(kind: Kind, texts: pl.Series, *, epoch_1904: bool) -> pl.Series | None:
    match kind:
        case Kind.NUMBER if texts.str.contains(INT64).all():
            return texts.cast(pl.Int64)
        case Kind.NUMBER:
            numbers = texts.cast(pl.Float64, strict=False)
            return (
                numbers
                if numbers.is_finite().all() and (numbers.abs() < EXACT).all() and not numbers.null_count()
                else None
            )
        case Kind.BOOLEAN:
            return texts.is_in(["1", "true"])
        case Kind.MOMENT:
            days = _days(texts, epoch_1904=epoch_1904)
            real = days.is_between(1, NEVER, closed="left") | days.is_between(NEVER + 1, END, closed="left")
            return _instants(days) if real.fill_null(value=False).all() else None
        case _:
            return None


def _said(kind: Kind, texts: pl.Series, *, epoch_1904: bool) -> pl.Series:
    match kind:
        case Kind.NUMBER:
            return numbers_said(texts)
        case Kind.BOOLEAN:
            return texts.is_in(["1", "true"]).cast(pl.String)
        case Kind.MOMENT:
            return _moments_said(texts, epoch_1904=epoch_1904)
        case Kind.SPAN:
            return _spans_said(texts)
        case Kind.TEXT:
            return texts


def numbers_said(texts: pl.Series) -> pl.Series:
    """Whole numbers with all their digits, as the file has them; others as short as they are exact."""
    numbers = texts.cast(pl.Float64, strict=False)
    frame = pl.DataFrame({"text": texts, "number": numbers, "whole": numbers.cast(pl.Int64, strict=False)})
    number = pl.col("number")
    plain = pl.col("text").str.contains(WHOLE) | number.is_null() | ~number.is_finite()
    even = (number == pl.col("whole")) & (number.abs() < EXACT)
    said = frame.select(
        pl.when(plain).then("text").when(even).then(pl.col("whole").cast(pl.String)).otherwise(number.cast(pl.String))
    ).to_series()
    big = frame.select(~plain & (number.abs() >= EXACT)).to_series().arg_true()
    return said.scatter(big, [f"{Decimal(text):f}" for text in texts.gather(big).to_list()]) if len(big) else said


def _days(texts: pl.Series, *, epoch_1904: bool) -> pl.Series:
    """Days of the 1900 system."""
    days = texts.cast(pl.Float64, strict=False)
    return days + SHIFT_1904 if epoch_1904 else days


def _instants(days: pl.Series) -> pl.Series:
    """To the millisecond: finer times are beyond the digits of a sheet."""
    real = (days + 1).zip_with((days < NEVER).fill_null(value=False), days)
    return (((real - EPOCH) * 86_400_000).round().cast(pl.Int64, strict=False) * 1_000).cast(pl.Datetime("us"))


def _moments_said(texts: pl.Series, *, epoch_1904: bool) -> pl.Series:
    days = _days(texts, epoch_1904=epoch_1904)
    known = days.is_between(0, END, closed="left").fill_null(value=False)
    instants = _instants(days.set(~known, 1.0))
    frame = pl.DataFrame({"text": texts, "days": days, "known": known, "at": instants})
    at = pl.col("at")
    time = at.dt.strftime("%H:%M:%S%.f").str.replace(r"\\.?0*$", "", literal=False)
    day = (
        pl.when((pl.col("days") >= NEVER) & (pl.col("days") < NEVER + 1))
        .then(pl.lit("1900-02-29"))
        .otherwise(at.dt.strftime("%Y-%m-%d"))
    )
    return frame.select(
        pl.when(~pl.col("known"))
        .then("text")
        .when(pl.col("days") < 1)
        .then(time)
        .when(at.dt.time() == pl.time(0, 0))
        .then(day)
        .otherwise(pl.concat_str(day, pl.lit("T"), time))
    ).to_series()


def _spans_said(texts: pl.Series) -> pl.Series:
    """Hours may be more than a day's: 26:00:00."""
    spans = (texts.cast(pl.Float64, strict=False) * 86_400_000).round().cast(pl.Int64, strict=False)
    return pl.Series(
        [
            _clock(span) if span is not None else text
            for span, text in zip(spans.to_list(), texts.to_list(), strict=True)
        ],
        dtype=pl.String,
    )


def _clock(milliseconds: int) -> str:
    sign = "-" if milliseconds < 0 else ""
    seconds, rest = divmod(abs(milliseconds), 1000)
    clock = f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{clock}.{rest:03d}" if rest else clock
