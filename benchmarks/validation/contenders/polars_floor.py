"""The floor: Polars casts and writes Parquet, streaming. No rule, no report; what cannot be cast is null."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from benchmarks.measured import measured

TYPES = {
    "ordered_at": pl.Datetime("us"),
    "quantity": pl.Int64,
    "unit_price": pl.Float64,
    "discount": pl.Float64,
    "shop": pl.Int64,
    "weight": pl.Float64,
    "rating": pl.Int64,
}


def typed(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Own cast of every column of the orders."""
    casts = [
        pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", strict=False)
        if name == "ordered_at"
        else pl.col(name).cast(kind, strict=False)
        for name, kind in TYPES.items()
    ]
    return frame.with_columns(*casts, pl.col("paid").replace_strict({"true": True, "false": False}, default=None))


def work() -> dict[str, object]:
    with TemporaryDirectory(prefix="sluice-bench-") as name:
        out = Path(name) / "out.parquet"
        file = pl.scan_csv(sys.argv[1], infer_schema=False)
        typed(file).sink_parquet(out, compression="zstd", compression_level=1)
        return {"parquet": out.stat().st_size}


if __name__ == "__main__":
    measured(work)
