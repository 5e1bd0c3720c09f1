"""A file opened without a contract: the engine's own reader, with columns that may hold anything."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sluice.contracts import Contract, Dialect, DruidTarget, ExtraColumns, Field, FieldType, Policy
from sluice_client.errors import Refused
from sluice_client.intake import GivenFile
from sluice_engine.errors import FileRejected
from sluice_engine.reading.table import Table
from sluice_engine.run import Submission, open_table

OFFLINE = UUID(int=0)
"""Task of a file that is judged on this machine alone."""
MOST_FAULTS = 5


def open_any(file: GivenFile, dialect: Dialect) -> Table:
    """Whatever columns the file has, all as `extra` texts."""
    return _open(file, Contract("any", "1", (), DruidTarget(""), dialect, Policy(extra_columns=ExtraColumns.KEEP)))


def open_texts(file: GivenFile, dialect: Dialect, names: tuple[str, ...]) -> Table:
    """Columns of these names: of CSV and spreadsheets as text, of Parquet by their own types."""
    fields = tuple(Field(name, FieldType.STRING) for name in names)
    return _open(file, Contract("any", "1", fields, DruidTarget(""), dialect))


def _open(file: GivenFile, contract: Contract) -> Table:
    job = Submission(
        task_id=OFFLINE, filename=file.name, format=file.format, contract=contract, max_unpacked=file.max_unpacked
    )
    return open_table(file.path, job)


@contextmanager
def readable(file: GivenFile) -> Iterator[None]:
    """What the reader says of a file that it cannot read is why no contract can be written. Raises Refused."""
    try:
        yield
    except FileRejected as rejected:
        faults = [f"  {each.column}: {each.hint}" for each in rejected.faults[:MOST_FAULTS] if each.column]
        raise Refused(rejected.code, "\n".join([f"{file.path}: {rejected.message}", *faults])) from rejected
