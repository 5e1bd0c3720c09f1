"""Files of orders with a known number of bad cells, the same bytes in every run. About 86 bytes a row, 12 columns."""

from pathlib import Path

import polars as pl

CHUNK = 500_000
LINES = ["Classic Cars", "Motorcycles", "Planes", "Ships", "Trains", "Trucks and Buses", "Vintage Cars"]
START = 1_704_067_200  # 2024-01-01, in seconds
BAD: dict[str, str] = {
    "order_id": "",
    "ordered_at": "31/31/2024",
    "product_line": "Plains",
    "quantity": "1001",
    "unit_price": "12,5",
    "discount": "1.5",
    "email": "nobody",
    "country": "Germany",
    "shop": "0",
    "paid": "perhaps",
    "weight": "-1",
    "rating": "9",
}
"""One value per column that breaks exactly one rule. An empty order id breaks `required`, or the length, never uniqueness."""


def orders(first: int, rows: int) -> pl.DataFrame:
    """Clean orders with the numbers first … first + rows - 1; every column as text."""
    number = pl.int_range(first, first + rows, dtype=pl.Int64, eager=True).alias("n")
    n, mixed = pl.col("n"), (pl.col("n") * 2_654_435_761 % 4_294_967_296)
    line = mixed % 7
    return number.to_frame().select(
        order_id="O-" + n.cast(pl.String).str.zfill(9),
        ordered_at=pl.from_epoch(START + n * 7 % 31_536_000).dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        product_line=line.replace_strict(dict(enumerate(LINES)), return_dtype=pl.String),
        quantity=(mixed % 1000 + 1).cast(pl.String),
        unit_price=((mixed % 999_999 + 1) / 100).cast(pl.String),
        discount=((mixed % 10) / 10 * 0.9).round(2).cast(pl.String),
        email="u" + (mixed % 10_000).cast(pl.String) + "@mail.example",
        country=(mixed % 4).replace_strict({0: "DE", 1: "FR", 2: "US", 3: "JP"}, return_dtype=pl.String),
        shop=(mixed % 300 + 1).cast(pl.String),
        paid=(mixed % 2 == 0).cast(pl.String),
        weight=((mixed % 5000) / 10).round(1).cast(pl.String),
        rating=(mixed % 5 + 1).cast(pl.String),
    )


def spoil(frame: pl.DataFrame, first: int, kind: str) -> pl.DataFrame:
    """`clean`; `rows`: in 1 % of the rows one cell; `cells`: 1 % of the cells of every column; `all`: every cell."""
    if kind == "clean":
        return frame
    row = pl.int_range(first, first + frame.height, dtype=pl.Int64, eager=True).alias("r")
    columns = []
    for at, (name, value) in enumerate(BAD.items()):
        bad = {
            "rows": (row % 100 == 7) & (row // 100 % len(BAD) == at),
            "cells": (row * 31 + at * 17) % 100 == 7,
            "all": row >= 0,
        }[kind]
        columns.append(frame[name].set(bad, value))
    return pl.DataFrame(columns)


def write_csv(path: Path, rows: int, kind: str) -> Path:
    """Written once; bounded memory."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as file:
            for first in range(0, rows, CHUNK):
                frame = spoil(orders(first, min(CHUNK, rows - first)), first, kind)
                frame.write_csv(file, include_header=first == 0)
        unfinished.rename(path)
    return path


def write_xlsx(path: Path, rows: int) -> Path:
    """Clean orders with numbers, dates and booleans as Excel has them."""
    if not path.exists():
        import openpyxl  # noqa: PLC0415 - only this file needs it

        path.parent.mkdir(parents=True, exist_ok=True)
        typed = orders(0, rows).with_columns(
            pl.col("ordered_at").str.to_datetime("%Y-%m-%dT%H:%M:%SZ"),
            pl.col("quantity", "shop", "rating").cast(pl.Int64),
            pl.col("unit_price", "discount", "weight").cast(pl.Float64),
            pl.col("paid") == "true",
        )
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet("Orders")
        sheet.append(typed.columns)
        for row in typed.iter_rows():
            sheet.append(row)
        book.save(path)
    return path
