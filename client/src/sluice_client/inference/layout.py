"""Where the table of a file begins, and how its cells are told apart: dialects are tried until one gives a sound table."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from sluice.contracts import Dialect
from sluice.contracts.fields import name_faults
from sluice.contracts.odcs import MOST_COLUMNS
from sluice.events import FileFormat
from sluice.safetext import shown
from sluice_client.errors import Refused
from sluice_client.inference.delimiters import text_dialects
from sluice_client.inference.probing import open_any, readable
from sluice_client.inference.readings import looks_like_cell
from sluice_client.inference.sheets import sheet_dialects
from sluice_client.intake import GivenFile
from sluice_engine.errors import FileRejected
from sluice_engine.reading.excel import ExcelTable
from sluice_engine.reading.table import Column, Table


@dataclass(frozen=True, slots=True)
class Layout:
    """`names` as a contract can have them. `outside` counts filled cells that stand beside the header's columns, as far as was read."""

    dialect: Dialect
    names: tuple[str, ...]
    outside: int
    sheet: str | None = None


def find_layout(file: GivenFile, asked: Dialect) -> Layout:
    """`asked` has what the caller knows: encoding, sheet and header row where they are not None. Raises Refused."""
    with readable(file):
        return _best(file, _dialects(file, asked))


def _dialects(file: GivenFile, asked: Dialect) -> Iterable[Dialect]:
    match file.format:
        case FileFormat.CSV:
            return text_dialects(file, asked)
        case FileFormat.XLSX | FileFormat.XLS:
            return sheet_dialects(file, asked)
        case FileFormat.PARQUET:
            return (Dialect(),)


def _best(file: GivenFile, dialects: Iterable[Dialect]) -> Layout:
    """The first that leaves nothing outside, else the one with most columns. Where none is sound, the first says why."""
    refusals: list[FileRejected | Refused] = []
    sound: list[Layout] = []
    for dialect in dialects:
        if sound and dialect.sheet != sound[0].dialect.sheet:
            break
        try:
            layout = _try(file, dialect)
        except (FileRejected, Refused) as refusal:
            refusals.append(refusal)
            continue
        if not layout.outside:
            return layout
        sound.append(layout)
    if not sound:
        raise refusals[0]
    return max(sound, key=lambda layout: len(layout.names))


def _try(file: GivenFile, dialect: Dialect) -> Layout:
    """Raises FileRejected where the file cannot be read so, Refused where no contract could have such columns."""
    table = open_any(file, dialect)
    first = next(iter(table.batches()), None)
    if first is None:
        raise Refused("no-rows", f"{file.path}: the file has a header and no rows. A contract is written from rows.")
    names = check_names(file, table.columns)
    sheet = table.sheet if isinstance(table, ExcelTable) else None
    return Layout(dialect, names, _outside(table), sheet)


def _outside(table: Table) -> int:
    return table.outside if isinstance(table, ExcelTable) else 0


def check_names(file: GivenFile, columns: tuple[Column, ...]) -> tuple[str, ...]:
    """Names for a contract. Raises Refused with what is to be done in the file."""
    if len(columns) > MOST_COLUMNS:
        said = f"the file has {len(columns):,} columns, and a contract has {MOST_COLUMNS:,} at most"
        raise Refused("wrong-columns", f"{file.path}: {said}. Leave out those that nobody queries.")
    faults = list(_faults(columns))
    if faults:
        raise Refused("wrong-columns", "\n".join([f"{file.path}: the header cannot be that of a contract.", *faults]))
    return tuple(each.name.strip() for each in columns)


def _faults(columns: tuple[Column, ...]) -> Iterator[str]:
    cells = (
        "looks like a cell, not like a name: the file needs a header; where it has one further down, say --header-row"
    )
    numbers = all(each.name.strip().isdecimal() for each in columns)
    seen: dict[str, int] = {}
    for position, column in enumerate(columns, start=1):
        name = column.name.strip()
        called = f"  column {position} ({shown(name, 100)})"
        if not column.named:
            yield f"  column {position} has no name: write one above its cells, or remove the column."
        elif numbers or looks_like_cell(name):
            yield f"{called} {cells}."
        elif name in seen:
            yield f"{called} is called like column {seen[name]}: rename one of them."
        elif fault := next(name_faults(name), None):
            yield f"{called}: {fault}."
        seen.setdefault(name, position)


def with_decimal(dialect: Dialect, decimal: str) -> Dialect:
    """A dialect of which the mark is no delimiter: spreadsheets have none, and must not have the same by default."""
    return replace(dialect, decimal=decimal, delimiter=";" if dialect.delimiter == decimal else dialect.delimiter)
