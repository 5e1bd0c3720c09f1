"""Sales rows made here, always the same for the same arguments, and files of them in every format that Sluice takes."""

import csv
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import openpyxl
import polars as pl
import xlwt

Row = Mapping[str, object]

_PRODUCT_LINES = ("Classic Cars", "Motorcycles", "Planes", "Ships", "Trains", "Trucks and Buses", "Vintage Cars")
_COUNTRIES = ("Austria", "Belgium", "Denmark", "Finland", "France", "Germany", "Italy", "Japan", "Norway", "Spain")
_FIRST_DAY = datetime(2024, 3, 4, tzinfo=UTC)
_DAYS = 5
# One for each way to be wrong; a row gets one of them, so planted errors can be counted.
_MISTAKES: Sequence[Row] = (
    {"Quantity": 0},
    {"UnitPrice": -1.0},
    {"ProductLine": "Bicycles"},
    {"CustomerEmail": "nobody"},
    {"Discount": 1.5},
    {"TransactionTimestamp": "yesterday"},
    {"Country": ""},
)


def sales(count: int = 1000, prefix: str = "ORD") -> list[Row]:
    """Rows that keep the sales contract: over five days, `OrderID` from `<prefix>-000001`, whole seconds in UTC."""
    dice = random.Random(prefix)  # noqa: S311 - a sample, not a secret
    return [_sale(dice, f"{prefix}-{number:06}") for number in range(1, count + 1)]


def planted(rows: Sequence[Row], errors: int) -> list[Row]:
    """The same rows with exactly that many wrong cells, one in each of as many rows, spread evenly; as text for CSV."""
    spoilt = list(rows)
    for n in range(errors):
        at = n * len(rows) // errors
        spoilt[at] = {**rows[at], **_MISTAKES[n % len(_MISTAKES)]}
    return spoilt


def write_csv(rows: Sequence[Row], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _text(value) for name, value in row.items()} for row in rows)


def write_xlsx(rows: Sequence[Row], path: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Sales")
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append([_cell(value) for value in row.values()])
    book.save(path)


def write_xls(rows: Sequence[Row], path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sales")
    moment = xlwt.easyxf(num_format_str="YYYY-MM-DD HH:MM:SS")
    for column, name in enumerate(rows[0]):
        sheet.write(0, column, name)
    for line, row in enumerate(rows, start=1):
        for column, value in enumerate(map(_cell, row.values())):
            style = (moment,) if isinstance(value, datetime) else ()
            sheet.write(line, column, value, *style)
    book.save(str(path))


def write_parquet(rows: Sequence[Row], path: Path) -> None:
    pl.DataFrame(rows).write_parquet(path)


WRITERS: Mapping[str, Callable[[Sequence[Row], Path], None]] = {
    "csv": write_csv,
    "xlsx": write_xlsx,
    "xls": write_xls,
    "parquet": write_parquet,
}


def _sale(dice: random.Random, order: str) -> Row:
    return {
        "OrderID": order,
        "TransactionTimestamp": _FIRST_DAY + timedelta(seconds=dice.randrange(_DAYS * 86_400)),
        "ProductLine": dice.choice(_PRODUCT_LINES),
        "Quantity": dice.randint(1, 60),
        "UnitPrice": dice.randint(500, 250_000) / 100,
        "Discount": dice.randint(0, 6) / 20,
        "CustomerEmail": f"buyer{dice.randint(1, 400)}@example.com",
        "Country": dice.choice(_COUNTRIES),
    }


def _text(value: object) -> object:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value


def _cell(value: object) -> object:
    """Spreadsheets know no time zones: the same moment in UTC without one."""
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value
