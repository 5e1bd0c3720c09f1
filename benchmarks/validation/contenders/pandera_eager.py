"""Pandera on the whole frame, after a cast of our own; the same rules, the good rows as Parquet."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pandera.polars as pa
import polars as pl
from pandera.config import ValidationDepth, config_context
from pandera.errors import SchemaErrors

from benchmarks.measured import measured
from benchmarks.validation.contenders.polars_floor import typed
from benchmarks.validation.data import LINES

SCHEMA = pa.DataFrameSchema(
    {
        "order_id": pa.Column(pl.String, pa.Check.str_length(4, 40), unique=True),
        "ordered_at": pa.Column(pl.Datetime("us")),
        "product_line": pa.Column(pl.String, pa.Check.isin(LINES)),
        "quantity": pa.Column(pl.Int64, pa.Check.in_range(1, 1000)),
        "unit_price": pa.Column(pl.Float64, [pa.Check.gt(0), pa.Check.le(10000)]),
        "discount": pa.Column(pl.Float64, pa.Check.in_range(0, 0.9), nullable=True),
        "email": pa.Column(pl.String, pa.Check.str_matches(r"^[a-z0-9.]+@[a-z0-9.]+\.[a-z]{2,}$")),
        "country": pa.Column(pl.String, pa.Check.str_length(2, 2)),
        "shop": pa.Column(pl.Int64, pa.Check.ge(1)),
        "paid": pa.Column(pl.Boolean),
        "weight": pa.Column(pl.Float64, pa.Check.ge(0), nullable=True),
        "rating": pa.Column(pl.Int64, pa.Check.in_range(1, 5), nullable=True),
    }
)


def work() -> dict[str, object]:
    frame = typed(pl.read_csv(sys.argv[1], infer_schema=False).lazy()).collect()
    bad = pl.repeat(value=False, n=frame.height, eager=True, dtype=pl.Boolean)
    errors = 0
    with config_context(validation_depth=ValidationDepth.SCHEMA_AND_DATA):
        try:
            SCHEMA.validate(frame, lazy=True)
        except SchemaErrors as failed:
            for each in failed.schema_errors:
                if isinstance(each.check_output, pl.DataFrame):
                    broken = ~each.check_output.to_series(-1).fill_null(value=True)
                    errors += int(broken.sum())
                    bad |= broken
    with TemporaryDirectory(prefix="sluice-bench-") as name:
        out = Path(name) / "out.parquet"
        frame.filter(~bad).write_parquet(out, compression="zstd", compression_level=1)
        return {"errors": errors, "accepted": int((~bad).sum()), "parquet": out.stat().st_size}


measured(work)
