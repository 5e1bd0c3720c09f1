"""Files of sales of any size, never the same twice, made quickly."""

from pathlib import Path
from uuid import uuid4

import polars as pl

DAYS = 5
LINES = ["Classic Cars", "Motorcycles", "Planes", "Ships", "Trains", "Trucks and Buses", "Vintage Cars"]
COUNTRIES = ["Austria", "Belgium", "Denmark", "Finland", "France", "Germany", "Italy", "Japan", "Norway", "Spain"]


def write_sales(path: Path, rows: int) -> Path:
    """CSV that keeps `contracts/sales.odcs.yaml`; its rows are of five days, in no order of time."""
    n = pl.col("n")
    moment = pl.datetime(2024, 3, 4) + pl.duration(seconds=n * 7919 % (DAYS * 86_400))
    columns = {
        "OrderID": pl.concat_str(pl.lit(f"{uuid4().hex[:12]}-"), n),
        "TransactionTimestamp": moment.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "ProductLine": _of(LINES, n),
        "Quantity": n % 1000 + 1,
        "UnitPrice": (n % 99_999 + 1) / 100,
        "Discount": n % 9 / 10,
        "CustomerEmail": pl.concat_str(pl.lit("buyer"), n % 50_000, pl.lit("@example.com")),
        "Country": _of(COUNTRIES, n),
    }
    pl.LazyFrame({"n": pl.int_range(rows, eager=True)}).select(**columns).sink_csv(path)
    return path


def _of(names: list[str], n: pl.Expr) -> pl.Expr:
    return (n % len(names)).replace_strict(list(range(len(names))), names)
