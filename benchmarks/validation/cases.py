"""Which files, which peers, and what is to be reached."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.harness import Comparison, Contender
from benchmarks.validation.data import write_csv, write_xlsx
from validator.adapters.nursing import TUNING

HERE = Path(__file__).parent
CONTRACT = HERE / "orders.odcs.yaml"


@contextmanager
def comparisons(data: Path, ours: str, peers: str) -> Iterator[list[Comparison]]:
    """`data`: folder for the files; `ours`, `peers`: the Python of each environment."""

    def sluice(file: Path) -> Contender:
        command = (ours, *_script("sluice_judges"), str(file), str(CONTRACT))
        return Contender(f"sluice {file.name}", command, tuple(TUNING.items()))

    def here(name: str, file: Path) -> Contender:
        return Contender(name, (ours, *_script(name), str(file)))

    def other(name: str, file: Path) -> Contender:
        return Contender(name, (peers, *_script(name), str(file)))

    five = write_csv(data / "orders-5m-rows.csv", 5_000_000, "rows")
    cells = write_csv(data / "orders-5m-cells.csv", 5_000_000, "cells")
    clean, spoilt = (write_csv(data / f"orders-1m-{kind}.csv", 1_000_000, kind) for kind in ("clean", "all"))
    tenth = write_csv(data / "orders-100k-rows.csv", 100_000, "rows")
    million = write_csv(data / "orders-1m-rows.csv", 1_000_000, "rows")
    twenty = write_csv(data / "orders-20m-rows.csv", 20_000_000, "rows")
    small = write_csv(data / "orders-1k-clean.csv", 1_000, "clean")
    sheet = write_xlsx(data / "orders-100k.xlsx", 100_000)
    warm = Contender("sluice, warm child", (ours, *_script("warm_child"), str(small), str(CONTRACT)))
    floor = "CSV 5M rows, 1 % of rows bad"
    yield [
        Comparison(floor, sluice(five), here("polars_floor", five), "cpu_s", 1.7, 1.3),
        Comparison(floor, sluice(five), here("pandera_eager", five), "cpu_s", 1.0),
        Comparison(floor, sluice(five), here("pandera_eager", five), "peak_rss_mib", 0.33),
        Comparison(floor, sluice(five), other("duckdb_sql", five), "cpu_s", 0.65, 0.5),
        Comparison("CSV 5M rows, 1 % of cells bad", sluice(cells), here("polars_floor", cells), "cpu_s", 1.7, 1.3),
        Comparison("CSV 100k rows", sluice(tenth), other("frictionless_validates", tenth), "cpu_s", 0.05),
        Comparison("CSV 1M rows", sluice(million), other("great_expectations_checks", million), "cpu_s", 0.12),
        Comparison("CSV 20M rows", sluice(twenty), 384.0, "peak_rss_mib", 1.0, 0.67, "384 MiB"),
        Comparison("XLSX 100k rows", sluice(sheet), here("openpyxl_reads", sheet), "cpu_s", 0.13),
        Comparison("CSV 1k rows, warm", warm, 0.050, "wall_s", 1.0, 0.4, "50 ms"),
        Comparison("every cell bad, 1M rows", sluice(spoilt), sluice(clean), "cpu_s", 1.5, None, "a clean file"),
        Comparison("every cell bad, 1M rows", sluice(spoilt), sluice(clean), "peak_rss_mib", 1.5, None, "a clean file"),
    ]


def _script(name: str) -> tuple[str, ...]:
    return ("-m", f"benchmarks.validation.contenders.{name}")
