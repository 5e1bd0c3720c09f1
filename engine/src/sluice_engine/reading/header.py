"""Names in a header, held against the contract: which column is which field, and every fault of the header at once."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches

from sluice.contracts import Contract, ExtraColumns
from sluice.reports import Note
from sluice.safetext import shown
from sluice_engine.errors import Fault, FileRejected
from sluice_engine.reading.table import Column

ROW, ERRORS = "__row", "__errors"
"""Columns that our rejects file has beside the sender's own: number of the row in the first file, and what was wrong."""

MOST_COLUMNS = 10_000
LONGEST_NAME = 1_000
"""Beyond these, nothing is compared any more: looking for near names takes time with each name and character."""

MOST_NAMED = 10
"""Names of ignored columns that a note shows."""
LONGEST_SHOWN = 100


def is_ours(name: str) -> bool:
    """Is it ROW or ERRORS?"""
    return name.strip() in {ROW, ERRORS}


def resolve(names: Sequence[str], contract: Contract, *, correcting: bool = False) -> tuple[Column, ...]:
    """One Column for each name, in their order; `field` is None for those that the contract does not know.

    A field is found by its own name, or else by an alias, whose case does not matter; outer spaces never do. Column names are those
    of the file, and all different; a column without one is called `column <position>`. Where a rejects file comes back (`correcting`), its
    columns ROW and ERRORS belong to it. Raises FileRejected with every fault: a field that is missing, one that stands there twice, and,
    where the contract refuses extra columns, each of these.
    """
    if len(names) > MOST_COLUMNS or any(len(name) > LONGEST_NAME for name in names):
        said = (
            f"The header has {len(names)} columns" if len(names) > MOST_COLUMNS else "A name in the header is too long"
        )
        limits = f"at most {MOST_COLUMNS} columns with names of {LONGEST_NAME} characters can be read"
        raise FileRejected("wrong-columns", f"{said}; {limits}. Send the columns of the contract.")
    aliases = {_key(alias): field.name for field in contract.fields for alias in field.aliases}
    columns = tuple(
        Column(name, _field(name.strip(), contract, aliases)) if name.strip() else _nameless(position)
        for position, name in enumerate(names, start=1)
    )
    foreign = all(column.field is None for column in columns)
    if foreign and any(field.classified for field in contract.fields):
        columns = _without_values(columns, contract)
    faults = [
        *_missing(columns, contract),
        *_duplicates(columns),
        *_unexpected(columns, contract, correcting=correcting),
    ]
    if faults:
        raise _refused(faults, foreign=foreign)
    return columns


def ignored(columns: Iterable[Column], contract: Contract) -> tuple[Note, ...]:
    """The note that says which columns of the file are left out."""
    names = [column.name for column in columns if column.field is None and not is_ours(column.name)]
    if not names or contract.policy.extra_columns is not ExtraColumns.IGNORE:
        return ()
    more = ", …" if len(names) > MOST_NAMED else ""
    count = "1 column is" if len(names) == 1 else f"{len(names)} columns are"
    those = ", ".join(_shown(name) for name in names[:MOST_NAMED])
    return (Note(code="ignored-columns", message=f"{count} not in the contract and left out: {those}{more}"),)


def _key(name: str) -> str:
    return name.strip().casefold()


def _field(name: str, contract: Contract, aliases: dict[str, str]) -> str | None:
    return name if name in contract.columns else aliases.get(_key(name))


def _nameless(position: int) -> Column:
    return Column(f"column {position}", None, named=False)


def _without_values(columns: tuple[Column, ...], contract: Contract) -> tuple[Column, ...]:
    """What may be data in a header's place, for a report that must not hold it: only names that are nearly the contract's stay."""
    own = [_key(name) for field in contract.fields for name in (field.name, *field.aliases)]
    return tuple(
        column if get_close_matches(_key(column.name), own, n=1) else _nameless(position)
        for position, column in enumerate(columns, start=1)
    )


def _refused(faults: list[Fault], *, foreign: bool) -> FileRejected:
    # a file without a header shows data in its place: only the contract's own names may travel in the message
    missing = [fault.column or "" for fault in faults if fault.rule == "missing-column"]
    said = f"Missing columns: {', '.join(missing)}. " if missing else ""
    asked = "None of the contract's columns is there: has the file a header? " if foreign else ""
    message = (
        f"{said}{asked}The header must hold exactly the columns of the contract; {len(faults)} differ, see the report."
    )
    if len(message) > 1000:  # noqa: PLR2004 - what a Problem holds
        message = f"{len(missing)} columns are missing. {message[len(said) :]}"
    return FileRejected("wrong-columns", message, *faults)


def _missing(columns: Sequence[Column], contract: Contract) -> Iterator[Fault]:
    found = {column.field for column in columns}
    free = {column.name.strip().casefold(): column.name for column in columns if column.field is None}
    for name in contract.columns:
        if name not in found:
            near = get_close_matches(name.casefold(), free, n=1)
            hint = f"Rename the column {_shown(free[near[0]])} to {name}." if near else f"Add a column {name}."
            yield Fault("missing-column", f"a column named {name}", hint, name)


def _duplicates(columns: Sequence[Column]) -> Iterator[Fault]:
    """Columns of one field, or of one name where the contract does not know it."""
    counts = Counter((column.field, None if column.field else column.name) for column in columns)
    for field, name in sorted((each for each, count in counts.items() if count > 1), key=str):
        those = [_shown(column.name) for column in columns if field and column.field == field]
        stand = (
            f" Columns of the file that mean {field}: {', '.join(those[:MOST_NAMED])}." if len(set(those)) > 1 else ""
        )
        yield Fault(
            "duplicate-column", "each column once", f"Remove or rename one of them.{stand}", field or _shown(name or "")
        )


def _unexpected(columns: Sequence[Column], contract: Contract, *, correcting: bool) -> Iterator[Fault]:
    refused = contract.policy.extra_columns is ExtraColumns.REFUSE
    for name in dict.fromkeys(column.name for column in columns if column.field is None):
        ours = is_ours(name)
        if ours and not correcting:
            hint = "This column comes from a rejects file: upload it with corrects=<the task that it belongs to>, or remove the column."
            yield Fault("unexpected-column", "only columns of the contract", hint, _shown(name))
        elif refused and not ours:
            hint = "Remove the column, or ask for it to be added to the contract."
            yield Fault("unexpected-column", "only columns of the contract", hint, _shown(name))


def _shown(name: str) -> str:
    return shown(name, LONGEST_SHOWN)
