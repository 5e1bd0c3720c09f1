"""DuckDB: all columns as text, TRY_CAST, the same rules as SQL, counts per rule, the good rows as Parquet."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from benchmarks.measured import measured

MEMORY = "400MB"
LINES = ["Classic Cars", "Motorcycles", "Planes", "Ships", "Trains", "Trucks and Buses", "Vintage Cars"]
NAMES = [
    *("order_id", "ordered_at", "product_line", "quantity", "unit_price", "discount"),
    *("email", "country", "shop", "paid", "weight", "rating"),
]
TYPED = """
    order_id, TRY_STRPTIME(ordered_at, '%Y-%m-%dT%H:%M:%SZ') AS ordered_at, product_line,
    TRY_CAST(quantity AS BIGINT) AS quantity, TRY_CAST(unit_price AS DOUBLE) AS unit_price,
    TRY_CAST(discount AS DOUBLE) AS discount, email, country, TRY_CAST(shop AS BIGINT) AS shop,
    CASE paid WHEN 'true' THEN true WHEN 'false' THEN false END AS paid,
    TRY_CAST(weight AS DOUBLE) AS weight, TRY_CAST(rating AS BIGINT) AS rating,
    discount IS NOT NULL AND discount <> '' AS has_discount, weight IS NOT NULL AND weight <> '' AS has_weight,
    rating IS NOT NULL AND rating <> '' AS has_rating
"""
RULES = {
    "order_id": "order_id IS NULL OR length(order_id) NOT BETWEEN 4 AND 40",
    "ordered_at": "ordered_at IS NULL",
    "product_line": f"product_line IS NULL OR product_line NOT IN ({', '.join(map(repr, LINES))})",
    "quantity": "quantity IS NULL OR quantity NOT BETWEEN 1 AND 1000",
    "unit_price": "unit_price IS NULL OR unit_price <= 0 OR unit_price > 10000",
    "discount": "(has_discount AND discount IS NULL) OR discount NOT BETWEEN 0 AND 0.9",
    "email": r"email IS NULL OR NOT regexp_matches(email, '^[a-z0-9.]+@[a-z0-9.]+\.[a-z]{2,}$')",
    "country": "country IS NULL OR length(country) <> 2",
    "shop": "shop IS NULL OR shop < 1",
    "paid": "paid IS NULL",
    "weight": "(has_weight AND weight IS NULL) OR weight < 0",
    "rating": "(has_rating AND rating IS NULL) OR rating NOT BETWEEN 1 AND 5",
}


def work() -> dict[str, object]:
    with TemporaryDirectory(prefix="sluice-bench-") as name:
        out = Path(name) / "out.parquet"
        database = duckdb.connect(str(Path(name) / "bench.duckdb"))
        database.execute(f"SET threads = 2; SET memory_limit = '{MEMORY}'; SET temp_directory = '{name}'")
        checks = ", ".join(f"coalesce({rule}, false) AS bad_{column}" for column, rule in RULES.items())
        bad = " OR ".join(f"bad_{column}" for column in RULES)
        counts = ", ".join(f"count(*) FILTER (bad_{column})" for column in RULES)
        source = (
            f"read_csv('{sys.argv[1]}', all_varchar = true, header = true, auto_detect = false, columns = {_columns()})"
        )
        database.execute(f"CREATE TABLE judged AS SELECT *, {checks} FROM (SELECT {TYPED} FROM {source})")
        found = database.execute(f"SELECT {counts}, count(*) FILTER (NOT ({bad})) FROM judged").fetchone() or ()
        repeated = database.execute(
            "SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM judged WHERE order_id <> '' GROUP BY order_id HAVING n > 1)"
        ).fetchone() or (0,)
        good = f"SELECT {', '.join(NAMES)} FROM judged WHERE NOT ({bad})"
        database.execute(f"COPY ({good}) TO '{out}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)")
        size = out.stat().st_size
        database.close()
    return {"errors": sum(found[:-1]) + int(repeated[0]), "accepted": found[-1], "parquet": size}


def _columns() -> str:
    return "{" + ", ".join(f"'{name}': 'VARCHAR'" for name in NAMES) + "}"


measured(work)
