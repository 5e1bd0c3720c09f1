"""Sheets and header rows of a workbook, in the order in which they are tried."""

import zipfile
from collections.abc import Iterator
from dataclasses import replace

from sluice.contracts import Dialect
from sluice.events import FileFormat
from sluice_client.intake import GivenFile
from sluice_engine.reading.excel import BROKEN
from sluice_engine.reading.preflight import check_archive, check_xls
from sluice_engine.reading.sheetxml import broken
from sluice_engine.reading.workbook import Book, Sheet
from sluice_engine.reading.xls import DAMAGES, open_xls

HEADERS = 20
"""Rows among which the header is looked for."""


def sheet_dialects(file: GivenFile, asked: Dialect) -> Iterator[Dialect]:
    """The first visible sheet, as it is and then with its header further down; then the other visible ones. Raises FileRejected."""
    visible = [sheet.name for sheet in _sheets(file) if not sheet.hidden]
    names = [asked.sheet] if asked.sheet else [None, *visible[1:]]
    rows = [asked.header_row] if asked.header_row else [None, *range(2, HEADERS + 1)]
    for name in names:
        for row in rows:
            yield replace(asked, sheet=name, header_row=row)


def _sheets(file: GivenFile) -> tuple[Sheet, ...]:
    try:
        if file.format is FileFormat.XLS:
            check_xls(file.path)
            return open_xls(file.path).sheets
        check_archive(file.path, file.max_unpacked)
        with zipfile.ZipFile(file.path) as archive:
            return Book(archive).sheets
    except (*BROKEN, *DAMAGES) as error:
        raise broken() from error
