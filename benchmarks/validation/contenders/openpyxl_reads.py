"""openpyxl reads every cell of a sheet, read-only, and does nothing with it."""

import sys

import openpyxl

from benchmarks.measured import measured


def work() -> dict[str, object]:
    book = openpyxl.load_workbook(sys.argv[1], read_only=True, data_only=True)
    return {"rows": sum(1 for _ in book.worksheets[0].iter_rows(values_only=True)) - 1}


measured(work)
